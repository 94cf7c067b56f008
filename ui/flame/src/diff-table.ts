import type { DiffTree } from '@bunsen/profile';
import { functionTable } from './function-table.ts';

/** The functions of a comparison as columns, in no order, with their values on both sides. */
export interface DiffTable {
  /** Distinct functions: name and module, as `functionOfFrame` writes them. */
  functions: string[];
  /** Per frame of the tree: its function. */
  functionOf: Uint32Array;
  left: SideColumns;
  right: SideColumns;
}

/** Per function, as in `FunctionTable`: a recursion counts once. */
export interface SideColumns {
  self: Float64Array;
  total: Float64Array;
}

/** Sums up a comparison by function. */
export function diffTable({ frames, frame, depth, left, right }: DiffTree): DiffTable {
  const before = functionTable({ frames, frame, depth, ...left });
  const after = functionTable({ frames, frame, depth, ...right });
  return { functions: before.functions, functionOf: before.functionOf, left: before, right: after };
}
