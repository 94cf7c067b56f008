import { functionOfFrame, NO_STACK_FRAME } from '@bunsen/profile';
import { type DictionaryArrayColumn, decodeBlocks } from '../store/native-block.ts';
import type { ValuedStacks } from './focus.ts';

/** Stacks as they are stored, root first, and the sum of each; a stack may be empty. */
export interface MergedStacks {
  stacks: DictionaryArrayColumn;
  values: Float64Array;
}

/** What a merge answers, block by block. @param native (frames, v) in Native format, in pieces */
export function* readMerged(native: Uint8Array[]): Generator<MergedStacks> {
  const bytes = native.length === 1 ? (native[0] as Uint8Array) : Buffer.concat(native);
  for (const { rows, columns } of decodeBlocks(bytes)) {
    if (rows === 0) continue;
    const [stacks, sums] = columns;
    if (stacks?.type !== 'Array(LowCardinality(String))' || sums?.type !== 'Float64') {
      throw new Error(`merged stacks have the columns ${columns.map(({ type }) => type)}`);
    }
    yield { stacks, values: sums.values };
  }
}

/** The same with frames reduced to functions. */
export function* readStacks(native: Uint8Array[]): Generator<ValuedStacks> {
  for (const merged of readMerged(native)) yield functionStacks(merged);
}

/** Lines and files of one function are one frame; no stack is empty. */
export function functionStacks({ stacks, values }: MergedStacks): ValuedStacks {
  const { dictionary, codes, offsets } = withoutEmpty(stacks);
  const frames = dictionary.map(functionOfFrame);
  return { stacks: { frames, stackOffsets: offsets, stackFrames: codes }, values };
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

/** About how many; a stack of 35 frames takes a hundred bytes. */
export function stacksIn(native: Uint8Array[]): number {
  return native.reduce((sum, { length }) => sum + length, 0) / 100;
}

/** Doubles add up exactly to 2^53, and are never wrapped around beyond it: see merge-plan.ts. */
export function roundingWarnings(...totals: Float64Array[]): string[] {
  return totals.some(([root = 0]) => Math.abs(root) > Number.MAX_SAFE_INTEGER)
    ? ['the values pass 2^53, beyond which they are rounded: ask for a shorter range']
    : [];
}
