/** Worker: merged stacks in, the bytes of an answer out. */
import {
  CallTreeBuilder,
  callTreeOf,
  type DiffMeta,
  diffToJson,
  diffTreeOf,
  encodeFlame,
  encodeFlameDiff,
  type FlameMeta,
  flameToJson,
  functionOfFrame,
  NO_STACK_FRAME,
  toFlamebearer,
} from '@bunsen/profile';
import { move } from 'piscina';
import { type DictionaryArrayColumn, decodeBlocks } from '../store/native-block.ts';
import { type Focus, focusStacks, type ValuedStacks } from './focus.ts';

/** `render` is Pyroscope's answer: what stands beside the flamebearer comes from the asker. */
export type TreeForm =
  | { kind: 'binary' }
  | { kind: 'json' }
  | { kind: 'render'; envelope: Record<string, unknown> };

export interface TreeTask {
  /** (frames, v) in Native format, in pieces that were cut anywhere. */
  native: Uint8Array[];
  meta: Omit<FlameMeta, 'foldedNodes' | 'foldedValue'>;
  maxNodes: number;
  form: TreeForm;
  /** Only what is around a function, instead of everything. */
  focus: Focus | undefined;
}

export default function buildTree({ native, meta, maxNodes, form, focus }: TreeTask): Uint8Array {
  const builder = new CallTreeBuilder({ nodes: nodesIn([native]) });
  for (const merged of readStacks(native)) {
    const { stacks, values } = focus ? focusStacks(merged, focus) : merged;
    builder.add(stacks, values);
  }
  const cut = builder.cut(maxNodes);
  const tree = callTreeOf(cut);
  const { foldedNodes, foldedValue } = cut;
  const warnings = [...meta.warnings, ...warningsOf(tree.total)];
  const flame = { meta: { ...meta, foldedNodes, foldedValue, warnings }, tree };
  switch (form.kind) {
    case 'binary':
      return move(encodeFlame(flame)) as Uint8Array;
    case 'json':
      return bytesOfJson(flameToJson(flame));
    case 'render':
      return bytesOfJson({ version: 1, flamebearer: toFlamebearer(tree), ...form.envelope });
  }
}

export interface DiffTask {
  /** Of each side: (frames, v) in Native format, in pieces. */
  native: [left: Uint8Array[], right: Uint8Array[]];
  meta: Omit<DiffMeta, 'foldedNodes' | 'foldedValue'>;
  maxNodes: number;
  form: DiffForm;
}

export type DiffForm = { kind: 'binary' } | { kind: 'json' };

/** The second entry of this worker: two sides in, one tree out. Equal stacks make equal nodes. */
export function buildDiff({ native, meta, maxNodes, form }: DiffTask): Uint8Array {
  const builder = new CallTreeBuilder({ sides: 2, nodes: nodesIn(native) });
  native.forEach((bytes, side) => {
    for (const { stacks, values } of readStacks(bytes)) builder.add(stacks, values, side);
  });
  const cut = builder.cut(maxNodes);
  const tree = diffTreeOf(cut);
  const { foldedNodes, foldedValue } = cut;
  const warnings = [...meta.warnings, ...warningsOf(tree.left.total, tree.right.total)];
  const diff = { ...meta, foldedNodes, foldedValue, warnings };
  return form.kind === 'binary'
    ? (move(encodeFlameDiff({ meta: diff, tree })) as Uint8Array)
    : bytesOfJson({ ...diff, ...diffToJson(tree) });
}

/** A stack of 35 frames has ten nodes of its own and takes a hundred bytes. */
function nodesIn(sides: Uint8Array[][]): number {
  return sides.flat().reduce((sum, { length }) => sum + length, 0) / 10;
}

/** Doubles add up exactly to 2^53, and are never wrapped around beyond it: see merge-plan.ts. */
function warningsOf(...totals: Float64Array[]): string[] {
  return totals.some(([root = 0]) => Math.abs(root) > Number.MAX_SAFE_INTEGER)
    ? ['the values pass 2^53, beyond which they are rounded: ask for a shorter range']
    : [];
}

/** Frames are reduced to functions here: lines and files of one function are one node. */
function* readStacks(native: Uint8Array[]): Generator<ValuedStacks> {
  const bytes = native.length === 1 ? (native[0] as Uint8Array) : Buffer.concat(native);
  for (const { rows, columns } of decodeBlocks(bytes)) {
    if (rows === 0) continue;
    const [stacks, sums] = columns;
    if (stacks?.type !== 'Array(LowCardinality(String))' || sums?.type !== 'Float64') {
      throw new Error(`merged stacks have the columns ${columns.map(({ type }) => type)}`);
    }
    const { dictionary, codes, offsets } = withoutEmpty(stacks);
    yield {
      stacks: {
        frames: dictionary.map(functionOfFrame),
        stackOffsets: offsets,
        stackFrames: codes,
      },
      values: sums.values,
    };
  }
}

/** A stack without frames, which is one that is missing, gets a frame that says so. */
function withoutEmpty(stacks: Stacks): Stacks {
  const { dictionary, codes, offsets } = stacks;
  const rows = offsets.length - 1;
  let empty = 0;
  for (let row = 0; row < rows; row++) if (offsets[row] === offsets[row + 1]) empty++;
  if (empty === 0) return stacks;
  const filled = new Uint32Array(codes.length + empty);
  const starts = new Uint32Array(offsets.length);
  for (let row = 0, at = 0; row < rows; row++) {
    const stack = codes.subarray(offsets[row], offsets[row + 1]);
    if (stack.length === 0) filled[at++] = dictionary.length;
    filled.set(stack, at);
    at += stack.length;
    starts[row + 1] = at;
  }
  return { dictionary: [...dictionary, NO_STACK_FRAME], codes: filled, offsets: starts };
}

type Stacks = Pick<DictionaryArrayColumn, 'dictionary' | 'codes' | 'offsets'>;

function bytesOfJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
