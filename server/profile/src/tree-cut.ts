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
  nodes: number[];
  frame: number[];
  depth: number[];
}

/** The nodes above the threshold, and the first `ties` of those that are at it. */
function inPreorder(nodes: TreeNodes, names: string[], threshold: number, ties: number): Kept {
  const { parent, frame, weight } = nodes;
  const count = parent.length;
  const { frames, rank } = rankFrames(frame, names);
  const parentOf = (node: number) => parent[node] as number;
  // Two stable sorts, by frame and then by parent, leave siblings side by side in order.
  const siblings = countingSort(
    countingSort(
      Uint32Array.from({ length: count - 1 }, (_, i) => i + 1),
      frames.length,
      (node) => rank[frame[node] as number] as number,
    ),
    count,
    parentOf,
  );
  // Per node: where its children begin. All but the root are somebody's.
  const children = new Uint32Array(count + 1);
  for (const node of siblings) {
    const next = parentOf(node) + 1;
    children[next] = (children[next] as number) + 1;
  }
  for (let i = 0; i < count; i++) {
    children[i + 1] = (children[i + 1] as number) + (children[i] as number);
  }
  const kept: Kept = { frames, nodes: [], frame: [], depth: [] };
  const open = [0];
  const depths = [0];
  let left = ties;
  while (open.length > 0) {
    const node = open.pop() as number;
    const depth = depths.pop() as number;
    if (weight[node] === threshold && left-- <= 0) continue;
    kept.nodes.push(node);
    kept.frame.push(node === 0 ? NO_FRAME : (rank[frame[node] as number] as number));
    kept.depth.push(depth);
    for (let i = (children[node + 1] as number) - 1; i >= (children[node] as number); i--) {
      open.push(siblings[i] as number);
      depths.push(depth + 1);
    }
  }
  return kept;
}

/** The frames that occur in text order, and per frame id its place among them. */
function rankFrames(frame: Uint32Array, names: string[]): { frames: string[]; rank: Uint32Array } {
  const textOf = (id: number) => names[id] as string;
  const order = [...new Set(frame.subarray(1))].sort((a, b) => compareText(textOf(a), textOf(b)));
  const rank = new Uint32Array(names.length);
  for (const [place, id] of order.entries()) rank[id] = place;
  return { frames: order.map(textOf), rank };
}

/** The tree of the nodes that are kept, with what is not as nodes `other`. */
function fold(
  { parent, self, total, missing }: TreeNodes,
  { frames, nodes, frame, depth }: Kept,
  nodeCount: number,
): CutTree {
  const place = new Uint32Array(parent.length).fill(NOT_KEPT);
  for (const [at, node] of nodes.entries()) place[node] = at;
  const folded = missing.map((missing, side) => {
    const values = Float64Array.from(nodes, (node) => missing[node] as number);
    for (let node = 1; node < parent.length; node++) {
      const up = place[parent[node] as number] as number;
      if (place[node] !== NOT_KEPT || up === NOT_KEPT) continue;
      values[up] = (values[up] as number) + (total[side]?.[node] as number);
    }
    return values;
  });
  const other = frames.length;
  const out = {
    frame: [] as number[],
    depth: [] as number[],
    self: self.map(() => [] as number[]),
  };
  const put = (code: number, at: number, values: Float64Array[], node: number) => {
    out.frame.push(code);
    out.depth.push(at);
    for (const [side, column] of out.self.entries()) column.push(values[side]?.[node] as number);
  };
  // Places of the nodes that are open: what was folded below one stands behind its children.
  const open: number[] = [];
  const closeTo = (level: number) => {
    while (open.length > level) {
      const at = open.pop() as number;
      if (folded.some((values) => values[at] !== 0)) put(other, open.length + 1, folded, at);
    }
  };
  for (const [at, node] of nodes.entries()) {
    closeTo(depth[at] as number);
    open.push(at);
    put(frame[at] as number, depth[at] as number, self, node);
  }
  closeTo(0);
  return {
    frames: nodes.length < nodeCount ? [...frames, OTHER_FRAME] : frames,
    frame: Uint32Array.from(out.frame),
    depth: Uint32Array.from(out.depth),
    self: out.self.map((column) => Float64Array.from(column)),
    foldedNodes: nodeCount - nodes.length,
    foldedValue: folded.flatMap((values) => [...values]).reduce((sum, value) => sum + value, 0),
  };
}

const NOT_KEPT = 0xffffffff;

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
