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
  const found = new Uint32Array(cellNode.length);
  const levelOffsets = new Uint32Array(levels + 1);
  let count = 0;
  // The root is alone in its level, and has no frame.
  for (let level = 1; level < levels; level++) {
    const end = layout.levelOffsets[level + 1] as number;
    for (let cell = layout.levelOffsets[level] as number; cell < end; cell++) {
      if (marked[tree.frame[cellNode[cell] as number] as number] === 1) found[count++] = cell;
    }
    levelOffsets[level + 1] = count;
  }
  const cells = found.slice(0, count);
  const cellEnd = Float64Array.from(cells, (cell) => layout.cellEnd[cell] as number);
  return { marked, levelOffsets, cells, cellEnd };
}
