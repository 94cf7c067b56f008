import { extentOf, type FlameLayout } from './layout.ts';

export type Direction = 'up' | 'down' | 'left' | 'right';

/**
 * The node that an arrow key leads to: `up` to the parent, `down` to the widest child, `left` and
 * `right` to the neighbour on the same level, whoever its parent is. The node itself where there is
 * nothing. Nodes without width are stepped over: nobody could see the cursor there.
 */
export function step(layout: FlameLayout, node: number, direction: Direction): number {
  const { tree, parent, levelOffsets, nodeCell, cellNode, cellStart, cellEnd } = layout;
  const level = tree.depth[node] as number;
  if (direction === 'up') return parent[node] as number;
  if (direction === 'down') {
    let widest = node;
    let width = 0;
    for (let child = node + 1; child < tree.depth.length; child++) {
      if ((tree.depth[child] as number) <= level) break;
      if (tree.depth[child] !== level + 1) continue;
      const { start, end } = extentOf(layout, child);
      if (end - start <= width) continue;
      widest = child;
      width = end - start;
    }
    return widest;
  }
  const by = direction === 'left' ? -1 : 1;
  const first = levelOffsets[level] as number;
  const last = (levelOffsets[level + 1] as number) - 1;
  for (let cell = (nodeCell[node] as number) + by; cell >= first && cell <= last; cell += by) {
    if ((cellEnd[cell] as number) > (cellStart[cell] as number)) return cellNode[cell] as number;
  }
  return node;
}
