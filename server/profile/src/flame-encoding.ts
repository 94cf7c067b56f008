import { ByteWriter } from './byte-writer.ts';
import { type CallTree, NO_FRAME, totalsOf } from './call-tree.ts';
import type { DiffMeta, DiffTree } from './diff.ts';
import { ProfileError } from './errors.ts';
import { parseFrame } from './frame.ts';

/** What a flame graph says about itself, beside its nodes. */
export interface FlameMeta {
  /** `name:sample_type:sample_unit:period_type:period_unit`. */
  profileType: string;
  /** Unit of self and total, such as `nanoseconds`. */
  unit: string;
  /** The range that was merged, milliseconds since 1970: from inclusive, until exclusive. */
  fromMs: number;
  untilMs: number;
  /** Nodes that were merged into `other`, and what they held; 0 if the tree is whole. */
  foldedNodes: number;
  foldedValue: number;
  /** What the reader should know, such as a label that no series has. */
  warnings: string[];
}

export interface Flame {
  meta: FlameMeta;
  tree: CallTree;
}

export interface FlameDiff {
  meta: DiffMeta;
  tree: DiffTree;
}

/** Flame graphs, callers, callees and comparisons are answered with this for `Accept: application/vnd.bunsen.flame+bin`. */
export const FLAME_CONTENT_TYPE = 'application/vnd.bunsen.flame+bin';

const MAGIC = [0x42, 0x46, 0x4c, 0x32]; // BFL2

/**
 * The binary form, version 2: `BFL2`, then varints (LEB128):
 * length of the meta JSON, its UTF-8; number of nodes N, of frames F, and of sides S: 1, and 2 for a
 * comparison, left and right; N pops (by how much the next node's depth falls short of one below its
 * predecessor's); N frame indices + 1 (0 = the root's), the most frequent frame being 1; S times N
 * selves, each its magnitude (up to 2^63) above the lowest bit, which is set below 0;
 * byte length of the frames, and those, UTF-8, one a line.
 * Totals are not sent: the reader derives them.
 */
export function encodeFlame({ meta, tree }: Flame): Uint8Array<ArrayBuffer> {
  return encode(meta, tree, [tree.self]);
}

/** A comparison in the same form, with two sides. */
export function encodeFlameDiff({ meta, tree }: FlameDiff): Uint8Array<ArrayBuffer> {
  return encode(meta, tree, [tree.left.self, tree.right.self]);
}

/** @throws ProfileError `FLAME_MALFORMED` if the bytes are not a whole flame graph of version 2 */
export function decodeFlame(bytes: Uint8Array): Flame {
  const { meta, columns, selves } = decode(bytes, 1);
  const self = selves[0] as Float64Array;
  return {
    meta: meta as FlameMeta,
    tree: { ...columns, self, total: totalsOf(columns.depth, self) },
  };
}

/** @throws ProfileError `FLAME_MALFORMED` if the bytes are not a whole comparison of version 2 */
export function decodeFlameDiff(bytes: Uint8Array): FlameDiff {
  const { meta, columns, selves } = decode(bytes, 2);
  const [left, right] = selves.map((self) => ({ self, total: totalsOf(columns.depth, self) }));
  return { meta: meta as DiffMeta, tree: { ...columns, left, right } as DiffTree };
}

type NodeColumns = Pick<CallTree, 'frames' | 'frame' | 'depth'>;

function encode(meta: object, tree: NodeColumns, selves: Float64Array[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  const metaBytes = text.encode(JSON.stringify(meta));
  const order = framesByFrequency(tree);
  const code = new Uint32Array(tree.frames.length);
  order.forEach((frame, index) => {
    code[frame] = index + 1;
  });
  const frameBytes = text.encode(order.map((frame) => tree.frames[frame]).join('\n'));

  const nodes = tree.frame.length;
  const out = new ByteWriter(64 + metaBytes.length + frameBytes.length + nodes * 12);
  for (const byte of MAGIC) out.byte(byte);
  out.varint(metaBytes.length);
  out.bytes(metaBytes);
  out.varint(nodes);
  out.varint(order.length);
  out.varint(selves.length);
  for (let i = 0, previous = -1; i < nodes; i++) {
    const depth = tree.depth[i] as number;
    out.varint(previous + 1 - depth);
    previous = depth;
  }
  for (let i = 0; i < nodes; i++) {
    const frame = tree.frame[i] as number;
    out.varint(frame === NO_FRAME ? 0 : (code[frame] as number));
  }
  for (const self of selves) for (const value of self) writeSigned(out, Math.round(value));
  out.varint(frameBytes.length);
  out.bytes(frameBytes);
  return out.take();
}

function decode(
  bytes: Uint8Array,
  sides: number,
): { meta: unknown; columns: NodeColumns; selves: Float64Array[] } {
  const reader = new ByteReader(bytes);
  for (const byte of MAGIC) {
    if (reader.byte() !== byte) throw malformed('it does not begin with BFL2');
  }
  const text = new TextDecoder();
  const meta = JSON.parse(text.decode(reader.bytes(reader.varint())));
  const nodes = reader.varint();
  const frameCount = reader.varint();
  const found = reader.varint();
  if (nodes > bytes.length) throw malformed(`it claims ${nodes} nodes`);
  if (found !== sides) throw malformed(`it has ${found} values a node, not ${sides}`);
  const depth = new Uint32Array(nodes);
  reader.varints(depth);
  for (let i = 0, previous = -1; i < nodes; i++) {
    previous = previous + 1 - (depth[i] as number);
    if (previous < 0) throw malformed(`node ${i} stands above the root`);
    depth[i] = previous;
  }
  const frame = new Uint32Array(nodes);
  reader.varints(frame);
  for (let i = 0; i < nodes; i++) {
    const code = frame[i] as number;
    if (code > frameCount) throw malformed(`node ${i} has frame ${code} of ${frameCount}`);
    frame[i] = code === 0 ? NO_FRAME : code - 1;
  }
  const selves = Array.from({ length: sides }, () => new Float64Array(nodes));
  for (const self of selves) reader.signeds(self);
  const frameText = text.decode(reader.bytes(reader.varint()));
  const frames = frameCount === 0 ? [] : frameText.split('\n');
  if (frames.length !== frameCount) {
    throw malformed(`it claims ${frameCount} frames and has ${frames.length}`);
  }
  return { meta, columns: { frames, frame, depth }, selves };
}

/** The form for people and scripts: the same nodes as JSON columns, in preorder. */
export interface FlameJson extends FlameMeta {
  frames: { name: string; module: string }[];
  /** `frame` is an index into `frames`, -1 for the root. */
  nodes: { depth: number[]; frame: number[]; self: number[]; total: number[] };
}

export function flameToJson({ meta, tree }: Flame): FlameJson {
  return {
    ...meta,
    frames: tree.frames.map((text) => {
      const { name, module } = parseFrame(text);
      return { name, module };
    }),
    nodes: {
      depth: Array.from(tree.depth),
      frame: Array.from(tree.frame, (frame) => (frame === NO_FRAME ? -1 : frame)),
      self: Array.from(tree.self),
      total: Array.from(tree.total),
    },
  };
}

/** Frames that occur, the most frequent first: those get the shortest varints. */
function framesByFrequency(tree: NodeColumns): number[] {
  const uses = new Uint32Array(tree.frames.length);
  for (const frame of tree.frame) {
    if (frame !== NO_FRAME) uses[frame] = (uses[frame] as number) + 1;
  }
  return Array.from(uses.keys())
    .filter((frame) => uses[frame] !== 0)
    .sort((a, b) => (uses[b] as number) - (uses[a] as number));
}

function malformed(reason: string): ProfileError {
  return new ProfileError('FLAME_MALFORMED', `not a flame graph of this version: ${reason}`);
}

/** The sign is the lowest bit. Not as a product: twice a number of 2^53 and one is none. */
function writeSigned(out: ByteWriter, value: number): void {
  const magnitude = Math.abs(value);
  const low = (magnitude % 0x40) * 2 + (value < 0 ? 1 : 0);
  out.byte(magnitude < 0x40 ? low : low | 0x80);
  if (magnitude >= 0x40) out.varint(Math.floor(magnitude / 0x40));
}

class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw malformed(`it ends at byte ${this.#at}`);
    return this.#bytes[this.#at++] as number;
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw malformed(`it ends at byte ${this.#at}`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
      if (scale > 2 ** 63) throw malformed(`the number at byte ${this.#at} is longer than 64 bits`);
    }
  }

  /**
   * Fills a column with numbers of up to 32 bits. Such a loop calls nothing: a page decodes its first
   * graph before anything is compiled, and a call then takes longer than what it does.
   */
  varints(column: Uint32Array): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < column.length; i++) {
      let byte = bytes[at++] as number;
      let value = byte & 0x7f;
      for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
        byte = bytes[at++] as number;
        value += (byte & 0x7f) * scale;
        if (value > 0xffffffff) throw malformed(`the number at byte ${at} is longer than 32 bits`);
      }
      column[i] = value;
    }
    this.#moveTo(at);
  }

  /** Fills a column with numbers that have a sign. */
  signeds(column: Float64Array): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < column.length; i++) {
      const low = bytes[at++] as number;
      let byte = low;
      let magnitude = (low & 0x7f) >> 1;
      for (let scale = 0x40; byte >= 0x80; scale *= 0x80) {
        byte = bytes[at++] as number;
        magnitude += (byte & 0x7f) * scale;
        if (scale > 2 ** 63) throw malformed(`the number at byte ${at} is longer than 64 bits`);
      }
      column[i] = (low & 1) === 0 ? magnitude : -magnitude;
    }
    this.#moveTo(at);
  }

  #moveTo(at: number): void {
    // What lies past the end was read as 0.
    if (at > this.#bytes.length) throw malformed(`it ends at byte ${this.#bytes.length}`);
    this.#at = at;
  }
}
