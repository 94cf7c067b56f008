/** Worker: merged stacks in, the bytes of an answer out. */
import {
  buildCallTree,
  buildDiffTree,
  type DiffResponse,
  diffToJson,
  encodeFlame,
  type FlameMeta,
  flameToJson,
  functionOfFrame,
  NO_STACK_FRAME,
  toFlamebearer,
  truncateCallTree,
} from '@bunsen/profile';
import { move } from 'piscina';
import { type Block, type DictionaryArrayColumn, decodeBlocks } from '../store/native-block.ts';
import { type Focus, focusStacks, type ValuedStacks } from './focus.ts';

/** `render` is Pyroscope's answer: what stands beside the flamebearer comes from the asker. */
export type TreeForm =
  | { kind: 'binary' }
  | { kind: 'json' }
  | { kind: 'render'; envelope: Record<string, unknown> };

export interface TreeTask {
  /** (frames, v) in Native format. */
  blocks: Uint8Array;
  meta: Omit<FlameMeta, 'foldedNodes' | 'foldedValue'>;
  maxNodes: number;
  form: TreeForm;
  /** Only what is around a function, instead of everything. */
  focus: Focus | undefined;
}

export default function buildTree(task: TreeTask): Uint8Array {
  const { blocks, meta, maxNodes, form, focus } = task;
  const merged = readStacks(decodeBlocks(blocks));
  const { stacks, values } = focus ? focusStacks(merged, focus) : merged;
  const { tree, foldedNodes, foldedValue } = truncateCallTree(
    buildCallTree(stacks, values),
    maxNodes,
  );
  const flame = { meta: { ...meta, foldedNodes, foldedValue }, tree };
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
  /** (frames, v) in Native format. */
  left: Uint8Array;
  right: Uint8Array;
  meta: Omit<DiffResponse, 'foldedNodes' | 'foldedValue' | 'frames' | 'nodes'>;
  maxNodes: number;
}

/** The second entry of this worker: two sides in, the bytes of a {@link DiffResponse} out. */
export function buildDiff({ left, right, meta, maxNodes }: DiffTask): Uint8Array {
  const leftBlocks = [...decodeBlocks(left)];
  const leftStacks = leftBlocks.reduce((sum, { rows }) => sum + rows, 0);
  const { stacks, values } = readStacks([...leftBlocks, ...decodeBlocks(right)]);
  const { tree, ...folded } = buildDiffTree(stacks, values, leftStacks, maxNodes);
  return bytesOfJson({ ...meta, ...folded, ...diffToJson(tree) });
}

/** Frames are reduced to functions here: lines and files of one function are one node. */
function readStacks(blocks: Iterable<Block>): ValuedStacks {
  const merged = Array.from(blocks, mergedColumns);
  const count = (length: (columns: MergedColumns) => number) =>
    merged.reduce((sum, columns) => sum + length(columns), 0);
  const rows = count(({ values }) => values.length);
  // A stack without frames gets one: hence room for one more a row.
  const stackFrames = new Uint32Array(count(({ stacks }) => stacks.codes.length) + rows);
  const stackOffsets = new Uint32Array(rows + 1);
  const values = new Float64Array(rows);
  const frames: string[] = [];
  const frameIds = new Map<string, number>();
  const idOf = (frame: string): number => {
    let id = frameIds.get(frame);
    if (id === undefined) {
      id = frames.push(frame) - 1;
      frameIds.set(frame, id);
    }
    return id;
  };
  let at = 0;
  let stack = 0;
  for (const { stacks, values: sums } of merged) {
    const { dictionary, codes, offsets } = stacks;
    // Only what a stack refers to: the first key of a dictionary is the empty string, unused.
    const ids = new Int32Array(dictionary.length).fill(-1);
    for (let row = 0; row < sums.length; row++) {
      const start = offsets[row] as number;
      const end = offsets[row + 1] as number;
      for (let i = start; i < end; i++) {
        const code = codes[i] as number;
        if (ids[code] === -1) ids[code] = idOf(functionOfFrame(dictionary[code] as string));
        stackFrames[at++] = ids[code] as number;
      }
      if (start === end) stackFrames[at++] = idOf(NO_STACK_FRAME);
      values[stack++] = Number(sums[row]);
      stackOffsets[stack] = at;
    }
  }
  return { stacks: { frames, stackOffsets, stackFrames: stackFrames.subarray(0, at) }, values };
}

export interface MergedColumns {
  stacks: DictionaryArrayColumn;
  values: BigInt64Array;
}

/** The columns of a block of merged stacks: frames, and the sum of each. */
export function mergedColumns({ columns }: Block): MergedColumns {
  const [stacks, sums] = columns;
  if (stacks?.type !== 'Array(LowCardinality(String))' || sums?.type !== 'Int64') {
    throw new Error(`merged stacks have the columns ${columns.map(({ type }) => type)}`);
  }
  return { stacks, values: sums.values };
}

function bytesOfJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
