import type { DiffTable, DiffWeights } from '@bunsen/flame';
import { nameOfFrame } from '@bunsen/profile';
import type { ChangeColumn, ChangeKind, Measure } from '../url/compare-state.ts';

/** A function on both sides, in weighted values. */
export interface Change {
  /** As `functionOfFrame` writes it. */
  fn: string;
  left: number;
  right: number;
  change: number;
  kind: Exclude<ChangeKind, 'all'> | 'same';
}

/** The functions of a comparison by one measure; those that have none of it on either side are left out. */
export function changesOf(table: DiffTable, measure: Measure, weights: DiffWeights): Change[] {
  const [before, after] = [table.left[measure], table.right[measure]];
  return table.functions.flatMap((fn, index) => {
    const left = (before[index] as number) * weights.left;
    const right = (after[index] as number) * weights.right;
    if (left === 0 && right === 0) return [];
    const change = right - left;
    // Whoever has no samples of its own may yet stand in stacks: new is what occurs nowhere before.
    const kind =
      table.left.total[index] === 0
        ? 'new'
        : table.right.total[index] === 0
          ? 'gone'
          : change > 0
            ? 'more'
            : change < 0
              ? 'less'
              : 'same';
    return [{ fn, left, right, change, kind }];
  });
}

/** The functions that have a frame which a search found. */
export function markedFunctions(table: DiffTable, marked: Uint8Array): Set<string> {
  const found = new Set<string>();
  marked.forEach((mark, frame) => {
    if (mark === 1) found.add(table.functions[table.functionOf[frame] as number] as string);
  });
  return found;
}

/** In order; changes by their size, whatever their sign. Equal ones stand in the order of their names. */
export function sortChanges(changes: Change[], by: ChangeColumn, ascending: boolean): Change[] {
  const sign = ascending ? 1 : -1;
  const byName = (a: Change, b: Change) => (a.fn < b.fn ? -1 : a.fn > b.fn ? 1 : 0);
  if (by === 'name') {
    const lower = new Map(changes.map((one) => [one, nameOfFrame(one.fn).toLowerCase()]));
    return changes.toSorted((a, b) => {
      const [left, right] = [lower.get(a) as string, lower.get(b) as string];
      return sign * (left < right ? -1 : left > right ? 1 : byName(a, b));
    });
  }
  const sizeOf = (one: Change) => (by === 'change' ? Math.abs(one.change) : one[by]);
  return changes.toSorted((a, b) => sign * (sizeOf(a) - sizeOf(b)) || byName(a, b));
}
