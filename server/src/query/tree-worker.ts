/** Worker: merged stacks in, the bytes of an answer out. */
import {
  buildCallTree,
  encodeFlame,
  type FlameMeta,
  flameToJson,
  functionOfFrame,
  type StackColumns,
  toFlamebearer,
  truncateCallTree,
} from '@bunsen/profile';
import { move } from 'piscina';
import { type Block, decodeBlocks } from '../store/native-block.ts';

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
}

/** Frame of samples that have no stack, or one that is no longer stored: counted, and visible. */
const NO_STACK = '[unknown]';

export default function buildTree({ blocks, meta, maxNodes, form }: TreeTask): Uint8Array {
  const { stacks, values } = readStacks(decodeBlocks(blocks));
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

/** Frames are reduced to functions here: lines and files of one function are one node. */
function readStacks(blocks: Iterable<Block>): { stacks: StackColumns; values: number[] } {
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
  const offsets: number[] = [0];
  const stackFrames: number[] = [];
  const values: number[] = [];
  for (const { rows, columns } of blocks) {
    const [stack, value] = columns;
    if (stack?.type !== 'Array(LowCardinality(String))' || value?.type !== 'Int64') {
      throw new Error(`merged stacks have the columns ${columns.map(({ type }) => type)}`);
    }
    // Only what a stack refers to: the first key of a dictionary is the empty string, unused.
    const ids = new Int32Array(stack.dictionary.length).fill(-1);
    const frameOf = (code: number): number => {
      if (ids[code] === -1) ids[code] = idOf(functionOfFrame(stack.dictionary[code] as string));
      return ids[code] as number;
    };
    for (let row = 0; row < rows; row++) {
      const start = stack.offsets[row] as number;
      const end = stack.offsets[row + 1] as number;
      for (let i = start; i < end; i++) stackFrames.push(frameOf(stack.codes[i] as number));
      if (start === end) stackFrames.push(idOf(NO_STACK));
      offsets.push(stackFrames.length);
      values.push(Number(value.values[row]));
    }
  }
  const stacks = {
    frames,
    stackOffsets: Uint32Array.from(offsets),
    stackFrames: Uint32Array.from(stackFrames),
  };
  return { stacks, values };
}

function bytesOfJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
