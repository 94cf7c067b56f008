import { type CallTree, type DiffTree, totalsOf } from '@bunsen/profile';
import { type FlameLayout, layoutFlame } from './layout.ts';

/** What is drawn of a comparison: both sides in one tree, or one of them as if it were alone. */
export const DIFF_VIEWS = ['diff', 'left', 'right'] as const;
export type DiffView = (typeof DIFF_VIEWS)[number];

/** What one unit of each side weighs, such as 1 / total: sides of different size are compared so. */
export interface DiffWeights {
  left: number;
  right: number;
}

/** A comparison with a place for each of its nodes. */
export interface DiffLayout {
  /** Values are weighted: of both sides together, or of the one that is shown. */
  layout: FlameLayout;
  /** Per node of the layout: its node in the comparison. What the shown side lacks has none. */
  source: Uint32Array;
  /** Per node of the layout: see {@link changeOf}; null for one side alone. */
  change: Float32Array | null;
}

/** Places the nodes of a comparison. One that is gone is as wide as one of the same weight that is new. */
export function layoutDiff(tree: DiffTree, weights: DiffWeights, view: DiffView): DiffLayout {
  const left = view === 'right' ? 0 : weights.left;
  const right = view === 'left' ? 0 : weights.right;
  const whole = Float64Array.from(
    tree.left.self,
    (self, node) => self * left + (tree.right.self[node] as number) * right,
  );
  const source = nodesWithValue(tree.depth, whole);
  const pick = (column: Uint32Array) => Uint32Array.from(source, (node) => column[node] as number);
  const depth = pick(tree.depth);
  const self = Float64Array.from(source, (node) => whole[node] as number);
  const shown: CallTree = {
    frames: tree.frames,
    frame: pick(tree.frame),
    depth,
    self,
    total: totalsOf(depth, self),
  };
  return {
    layout: layoutFlame(shown),
    source,
    change: view === 'diff' ? changeOf(tree, weights, source) : null,
  };
}

/** What is smaller than this share of the larger side is drawn as if it had hardly changed. */
const NOISE = 0.002;

/**
 * How much nodes changed, from -1 (gone) over 0 (the same) to 1 (new): the difference of their
 * weighted totals over the sum, doubled and cut off, so that three times as much is as far as it goes.
 * A little is added to the sum: a function that one sample met is not to look like one that is new.
 */
function changeOf(tree: DiffTree, weights: DiffWeights, source: Uint32Array): Float32Array {
  const leftOf = (node: number) => (tree.left.total[node] as number) * weights.left;
  const rightOf = (node: number) => (tree.right.total[node] as number) * weights.right;
  const noise = NOISE * Math.max(leftOf(0), rightOf(0));
  return Float32Array.from(source, (node) => {
    const [left, right] = [leftOf(node), rightOf(node)];
    const sum = Math.abs(left) + Math.abs(right) + noise;
    return sum === 0 ? 0 : Math.max(-1, Math.min(1, (2 * (right - left)) / sum));
  });
}

/** The nodes that hold a value or stand above one that does, and the root. */
function nodesWithValue(depth: Uint32Array, self: Float64Array): Uint32Array {
  const kept: number[] = [];
  let needed = 0; // the depth at which the node to the right wants a parent
  for (let node = depth.length - 1; node >= 0; node--) {
    const level = depth[node] as number;
    if (self[node] === 0 && level !== needed) continue;
    kept.push(node);
    needed = Math.max(0, level - 1);
  }
  return Uint32Array.from(kept.reverse());
}
