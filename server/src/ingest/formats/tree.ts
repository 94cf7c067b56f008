import { type FoldedStacks, formatFrame, StackColumnsBuilder } from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import { frameTooLong, type IngestLimits, tooDeep, tooMany } from '../limits.ts';

/**
 * Decodes Pyroscope's `tree`: a call tree whose root has no name, and each node's own value.
 * @throws BunsenError `TREE_MALFORMED`, `STACK_TOO_DEEP`, `STRING_TOO_LONG`, `PROFILE_TOO_LARGE`
 */
export function decodeTree(bytes: Uint8Array, limits: IngestLimits): FoldedStacks {
  const stacks = new Stacks(limits);
  const path: number[] = [];
  forEachNode(bytes, ({ name, depth, value }) => {
    path.length = Math.max(0, depth - 1);
    // The root stands for all stacks, and a name that it may have for a frame of all of them.
    if (depth > 0 || name.length > 0) path.push(stacks.frameId(name));
    if (path.length > limits.stackDepth) throw tooDeep('a stack of the tree has more', limits);
    if (value !== 0) stacks.add(path, path.length, value);
  });
  return stacks.build();
}

/**
 * Decodes Pyroscope's `trie`: folded stacks, of which each node has the part that its parent has
 * not: `main;a` and `main;b` are `main;` with the children `a` and `b`.
 * @throws BunsenError `TREE_MALFORMED`, `STACK_TOO_DEEP`, `STRING_TOO_LONG`, `PROFILE_TOO_LARGE`
 */
export function decodeTrie(bytes: Uint8Array, limits: IngestLimits): FoldedStacks {
  const stacks = new Stacks(limits);
  // A name may begin in the middle of a character, so that bytes are put together, not texts. Only
  // what a node adds is looked at: keys can be long and have much in common.
  let key = new Uint8Array(1024);
  const path: number[] = [];
  /** By depth, of the parent: bytes of its key, frames that it has whole, where the last one begins. */
  const parents: { end: number; frames: number; last: number }[] = [{ end: 0, frames: 0, last: 0 }];
  forEachNode(bytes, ({ name, depth, value }) => {
    const parent = parents[depth] as (typeof parents)[number];
    const end = parent.end + name.length;
    if (end > key.length) {
      const grown = new Uint8Array(end * 2);
      grown.set(key);
      key = grown;
    }
    key.set(name, parent.end);
    let { frames, last } = parent;
    // Not in the key, behind whose end are longer ones that were there before.
    for (let at = name.indexOf(SEMICOLON); at >= 0; at = name.indexOf(SEMICOLON, at + 1)) {
      path[frames++] = stacks.frameId(key.subarray(last, parent.end + at));
      last = parent.end + at + 1;
    }
    if (frames >= limits.stackDepth) throw tooDeep('a stack of the trie has more', limits);
    parents[depth + 1] = { end, frames, last };
    if (value === 0) return;
    const again = Math.max(0, parent.end - last);
    if (end > 0) path[frames++] = stacks.frameId(key.subarray(last, end), again);
    stacks.add(path, frames, value);
  });
  return stacks.build();
}

const SEMICOLON = 0x3b;

const decoder = new TextDecoder();

/** A byte that is read again makes a new text each time, which takes some copies until it is stored. */
const AGAIN = 4;

/** Stacks with their values, no more than are allowed. */
class Stacks {
  readonly #limits: IngestLimits;
  readonly #builder: StackColumnsBuilder;
  readonly #values: (number | bigint)[] = [];
  #bytes = 0;

  constructor(limits: IngestLimits) {
    this.#limits = limits;
    this.#builder = new StackColumnsBuilder(limits);
  }

  /** @param again bytes of the name that other frames have taken as well, out of the same few of the body */
  frameId(name: Uint8Array, again = 0): number {
    if (name.length > this.#limits.frameBytes) {
      throw frameTooLong(decoder.decode(name.subarray(0, 80)), name.length, this.#limits);
    }
    this.#take(name.length + again * AGAIN);
    return this.#builder.frameId(formatFrame({ name: decoder.decode(name) }));
  }

  /** @param path the first `length` are the stack, root first */
  add(path: number[], length: number, value: number | bigint): void {
    const limits = this.#limits;
    if (this.#values.length >= limits.values) throw tooMany('more', 'values', limits, 'values');
    this.#take(length * Uint32Array.BYTES_PER_ELEMENT);
    for (let i = 0; i < length; i++) this.#builder.push(path[i] as number);
    this.#builder.endStack();
    this.#values.push(value);
  }

  /** Each node's stack has what all above it have: a small tree can stand for many long ones. */
  #take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#limits.profileBytes) return;
    throw tooMany('more', 'bytes in its stacks', this.#limits, 'profileBytes');
  }

  build(): FoldedStacks {
    return { ...this.#builder.build(), values: BigInt64Array.from(this.#values, BigInt) };
  }
}

interface Node {
  name: Uint8Array;
  /** 0 for the root. */
  depth: number;
  /** A bigint from 2^49 on. */
  value: number | bigint;
}

/**
 * Visits nodes as they lie in the bytes, parents before children: length of the name, name, value,
 * number of children; numbers are varints.
 */
function forEachNode(bytes: Uint8Array, visit: (node: Node) => void): void {
  /** For each level, how many nodes are still to come. */
  const left = [1];
  let at = 0;
  const fail = (what: string): never => {
    throw new BunsenError('TREE_MALFORMED', `not a tree or trie: ${what} at byte ${at}`);
  };
  // Below 2^49, as nearly all are, without a bigint, of which seven a number took most of the time.
  const varint = (): number | bigint => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = bytes[at++] ?? fail('it is cut off');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = bytes[at++] ?? fail('it is cut off');
      large |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (large >= 1n << 63n) fail('a number beyond 2^63 - 1');
      return large < 1n << 49n ? Number(large) : large;
    }
    return fail('a number longer than 64 bits');
  };
  while (left.length > 0) {
    const length = Number(varint());
    if (length > bytes.length - at) fail(`a name of ${length} bytes is cut off`);
    const name = bytes.subarray(at, at + length);
    at += length;
    const value = varint();
    const children = Number(varint());
    // A node has 3 bytes at least.
    if (children * 3 > bytes.length - at) fail(`${children} children of a node are cut off`);
    visit({ name, depth: left.length - 1, value });
    left[left.length - 1] = (left.at(-1) as number) - 1;
    if (children > 0) left.push(children);
    while (left.at(-1) === 0) left.pop();
  }
  if (at < bytes.length) fail('something follows the root');
}
