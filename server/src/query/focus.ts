import { formatFrame, nameOfFrame, type StackColumns } from '@bunsen/profile';

/** A function, and the side of it that is asked for. */
export interface Focus {
  direction: 'callees' | 'callers';
  name: string;
  /** undefined = any */
  module: string | undefined;
}

/** Distinct stacks whose frames are functions, and the value of each. */
export interface ValuedStacks {
  stacks: StackColumns;
  values: Float64Array;
}

/**
 * The stacks that have the function, parted where it occurs first, seen from the root: its callees
 * are what comes below, in which it may recur; its callers are what is above, the nearest first. Either
 * way the function comes first, and a stack counts once.
 */
export function focusStacks({ stacks, values }: ValuedStacks, focus: Focus): ValuedStacks {
  const { frames, stackOffsets, stackFrames } = stacks;
  const isFocus = Uint8Array.from(frames, (frame) => (matches(frame, focus) ? 1 : 0));
  const outFrames = new Uint32Array(stackFrames.length);
  const outOffsets = new Uint32Array(stackOffsets.length);
  const outValues = new Float64Array(values.length);
  let at = 0;
  let count = 0;
  for (let stack = 0; stack < values.length; stack++) {
    const start = stackOffsets[stack] as number;
    const end = stackOffsets[stack + 1] as number;
    let first = start;
    while (first < end && isFocus[stackFrames[first] as number] === 0) first++;
    if (first === end) continue;
    const part =
      focus.direction === 'callees'
        ? stackFrames.subarray(first, end)
        : stackFrames.slice(start, first + 1).reverse();
    outFrames.set(part, at);
    at += part.length;
    outValues[count++] = values[stack] as number;
    outOffsets[count] = at;
  }
  return {
    stacks: {
      frames,
      stackOffsets: outOffsets.subarray(0, count + 1),
      stackFrames: outFrames.subarray(0, at),
    },
    values: outValues.subarray(0, count),
  };
}

function matches(frame: string, { name, module }: Focus): boolean {
  return module === undefined
    ? nameOfFrame(frame) === name
    : frame === formatFrame({ name, module });
}
