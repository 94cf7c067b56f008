import type { StackColumns } from './profile.ts';

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

export const NO_FRAME = 0xffffffff;

/** Frame of the node that stands for the children that {@link truncateCallTree} folded away. */
export const OTHER_FRAME = 'other';

/**
 * Merges stacks into one call tree.
 * @param stacks root first
 * @param values one a stack; sums are exact up to 2^53
 */
export function buildCallTree(stacks: StackColumns, values: ArrayLike<number>): CallTree {
  const { frames, stackOffsets, stackFrames } = stacks;
  // Renumber frames in text order once: children are then ordered by a plain integer.
  const order = Uint32Array.from(frames.keys()).sort((a, b) =>
    compareText(frames[a] as string, frames[b] as string),
  );
  const rank = new Uint32Array(frames.length);
  for (let i = 0; i < order.length; i++) rank[order[i] as number] = i;

  const nodes = new NodeTable(Math.max(1024, stackOffsets.length * 4));
  for (let stack = 0; stack + 1 < stackOffsets.length; stack++) {
    const end = stackOffsets[stack + 1] as number;
    let node = 0;
    for (let i = stackOffsets[stack] as number; i < end; i++) {
      node = nodes.child(node, rank[stackFrames[i] as number] as number);
    }
    nodes.self[node] = (nodes.self[node] as number) + (values[stack] as number);
  }
  return nodes.toPreorder(Array.from(order, (id) => frames[id] as string));
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
 * Keeps the `maxNodes` nodes of the largest total. What is cut from below a node becomes one child of
 * it named {@link OTHER_FRAME}, so that every total that remains is what it was, to the last unit.
 * @returns the tree, how many nodes were folded away, the value that they held, and for each node of
 *   the whole tree the one that now has its value
 */
export function truncateCallTree(
  tree: CallTree,
  maxNodes: number,
): { tree: CallTree; foldedNodes: number; foldedValue: number; nodeOf: Uint32Array } {
  const count = tree.total.length;
  const nodeOf = new Uint32Array(count);
  if (count <= maxNodes) {
    for (let node = 0; node < count; node++) nodeOf[node] = node;
    return { tree, foldedNodes: 0, foldedValue: 0, nodeOf };
  }
  const threshold = nthLargest(tree.total, maxNodes);
  let above = 0;
  for (const total of tree.total) if (total > threshold) above++;
  // Ties are kept in preorder as far as they fit, so a kept node's parent is always kept, too.
  let tiesLeft = maxNodes - above;

  const frames = [...tree.frames, OTHER_FRAME];
  const other = frames.length - 1;
  const frame: number[] = [];
  const depth: number[] = [];
  const self: number[] = [];
  let foldedNodes = 0;
  let foldedValue = 0;
  /** Per depth: the node that is open there, the value folded below it, and where that was. */
  const open: { node: number; folded: number; ranges: number[] }[] = [];
  const close = (toDepth: number) => {
    for (let d = open.length - 1; d >= toDepth; d--) {
      let { node, folded, ranges } = open[d] as (typeof open)[number];
      if (folded !== 0) {
        node = frame.push(other) - 1;
        depth.push(d + 1);
        self.push(folded);
      }
      for (let i = 0; i < ranges.length; i += 2) nodeOf.fill(node, ranges[i], ranges[i + 1]);
    }
    open.length = Math.min(open.length, toDepth);
  };
  let node = 0;
  while (node < count) {
    const d = tree.depth[node] as number;
    const total = tree.total[node] as number;
    const keep = node === 0 || total > threshold || (total === threshold && tiesLeft-- > 0);
    if (keep) {
      close(d);
      open[d] = { node: frame.length, folded: 0, ranges: [] };
      nodeOf[node] = frame.length;
      frame.push(tree.frame[node] as number);
      depth.push(d);
      self.push(tree.self[node] as number);
      node++;
      continue;
    }
    close(d);
    const parent = open[d - 1] as (typeof open)[number];
    parent.folded += total;
    foldedValue += total;
    const start = node;
    do {
      foldedNodes++;
      node++;
    } while (node < count && (tree.depth[node] as number) > d);
    parent.ranges.push(start, node);
  }
  close(0);
  const depths = Uint32Array.from(depth);
  const selves = Float64Array.from(self);
  return {
    tree: {
      frames,
      frame: Uint32Array.from(frame),
      depth: depths,
      self: selves,
      total: totalsOf(depths, selves),
    },
    foldedNodes,
    foldedValue,
    nodeOf,
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function nthLargest(values: Float64Array, n: number): number {
  return values.slice().sort()[values.length - Math.max(1, n)] as number;
}

/** Nodes in order of creation, found by (parent, frame) through open addressing. */
class NodeTable {
  count = 1;
  parent: Uint32Array<ArrayBuffer>;
  frame: Uint32Array<ArrayBuffer>;
  self: Float64Array<ArrayBuffer>;
  #slots: Uint32Array<ArrayBuffer>; // node, 0 = empty: the root is nobody's child

  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(capacity));
    this.parent = new Uint32Array(size);
    this.frame = new Uint32Array(size);
    this.self = new Float64Array(size);
    this.#slots = new Uint32Array(size * 2);
    this.frame[0] = NO_FRAME;
  }

  child(parent: number, frame: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(parent, frame) & mask;
    for (;;) {
      const node = this.#slots[slot] as number;
      if (node === 0) break;
      if (this.parent[node] === parent && this.frame[node] === frame) return node;
      slot = (slot + 1) & mask;
    }
    if (this.count === this.parent.length) {
      this.#grow();
      return this.child(parent, frame);
    }
    const node = this.count++;
    this.parent[node] = parent;
    this.frame[node] = frame;
    this.#slots[slot] = node;
    return node;
  }

  #grow(): void {
    const size = this.parent.length * 2;
    const grown = <T extends Uint32Array | Float64Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.parent = grown(new Uint32Array(size), this.parent);
    this.frame = grown(new Uint32Array(size), this.frame);
    this.self = grown(new Float64Array(size), this.self);
    this.#slots = new Uint32Array(size * 2);
    const mask = this.#slots.length - 1;
    for (let node = 1; node < this.count; node++) {
      let slot = hash(this.parent[node] as number, this.frame[node] as number) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = node;
    }
  }

  toPreorder(frames: string[]): CallTree {
    const { count } = this;
    // Two stable counting sorts, by frame and then by parent, leave siblings side by side in order.
    const byFrame = countingSort(count, frames.length, (i) => i + 1, this.frame, count - 1);
    const siblings = countingSort(
      count,
      count,
      (i) => byFrame[i] as number,
      this.parent,
      count - 1,
    );
    const firstChild = new Uint32Array(count + 1);
    for (let node = 1; node < count; node++) {
      const next = (this.parent[node] as number) + 1;
      firstChild[next] = (firstChild[next] as number) + 1;
    }
    for (let node = 0; node < count; node++) {
      firstChild[node + 1] = (firstChild[node + 1] as number) + (firstChild[node] as number);
    }
    const frame = new Uint32Array(count);
    const depth = new Uint32Array(count);
    const self = new Float64Array(count);
    const stack: number[] = [0];
    const depths: number[] = [0];
    for (let at = 0; stack.length > 0; at++) {
      const node = stack.pop() as number;
      const d = depths.pop() as number;
      frame[at] = this.frame[node] as number;
      depth[at] = d;
      self[at] = this.self[node] as number;
      for (let i = (firstChild[node + 1] as number) - 1; i >= (firstChild[node] as number); i--) {
        stack.push(siblings[i] as number);
        depths.push(d + 1);
      }
    }
    return { frames, frame, depth, self, total: totalsOf(depth, self) };
  }
}

/** Nodes 1.. in the order that `source` gives, sorted stably by `key`. */
function countingSort(
  nodeCount: number,
  keyCount: number,
  source: (i: number) => number,
  key: Uint32Array,
  length: number,
): Uint32Array {
  const starts = new Uint32Array(keyCount + 1);
  for (let node = 1; node < nodeCount; node++) {
    const next = (key[node] as number) + 1;
    starts[next] = (starts[next] as number) + 1;
  }
  for (let i = 0; i < keyCount; i++) {
    starts[i + 1] = (starts[i + 1] as number) + (starts[i] as number);
  }
  const sorted = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    const node = source(i);
    const k = key[node] as number;
    const at = starts[k] as number;
    sorted[at] = node;
    starts[k] = at + 1;
  }
  return sorted;
}

function hash(parent: number, frame: number): number {
  let h = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}
