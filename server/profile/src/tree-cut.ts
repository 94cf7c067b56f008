import { countingSort } from './select.ts';
import { NO_FRAME, type StackTrie, type TreeNodes } from './stack-trie.ts';

/** A call tree in preorder as in `CallTree`, with a self on each side. */
export interface CutTree {
  /** Those that occur, in text order; then {@link OTHER_FRAME} if something was folded. */
  frames: string[];
  frame: Uint32Array;
  depth: Uint32Array;
  /** Per side, per node. */
  self: Float64Array[];
  /** Nodes that were folded away, and the value that they held on all sides. */
  foldedNodes: number;
  foldedValue: number;
}

/** Frame of the node that stands for the children that a cut folded away. */
export const OTHER_FRAME = 'other';

/**
 * The nodes of the largest totals, in preorder, with what is cut from below one as its child `other`.
 * What is cut is never put in order: of ten million nodes, the few that are shown are.
 * @param frames by the ids that the trie has
 * @param maxNodes of equal ones, those that come first in preorder
 */
export function cutTree(trie: StackTrie, frames: string[], maxNodes: number): CutTree {
  const { nodes, threshold, above } = trie.heaviest(maxNodes);
  const kept = inPreorder(nodes, frames, threshold, maxNodes - above);
  return fold(nodes, kept, trie.nodeCount);
}

/** Nodes in preorder, by their numbers in the tree. */
interface Kept {
  /** In text order; `frame` are indices into it. */
  frames: string[];
  nodes: Uint32Array;
  frame: Uint32Array;
  depth: Uint32Array;
}

/** The nodes above the threshold, and the first `ties` of those that are at it. */
function inPreorder(nodes: TreeNodes, names: string[], threshold: number, ties: number): Kept {
  const { parent, weight } = nodes;
  const count = parent.length;
  const { frames, ranks } = rankFrames(nodes.frame, names);
  const all = new Uint32Array(count - 1);
  for (let i = 0; i < all.length; i++) all[i] = i + 1;
  // Two stable sorts, by frame and then by parent, leave siblings side by side in order.
  const siblings = countingSort(countingSort(all, frames.length, ranks), count, parent);
  // Per node: where its children begin. All but the root are somebody's.
  const children = new Uint32Array(count + 1);
  for (let node = 1; node < count; node++) {
    const next = (parent[node] as number) + 1;
    children[next] = (children[next] as number) + 1;
  }
  for (let i = 0; i < count; i++) {
    children[i + 1] = (children[i + 1] as number) + (children[i] as number);
  }
  const kept = new Uint32Array(count);
  const frame = new Uint32Array(count);
  const depth = new Uint32Array(count);
  let length = 0;
  const open = new Uint32Array(count);
  const depths = new Uint32Array(count);
  let opened = 1; // the root, 0, at depth 0
  let left = ties;
  while (opened > 0) {
    const node = open[--opened] as number;
    const level = depths[opened] as number;
    if (weight[node] === threshold && left-- <= 0) continue;
    kept[length] = node;
    frame[length] = node === 0 ? NO_FRAME : (ranks[node] as number);
    depth[length++] = level;
    for (let i = (children[node + 1] as number) - 1; i >= (children[node] as number); i--) {
      open[opened] = siblings[i] as number;
      depths[opened++] = level + 1;
    }
  }
  return {
    frames,
    nodes: kept.subarray(0, length),
    frame: frame.subarray(0, length),
    depth: depth.subarray(0, length),
  };
}

/** The frames that occur in text order, and per node but the root the place of its frame among them. */
function rankFrames(frame: Uint32Array, names: string[]): { frames: string[]; ranks: Uint32Array } {
  const rank = new Uint32Array(names.length);
  for (let node = 1; node < frame.length; node++) rank[frame[node] as number] = 1;
  const textOf = (id: number) => names[id] as string;
  const order = [...rank.keys()]
    .filter((id) => rank[id] === 1)
    .sort((a, b) => compareText(textOf(a), textOf(b)));
  for (const [place, id] of order.entries()) rank[id] = place;
  const ranks = new Uint32Array(frame.length);
  for (let node = 1; node < frame.length; node++) {
    ranks[node] = rank[frame[node] as number] as number;
  }
  return { frames: order.map(textOf), ranks };
}

/** The tree of the nodes that are kept, with what is not as nodes `other`. */
function fold(nodes: TreeNodes, kept: Kept, nodeCount: number): CutTree {
  const length = kept.nodes.length;
  const folded = foldedValues(nodes, kept.nodes);
  let foldedValue = 0;
  let others = 0;
  for (let at = 0; at < length; at++) {
    if (!folded.some((values) => values[at] !== 0)) continue;
    others++;
    for (const values of folded) foldedValue += values[at] as number;
  }
  const frame = new Uint32Array(length + others);
  const depth = new Uint32Array(length + others);
  const self = nodes.self.map(() => new Float64Array(length + others));
  let count = 0;
  const put = (code: number, level: number, values: Float64Array[], node: number) => {
    frame[count] = code;
    depth[count] = level;
    for (let side = 0; side < self.length; side++) {
      (self[side] as Float64Array)[count] = values[side]?.[node] as number;
    }
    count++;
  };
  // Places of the nodes that are open: what was folded below one stands behind its children.
  const open = new Uint32Array(length);
  let opened = 0;
  const closeTo = (level: number) => {
    while (opened > level) {
      const at = open[--opened] as number;
      if (folded.some((values) => values[at] !== 0)) {
        put(kept.frames.length, opened + 1, folded, at);
      }
    }
  };
  for (let at = 0; at < length; at++) {
    const level = kept.depth[at] as number;
    closeTo(level);
    open[opened++] = at;
    put(kept.frame[at] as number, level, nodes.self, kept.nodes[at] as number);
  }
  closeTo(0);
  return {
    frames: length < nodeCount ? [...kept.frames, OTHER_FRAME] : kept.frames,
    frame,
    depth,
    self,
    foldedNodes: nodeCount - length,
    foldedValue,
  };
}

/** Per side, by place in `kept`: what was cut off right below a node. */
function foldedValues({ parent, total, missing }: TreeNodes, kept: Uint32Array): Float64Array[] {
  const place = new Uint32Array(parent.length).fill(NOT_KEPT);
  for (let at = 0; at < kept.length; at++) place[kept[at] as number] = at;
  return missing.map((missing, side) => {
    const values = new Float64Array(kept.length);
    for (let at = 0; at < kept.length; at++) values[at] = missing[kept[at] as number] as number;
    const totals = total[side] as Float64Array;
    for (let node = 1; node < parent.length; node++) {
      const up = place[parent[node] as number] as number;
      if (place[node] !== NOT_KEPT || up === NOT_KEPT) continue;
      values[up] = (values[up] as number) + (totals[node] as number);
    }
    return values;
  });
}

const NOT_KEPT = 0xffffffff;

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
