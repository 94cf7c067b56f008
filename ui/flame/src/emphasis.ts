import { NO_FRAME } from '@bunsen/profile';
import type { FlameLayout } from './layout.ts';

/** Frames that stand out: the matches of a search, or the function that a pointer rests on. */
export interface Emphasis {
  /** Per frame: 1 if it stands out. */
  marked: Uint8Array;
  /** Level `d` holds `cells[levelOffsets[d] .. levelOffsets[d + 1]]`. */
  levelOffsets: Uint32Array;
  /** The cells whose frame stands out, in order. */
  cells: Uint32Array;
  /** Per entry of `cells`: where it ends. */
  cellEnd: Float64Array;
}

/**
 * Lists the cells of marked frames. With this list a row paints its matches after everything else,
 * so that one narrower than a pixel shows, too, although its neighbours were culled.
 */
export function emphasise(layout: FlameLayout, marked: Uint8Array): Emphasis {
  const { tree, levels, cellNode } = layout;
  const isMarked = (cell: number): boolean => {
    const frame = tree.frame[cellNode[cell] as number] as number;
    return frame !== NO_FRAME && marked[frame] === 1;
  };
  let count = 0;
  for (let cell = 0; cell < cellNode.length; cell++) if (isMarked(cell)) count++;
  const cells = new Uint32Array(count);
  const cellEnd = new Float64Array(count);
  const levelOffsets = new Uint32Array(levels + 1);
  let at = 0;
  for (let level = 0; level < levels; level++) {
    const end = layout.levelOffsets[level + 1] as number;
    for (let cell = layout.levelOffsets[level] as number; cell < end; cell++) {
      if (!isMarked(cell)) continue;
      cells[at] = cell;
      cellEnd[at] = layout.cellEnd[cell] as number;
      at++;
    }
    levelOffsets[level + 1] = at;
  }
  return { marked, levelOffsets, cells, cellEnd };
}
