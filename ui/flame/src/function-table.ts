import { type CallTree, functionOfFrame, NO_FRAME } from '@bunsen/profile';

/** The functions of a tree as columns, in no order. Frames that differ in line only are one function. */
export interface FunctionTable {
  /** Distinct functions: name and module, as `functionOfFrame` writes them. */
  functions: string[];
  /** Per frame of the tree: its function. */
  functionOf: Uint32Array;
  /** Per function: value of the samples that end in it. */
  self: Float64Array;
  /** Per function: value of the samples that have it in their stack, each counted once. */
  total: Float64Array;
}

/** Sums up a tree by function. A function that recurs in a stack counts at its outermost call only. */
export function functionTable(tree: CallTree): FunctionTable {
  const functions: string[] = [];
  const ids = new Map<string, number>();
  const functionOf = Uint32Array.from(tree.frames, (frame) => {
    const key = functionOfFrame(frame);
    let id = ids.get(key);
    if (id === undefined) {
      id = functions.push(key) - 1;
      ids.set(key, id);
    }
    return id;
  });

  const self = new Float64Array(functions.length);
  const total = new Float64Array(functions.length);
  const onStack = new Uint32Array(functions.length); // how often the open stack holds it
  const stack: number[] = [];
  for (let node = 0; node < tree.depth.length; node++) {
    const frame = tree.frame[node] as number;
    if (frame === NO_FRAME) continue;
    // The root has no frame: what stands at depth d is the stack's entry d - 1.
    while (stack.length >= (tree.depth[node] as number)) {
      const left = stack.pop() as number;
      onStack[left] = (onStack[left] as number) - 1;
    }
    const fn = functionOf[frame] as number;
    self[fn] = (self[fn] as number) + (tree.self[node] as number);
    if (onStack[fn] === 0) total[fn] = (total[fn] as number) + (tree.total[node] as number);
    onStack[fn] = (onStack[fn] as number) + 1;
    stack.push(fn);
  }
  return { functions, functionOf, self, total };
}
