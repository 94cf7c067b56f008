import { type FlameDiff, OTHER_FRAME, totalsOf } from '@bunsen/profile';

/**
 * What is left when a part is taken out of a whole: turns a comparison of the whole (left) with a part
 * of it (right) into one of the rest with the part. Exact, as equal stacks are equal nodes, also of a
 * tree that was cut: what was folded away was so on both sides.
 */
export function restOf(diff: FlameDiff): FlameDiff {
  const { frames, frame, depth, left, right } = diff.tree;
  // The two are read one after the other: what came in between is in one of them alone.
  const self = left.self.map((whole, node) => Math.max(0, whole - (right.self[node] as number)));
  const other = frames.indexOf(OTHER_FRAME);
  // Rest and part are the whole: of what was folded away, the part's counted twice so far.
  const foldedValue = left.self.reduce(
    (sum, whole, i) => sum + (frame[i] === other ? whole : 0),
    0,
  );
  return {
    meta: { ...diff.meta, foldedValue: diff.meta.foldedNodes > 0 ? foldedValue : 0 },
    tree: { ...diff.tree, left: { self, total: totalsOf(depth, self) } },
  };
}
