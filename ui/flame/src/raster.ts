import { type FlameColours, NO_FRAME } from '@bunsen/profile';
import type { Emphasis } from './emphasis.ts';
import { firstCellEndingAfter } from './hit-test.ts';
import type { FlameLayout } from './layout.ts';

/** What is painted on: device pixels, row by row, as an ImageData holds them. */
export interface Raster {
  pixels: Uint32Array;
  width: number;
  height: number;
}

/** The part of a layout that is in sight. */
export interface Viewport {
  /** Left and right edge in the unit of the values; until is greater than from. */
  from: number;
  until: number;
  /** Device pixels that are scrolled away above the raster. */
  top: number;
  /** Height of a level in device pixels, of which the last one stays free; need not be whole. */
  rowHeight: number;
}

/** Numbers that each label takes in the list of labels: node, x, y, width in device pixels. */
export const LABEL_STRIDE = 4;

/**
 * Paints the rows in sight, and nothing else. A row is one scanline of spans, copied downwards; a
 * run of cells narrower than a pixel costs one lookup per pixel, however many there are. So the cost
 * depends on the pixels, hardly on the nodes: a million of them take 2 to 6 ms where a
 * fillRect each took 32.
 * @param labels receives a label for each cell of at least `minLabelWidth` device pixels
 */
export function paintRows(
  raster: Raster,
  layout: FlameLayout,
  viewport: Viewport,
  colours: FlameColours,
  emphasis: Emphasis | null,
  minLabelWidth: number,
  labels: number[],
): void {
  const { pixels, width, height } = raster;
  const { top, rowHeight } = viewport;
  pixels.fill(colours.background);
  labels.length = 0;
  const firstLevel = Math.max(0, Math.floor(top / rowHeight));
  const lastLevel = Math.min(layout.levels - 1, Math.floor((top + height - 1) / rowHeight));
  for (let level = firstLevel; level <= lastLevel; level++) {
    const y = Math.round(level * rowHeight) - top;
    const firstLine = Math.max(0, y);
    const endLine = Math.min(height, Math.round((level + 1) * rowHeight) - top - 1);
    if (endLine <= firstLine) continue;
    const base = firstLine * width;
    paintCells(raster, base, y, layout, level, viewport, colours, emphasis, minLabelWidth, labels);
    if (emphasis) paintMarked(raster, base, layout, level, viewport, colours, emphasis);
    for (let line = firstLine + 1; line < endLine; line++) {
      pixels.copyWithin(line * width, base, base + width);
    }
  }
}

function paintCells(
  { pixels, width }: Raster,
  base: number,
  y: number,
  { tree, levelOffsets, cellNode, cellStart, cellEnd }: FlameLayout,
  level: number,
  { from, until }: Viewport,
  colours: FlameColours,
  emphasis: Emphasis | null,
  minLabelWidth: number,
  labels: number[],
): void {
  const scale = width / (until - from);
  const byFrame = emphasis ? colours.dimmed : colours.frame;
  const byNode = colours.node && (emphasis ? colours.node.dimmed : colours.node.plain);
  const root = emphasis ? colours.dimmedRoot : colours.root;
  const end = levelOffsets[level + 1] as number;
  let cell = firstCellEndingAfter(cellEnd, levelOffsets[level] as number, end, from);
  while (cell < end) {
    const start = cellStart[cell] as number;
    if (start >= until) break;
    const node = cellNode[cell] as number;
    const frame = tree.frame[node] as number;
    const colour = byNode
      ? (byNode[node] as number)
      : frame === NO_FRAME
        ? root
        : (byFrame[frame] as number);
    const left = (start - from) * scale;
    const right = ((cellEnd[cell] as number) - from) * scale;
    if (right - left < 1) {
      const x = left < 0 ? 0 : Math.floor(left);
      pixels[base + x] = colour;
      cell = gallop(cellEnd, cell + 1, end, from + (x + 1) / scale);
      continue;
    }
    const x0 = left < 0 ? 0 : Math.round(left);
    const x1 = right > width ? width : Math.round(right);
    pixels.fill(colour, base + x0, base + (x1 - x0 > 3 ? x1 - 1 : x1));
    if (x1 - x0 >= minLabelWidth) labels.push(node, x0, y, x1 - x0);
    cell++;
  }
}

function paintMarked(
  { pixels, width }: Raster,
  base: number,
  { tree, cellNode, cellStart }: FlameLayout,
  level: number,
  { from, until }: Viewport,
  colours: FlameColours,
  { levelOffsets, cells, cellEnd }: Emphasis,
): void {
  const scale = width / (until - from);
  const end = levelOffsets[level + 1] as number;
  let at = firstCellEndingAfter(cellEnd, levelOffsets[level] as number, end, from);
  while (at < end) {
    const cell = cells[at] as number;
    const start = cellStart[cell] as number;
    if (start >= until) break;
    const colour = colours.emphasised[tree.frame[cellNode[cell] as number] as number] as number;
    const left = Math.max(0, (start - from) * scale);
    const right = Math.min(width, ((cellEnd[at] as number) - from) * scale);
    if (right - left < 1) {
      const x = Math.min(width - 1, Math.floor(left));
      pixels[base + x] = colour;
      at = gallop(cellEnd, at + 1, end, from + (x + 1) / scale);
      continue;
    }
    const x0 = Math.round(left);
    const x1 = Math.round(right);
    pixels.fill(colour, base + x0, base + (x1 - x0 > 3 ? x1 - 1 : x1));
    at++;
  }
}

/** As {@link firstCellEndingAfter}, but quick if the answer is near `low`: doubling steps, then bisection. */
function gallop(cellEnd: Float64Array, low: number, high: number, x: number): number {
  let step = 1;
  let probe = low;
  while (probe < high && (cellEnd[probe] as number) <= x) {
    low = probe + 1;
    step *= 2;
    probe += step;
  }
  return firstCellEndingAfter(cellEnd, low, Math.min(probe, high), x);
}
