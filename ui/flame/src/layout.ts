import { type CallTree, frameSwatches } from '@bunsen/profile';

/**
 * A call tree with a place on the x axis for every node. A node of a level is a cell there; the
 * cells of a level lie side by side in order, so a row can be searched and painted without a look
 * at any other. The x axis has the unit of the values: the root spans 0 to its total, children lie
 * at the left of their parent, and what is left free under it is its self value.
 */
export interface FlameLayout {
  tree: CallTree;
  /** Per frame of the tree: which colour of a palette it has. */
  swatches: Uint8Array;
  /** The greatest depth + 1. */
  levels: number;
  /** Per node: its parent; the root is its own. */
  parent: Uint32Array;
  /** Level `d` holds the cells `levelOffsets[d] .. levelOffsets[d + 1]`. */
  levelOffsets: Uint32Array;
  /** Per node: its cell. */
  nodeCell: Uint32Array;
  /** Per cell: its node. Rises within a level. */
  cellNode: Uint32Array;
  /** Per cell: from inclusive, until exclusive; both rise within a level. */
  cellStart: Float64Array;
  cellEnd: Float64Array;
}

/** Places every node: two passes over the tree, no object per node. */
export function layoutFlame(tree: CallTree): FlameLayout {
  const { depth } = tree;
  const count = depth.length;
  const width = widthsOf(tree);
  const cellsOf: number[] = []; // per level
  for (let node = 0; node < count; node++) {
    const level = depth[node] as number;
    cellsOf[level] = (cellsOf[level] ?? 0) + 1;
  }
  const levels = cellsOf.length;
  const levelOffsets = new Uint32Array(levels + 1);
  for (let level = 0; level < levels; level++) {
    levelOffsets[level + 1] = (levelOffsets[level] as number) + (cellsOf[level] as number);
  }

  const parent = new Uint32Array(count);
  const nodeCell = new Uint32Array(count);
  const cellNode = new Uint32Array(count);
  const cellStart = new Float64Array(count);
  const cellEnd = new Float64Array(count);
  const nextCell = levelOffsets.slice();
  const nextStart = new Float64Array(levels + 1); // per level: where the next cell begins
  const open = new Uint32Array(levels); // per level: the node that was placed last
  for (let node = 0; node < count; node++) {
    const level = depth[node] as number;
    const cell = nextCell[level] as number;
    nextCell[level] = cell + 1;
    const start = nextStart[level] as number;
    const end = start + (width[node] as number);
    nextStart[level] = end;
    nextStart[level + 1] = start;
    open[level] = node;
    parent[node] = level === 0 ? node : (open[level - 1] as number);
    nodeCell[node] = cell;
    cellNode[cell] = node;
    cellStart[cell] = start;
    cellEnd[cell] = end;
  }
  const swatches = frameSwatches(tree.frames);
  return { tree, swatches, levels, parent, levelOffsets, nodeCell, cellNode, cellStart, cellEnd };
}

/**
 * Widths are the totals, unless a value is negative, as in a profile that had another subtracted: then
 * a node is as wide as its value is large, whatever its sign, and at least as wide as its children
 * need. So what became less is seen, and cells of a level never overlap.
 */
function widthsOf(tree: CallTree): Float64Array {
  const { depth, total } = tree;
  if (!hasNegative(tree)) return total;
  const width = new Float64Array(total.length);
  const children = new Float64Array(total.length + 1); // per level: widths of the open children
  for (let node = total.length - 1; node >= 0; node--) {
    const level = depth[node] as number;
    const own = Math.max(Math.abs(total[node] as number), children[level + 1] as number);
    children[level + 1] = 0;
    width[node] = own;
    children[level] = (children[level] as number) + own;
  }
  return width;
}

/** Whether samples were subtracted: a difference of two profiles holds such. */
export function hasNegative({ self }: CallTree): boolean {
  for (let node = 0; node < self.length; node++) if ((self[node] as number) < 0) return true;
  return false;
}

/** Per node: -1 for a negative total, 1 for a positive one, as a comparison is coloured by. */
export function signsOf({ total }: CallTree): Float32Array {
  return Float32Array.from(total, Math.sign);
}

/** What shares are of: the total, or where values are negative, too, all that is drawn. */
export function wholeOf({ cellEnd }: FlameLayout): number {
  return cellEnd[0] as number;
}

/** Where a node starts and ends on the x axis. */
export function extentOf(layout: FlameLayout, node: number): { start: number; end: number } {
  const cell = layout.nodeCell[node] as number;
  return { start: layout.cellStart[cell] as number, end: layout.cellEnd[cell] as number };
}

/** The nodes from the root to `node`, both included. */
export function pathTo(layout: FlameLayout, node: number): number[] {
  const path = [node];
  for (let at = node; at !== 0; ) {
    at = layout.parent[at] as number;
    path.push(at);
  }
  return path.reverse();
}
