import type { FlameLayout } from './layout.ts';

/** The first of the cells `low .. high` that ends after `x`; `high` if none does. */
export function firstCellEndingAfter(
  cellEnd: Float64Array,
  low: number,
  high: number,
  x: number,
): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cellEnd[middle] as number) <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The node of a level at `x` (in the unit of the values), or -1. */
export function nodeAt(layout: FlameLayout, level: number, x: number): number {
  if (level < 0 || level >= layout.levels) return -1;
  const until = layout.levelOffsets[level + 1] as number;
  const cell = firstCellEndingAfter(layout.cellEnd, layout.levelOffsets[level] as number, until, x);
  if (cell === until || (layout.cellStart[cell] as number) > x) return -1;
  return layout.cellNode[cell] as number;
}
