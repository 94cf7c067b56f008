import { type CallTree, CallTreeBuilder, callTreeOf, NO_FRAME } from '@bunsen/profile';

/**
 * `focus`: only stacks that hold a marked frame. `ignore`: only those that hold none. `hide`: marked
 * frames are left out, and what they called joins their caller. `collapse`: of marked frames right
 * below one another only the outermost stays.
 */
export const STEP_KINDS = ['focus', 'ignore', 'hide', 'collapse'] as const;
export type StepKind = (typeof STEP_KINDS)[number];

export interface TransformStep {
  kind: StepKind;
  /** Per frame of the tree: 1 if it is meant. */
  marked: Uint8Array;
}

/** Nodes that a transformed tree has at most: turned round, a million become eleven. */
const MOST_NODES = 250_000;
/** Stacks that are merged at once. */
const BATCH = 50_000;

/**
 * A tree of the stacks that come out of a chain of steps, in their order; turned round at the end if
 * `inverted`, so that what ends stacks stands below the root. Small nodes are cut off where it grows
 * too large; totals stay what they are.
 */
export function transformTree(tree: CallTree, steps: TransformStep[], inverted: boolean): CallTree {
  const { frames, frame, depth, self } = tree;
  const builder = new CallTreeBuilder({ stacks: depth.length });
  const open: number[] = [];
  let stackFrames: number[] = [];
  let offsets = [0];
  let values: number[] = [];
  const flush = () => {
    const stacks = {
      frames,
      stackOffsets: Uint32Array.from(offsets),
      stackFrames: Uint32Array.from(stackFrames),
    };
    builder.add(stacks, values);
    stackFrames = [];
    offsets = [0];
    values = [];
  };
  for (let node = 0; node < depth.length; node++) {
    const own = frame[node] as number;
    // The root has no frame: what stands at depth d is the stack's entry d - 1.
    open.length = Math.max(0, (depth[node] as number) - 1);
    if (own !== NO_FRAME) open.push(own);
    if (self[node] === 0) continue;
    const stack = transformStack(open, steps);
    if (!stack) continue;
    if (inverted) stack.reverse();
    for (const each of stack) stackFrames.push(each);
    offsets.push(stackFrames.length);
    if (values.push(self[node] as number) === BATCH) flush();
  }
  flush();
  return callTreeOf(builder.cut(MOST_NODES));
}

/** A copy of a stack after all steps; null if it is not among those that are wanted. */
function transformStack(frames: number[], steps: TransformStep[]): number[] | null {
  let stack = frames.slice();
  for (const { kind, marked } of steps) {
    const isMarked = (frame: number | undefined) => frame !== undefined && marked[frame] === 1;
    if (kind === 'focus' || kind === 'ignore') {
      if (stack.some(isMarked) !== (kind === 'focus')) return null;
    } else if (kind === 'hide') {
      stack = stack.filter((frame) => !isMarked(frame));
    } else {
      stack = stack.filter((frame, at) => !(isMarked(frame) && isMarked(stack[at - 1])));
    }
  }
  return stack;
}
