import { NO_FRAME, NodeTable } from './node-table.ts';
import type { StackColumns } from './profile.ts';
import { countingSort, nthLargest } from './select.ts';

export { NO_FRAME };

/**
 * A call tree as columns in preorder: node 0 is the root, which stands for everything and has no
 * frame; a parent comes before its children, and children are ordered by the text of their frame,
 * so that equal frames stand at equal places in two trees.
 */
export interface CallTree {
  /** Distinct frames. */
  frames: string[];
  /** Per node: index into `frames`; the root's is {@link NO_FRAME}. */
  frame: Uint32Array;
  /** Per node: 0 for the root. */
  depth: Uint32Array;
  /** Per node: value of the samples that end there, in the profile type's unit. */
  self: Float64Array;
  /** Per node: self plus the children's totals. */
  total: Float64Array;
}

/** What {@link CallTreeBuilder} makes: nodes as in {@link CallTree}, with a self on each side. */
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
 * The call tree of all stacks.
 * @param stacks root first
 * @param values one a stack; sums are exact up to 2^53
 */
export function buildCallTree(stacks: StackColumns, values: ArrayLike<number>): CallTree {
  const builder = new CallTreeBuilder();
  builder.add(stacks, values);
  return callTreeOf(builder.cut(Number.POSITIVE_INFINITY));
}

/** The first side of a tree, with its totals. */
export function callTreeOf({ frames, frame, depth, self: [self] }: CutTree): CallTree {
  return {
    frames,
    frame,
    depth,
    self: self as Float64Array,
    total: totalsOf(depth, self as Float64Array),
  };
}

/** Totals of a preorder tree: one pass from the last node to the first. */
export function totalsOf(depth: Uint32Array, self: Float64Array): Float64Array {
  const total = new Float64Array(self.length);
  let deepest = 0;
  for (const d of depth) if (d > deepest) deepest = d;
  const pending = new Float64Array(deepest + 2);
  for (let node = self.length - 1; node >= 0; node--) {
    const d = depth[node] as number;
    const sum = (self[node] as number) + (pending[d + 1] as number);
    pending[d + 1] = 0;
    total[node] = sum;
    pending[d] = (pending[d] as number) + sum;
  }
  return total;
}

/**
 * Merges stacks, batch by batch, into one call tree, and cuts it. What is cut is never put in order:
 * of ten million nodes, the few that are shown are.
 */
export class CallTreeBuilder {
  readonly #frames: string[] = [];
  readonly #frameIds = new Map<string, number>();
  readonly #nodes: NodeTable;

  /**
   * @param options.sides values a node has: 2 for a comparison
   * @param options.nodes about how many there will be
   */
  constructor({ sides = 1, nodes = 0 }: { sides?: number; nodes?: number } = {}) {
    this.#nodes = new NodeTable(nodes, sides);
  }

  /**
   * @param stacks root first, with frames of their own
   * @param values one a stack; sums are exact up to 2^53
   */
  add(
    { frames, stackOffsets, stackFrames }: StackColumns,
    values: ArrayLike<number>,
    side = 0,
  ): void {
    const ids = Uint32Array.from(frames, (frame) => this.#idOf(frame));
    const nodes = this.#nodes;
    let { frame, recent } = nodes;
    for (let stack = 0; stack < values.length; stack++) {
      const end = stackOffsets[stack + 1] as number;
      let node = 0;
      for (let i = stackOffsets[stack] as number; i < end; i++) {
        const id = ids[stackFrames[i] as number] as number;
        // No recent child is node 0, whose frame nothing has.
        const near = recent[node] as number;
        if (frame[near] === id) {
          node = near;
        } else {
          node = nodes.child(node, id);
          ({ frame, recent } = nodes);
        }
      }
      const self = nodes.self[side] as Float64Array;
      self[node] = (self[node] as number) + (values[stack] as number);
    }
  }

  #idOf(frame: string): number {
    let id = this.#frameIds.get(frame);
    if (id === undefined) {
      id = this.#frames.push(frame) - 1;
      this.#frameIds.set(frame, id);
    }
    return id;
  }

  /**
   * Keeps the `maxNodes` nodes of the largest total, all sides together; of equal ones those that
   * come first in preorder. What is cut from below a node becomes one child of it named
   * {@link OTHER_FRAME}, so that on each side every total that remains is what it was, to the last unit.
   */
  cut(maxNodes: number): CutTree {
    const { count } = this.#nodes;
    const totals = this.#nodes.self.map((self) => this.#totals(self));
    const weight = totals.reduce((sum, side) => sum.map((total, i) => total + (side[i] as number)));
    const threshold = count > maxNodes ? nthLargest(weight, maxNodes) : Number.NEGATIVE_INFINITY;
    let above = 0;
    for (let node = 0; node < count; node++) if ((weight[node] as number) > threshold) above++;
    return this.#fold(this.#preorder(weight, threshold, maxNodes - above), totals);
  }

  /** Per node: self plus the children's totals. Children come after their parents. */
  #totals(self: Float64Array): Float64Array {
    const { count, parent } = this.#nodes;
    const total = self.slice(0, count);
    for (let node = count - 1; node > 0; node--) {
      const up = parent[node] as number;
      total[up] = (total[up] as number) + (total[node] as number);
    }
    return total;
  }

  /** The nodes above the threshold, and the first `ties` of those that are at it, in preorder. */
  #preorder(weight: Float64Array, threshold: number, ties: number): Kept {
    const { parent, frame } = this.#nodes;
    const candidates = this.#candidates(weight, threshold);
    const { frames, rank } = this.#rankFrames(candidates);
    // Two stable sorts, by frame and then by parent, leave siblings side by side in order.
    const place = new Uint32Array(weight.length);
    for (let i = 0; i < candidates.length; i++) place[candidates[i] as number] = i;
    const placeOfParent = (node: number) => place[parent[node] as number] as number;
    const siblings = countingSort(
      countingSort(
        candidates.subarray(1),
        frames.length,
        (node) => rank[frame[node] as number] as number,
      ),
      candidates.length,
      placeOfParent,
    );
    // Per candidate: where its children begin. All but the root are somebody's.
    const children = new Uint32Array(candidates.length + 1);
    for (const node of siblings) {
      const next = placeOfParent(node) + 1;
      children[next] = (children[next] as number) + 1;
    }
    for (let i = 0; i < candidates.length; i++) {
      children[i + 1] = (children[i + 1] as number) + (children[i] as number);
    }
    const kept: Kept = { frames, nodes: [], frame: [], depth: [] };
    const open = [0];
    const depths = [0];
    while (open.length > 0) {
      const node = open.pop() as number;
      const depth = depths.pop() as number;
      if (weight[node] === threshold && ties-- <= 0) continue;
      kept.nodes.push(node);
      kept.frame.push(node === 0 ? NO_FRAME : (rank[frame[node] as number] as number));
      kept.depth.push(depth);
      const at = place[node] as number;
      for (let i = (children[at + 1] as number) - 1; i >= (children[at] as number); i--) {
        open.push(siblings[i] as number);
        depths.push(depth + 1);
      }
    }
    return kept;
  }

  /** The root, and the nodes at or above the threshold whose parents are. Parents come first. */
  #candidates(weight: Float64Array, threshold: number): Uint32Array {
    const { parent } = this.#nodes;
    const isCandidate = new Uint8Array(weight.length);
    const candidates = new Uint32Array(weight.length);
    isCandidate[0] = 1;
    let count = 1;
    for (let node = 1; node < weight.length; node++) {
      if ((weight[node] as number) < threshold || !isCandidate[parent[node] as number]) continue;
      isCandidate[node] = 1;
      candidates[count++] = node;
    }
    return candidates.subarray(0, count);
  }

  /** The frames of the nodes in text order, and per frame id its place among them. */
  #rankFrames(nodes: Uint32Array): { frames: string[]; rank: Uint32Array } {
    const used = new Set<number>();
    for (const node of nodes.subarray(1)) used.add(this.#nodes.frame[node] as number);
    const textOf = (id: number) => this.#frames[id] as string;
    const order = [...used].sort((a, b) => compareText(textOf(a), textOf(b)));
    const rank = new Uint32Array(this.#frames.length);
    for (const [place, id] of order.entries()) rank[id] = place;
    return { frames: order.map(textOf), rank };
  }

  /** The tree of the nodes that are kept, with what is not as nodes `other`. */
  #fold({ frames, nodes, frame, depth }: Kept, totals: Float64Array[]): CutTree {
    const { count, parent, self } = this.#nodes;
    const place = new Uint32Array(count).fill(NOT_KEPT);
    for (const [at, node] of nodes.entries()) place[node] = at;
    const folded = totals.map((total) => {
      const values = new Float64Array(nodes.length);
      for (let node = 1; node < count; node++) {
        const up = place[parent[node] as number] as number;
        if (place[node] !== NOT_KEPT || up === NOT_KEPT) continue;
        values[up] = (values[up] as number) + (total[node] as number);
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
      for (const [side, column] of out.self.entries()) {
        column.push(values[side]?.[node] as number);
      }
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
      frames: nodes.length < count ? [...frames, OTHER_FRAME] : frames,
      frame: Uint32Array.from(out.frame),
      depth: Uint32Array.from(out.depth),
      self: out.self.map((column) => Float64Array.from(column)),
      foldedNodes: count - nodes.length,
      foldedValue: folded.flatMap((values) => [...values]).reduce((sum, value) => sum + value, 0),
    };
  }
}

const NOT_KEPT = 0xffffffff;

/** Nodes in preorder, by their numbers in the table. */
interface Kept {
  /** In text order; `frame` are indices into it. */
  frames: string[];
  nodes: number[];
  frame: number[];
  depth: number[];
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
