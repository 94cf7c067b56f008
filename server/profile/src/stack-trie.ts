import type { Indices } from './profile.ts';
import { countingSort, nthLargest } from './select.ts';

const EMPTY = 0; // the root is nobody's child

const FIELDS = 4;
const PARENT = 0;
/** Where the frames of a node's edge begin. */
const START = 1;
/** Frames from the root to the end of its edge. */
const DEPTH = 2;
/** The child that was asked for last. */
const RECENT = 3;

/** Frame of the root, which has none. */
export const NO_FRAME = 0xffffffff;

/** Nodes of a call tree, one a frame; a parent comes before its children, and node 0 is the root. */
export interface TreeNodes {
  /** Per node: index into these columns; the root's is 0. */
  parent: Uint32Array;
  /** Per node: a frame's id, or {@link NO_FRAME}. */
  frame: Uint32Array;
  /** Per node: the totals of all sides together. */
  weight: Float64Array;
  /** Per side, per node: the values of the stacks that end there. */
  self: Float64Array[];
  /** Per side, per node: self and all that is below. */
  total: Float64Array[];
  /** Per side, per node: the totals of the children that are not among these nodes. */
  missing: Float64Array[];
}

/**
 * Stacks as a radix tree: an edge has all frames down to where another stack leaves it or ends, and
 * the node at its end. 1.2 million stacks of a fleet are 12 million nodes of a call tree, and 2 million
 * of these. What building takes is accesses to memory that no cache holds, so it is the fewer nodes
 * that count. Node 0 is the root, whose edge is empty.
 */
export class StackTrie {
  #count = 1;
  /** Frames of all edges, each edge in one piece: every node of the call tree but the root has one. */
  #frames: Uint32Array;
  #frameCount = 0;
  /** {@link FIELDS} numbers a node: who reads one of them mostly needs the others. */
  #nodes: Uint32Array;
  readonly #self: Float64Array[];
  /** Nodes by parent and first frame. */
  #slots: Uint32Array;

  /**
   * @param stacks about how many there will be
   * @param sides values a stack has
   */
  constructor(stacks: number, sides: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(1024, stacks * 2)));
    this.#frames = new Uint32Array(size * 4);
    this.#nodes = new Uint32Array(size * FIELDS);
    this.#self = Array.from({ length: sides }, () => new Float64Array(size));
    this.#slots = new Uint32Array(size * 2);
  }

  /** Nodes of the call tree. */
  get nodeCount(): number {
    return this.#frameCount + 1;
  }

  /**
   * @param ids of the frames that `stack` refers to; none is {@link NO_FRAME}
   * @param stack root first, from `from` to before `until`
   */
  add(
    ids: Uint32Array,
    stack: Indices,
    from: number,
    until: number,
    value: number,
    side: number,
  ): void {
    let node = 0;
    let at = from;
    while (at < until) {
      const first = ids[stack[at] as number] as number;
      let child = this.#nodes[node * FIELDS + RECENT] as number;
      if (child === EMPTY || this.#frames[this.#startOf(child)] !== first) {
        child = this.#child(node, first);
        if (child === EMPTY) {
          node = this.#leaf(node, ids, stack, at, until - from);
          break;
        }
        this.#nodes[node * FIELDS + RECENT] = child;
      }
      const frames = this.#frames;
      const end = Math.min(until, from + this.#depthOf(child));
      let edge = this.#startOf(child);
      do {
        at++;
        edge++;
      } while (at < end && frames[edge] === ids[stack[at] as number]);
      node = at - from === this.#depthOf(child) ? child : this.#split(child, at - from);
    }
    const self = this.#self[side] as Float64Array;
    self[node] = (self[node] as number) + value;
  }

  #parentOf(node: number): number {
    return this.#nodes[node * FIELDS + PARENT] as number;
  }

  #startOf(node: number): number {
    return this.#nodes[node * FIELDS + START] as number;
  }

  #depthOf(node: number): number {
    return this.#nodes[node * FIELDS + DEPTH] as number;
  }

  #child(parent: number, frame: number): number {
    const slots = this.#slots;
    const h = hashOf(parent, frame);
    for (let probe = 0; ; probe++) {
      const node = slots[slotOf(parent, h, probe, slots.length)] as number;
      if (node === EMPTY || this.#is(node, parent, frame)) return node;
    }
  }

  #is(node: number, parent: number, frame: number): boolean {
    return this.#parentOf(node) === parent && this.#frames[this.#startOf(node)] === frame;
  }

  /** A node for what a stack has from `from` on, below its first frames, which lead to the parent. */
  #leaf(parent: number, ids: Uint32Array, stack: Indices, from: number, depth: number): number {
    const start = this.#frameCount;
    const length = depth - this.#depthOf(parent);
    if (start + length > this.#frames.length) {
      this.#frames = grown(this.#frames, Math.max(start + length, this.#frames.length * 2));
    }
    const frames = this.#frames;
    for (let i = 0; i < length; i++) {
      frames[start + i] = ids[stack[from + i] as number] as number;
    }
    this.#frameCount += length;
    const node = this.#node(parent, start, depth);
    this.#put(node);
    this.#nodes[parent * FIELDS + RECENT] = node;
    return node;
  }

  /**
   * Parts an edge.
   * @param depth of the upper part's end
   * @returns the upper part's node: new, with the one that was there as its only child
   */
  #split(node: number, depth: number): number {
    const parent = this.#parentOf(node);
    const start = this.#startOf(node);
    const upper = this.#node(parent, start, depth);
    this.#slots[this.#slotWith(node, parent, this.#frames[start] as number)] = upper;
    this.#nodes[node * FIELDS + START] = start + depth - this.#depthOf(parent);
    this.#nodes[node * FIELDS + PARENT] = upper;
    this.#put(node);
    this.#nodes[parent * FIELDS + RECENT] = upper;
    this.#nodes[upper * FIELDS + RECENT] = node;
    return upper;
  }

  /** A new node, which is not in the table yet. */
  #node(parent: number, start: number, depth: number): number {
    if (this.#count * 2 === this.#slots.length) this.#grow();
    const node = this.#count++;
    this.#nodes[node * FIELDS + PARENT] = parent;
    this.#nodes[node * FIELDS + START] = start;
    this.#nodes[node * FIELDS + DEPTH] = depth;
    return node;
  }

  #put(node: number): void {
    const frame = this.#frames[this.#startOf(node)] as number;
    this.#slots[this.#slotWith(EMPTY, this.#parentOf(node), frame)] = node;
  }

  /** The first slot for this parent and frame that has what is sought. */
  #slotWith(sought: number, parent: number, frame: number): number {
    const slots = this.#slots;
    const h = hashOf(parent, frame);
    for (let probe = 0; ; probe++) {
      const slot = slotOf(parent, h, probe, slots.length);
      if (slots[slot] === sought) return slot;
    }
  }

  #grow(): void {
    const size = this.#slots.length;
    this.#nodes = grown(this.#nodes, size * FIELDS);
    this.#self.forEach((self, side) => {
      this.#self[side] = grown(self, size);
    });
    this.#slots = new Uint32Array(size * 2);
    for (let node = 1; node < this.#count; node++) this.#put(node);
  }

  /**
   * The call tree's nodes of the largest weight, as far as their parents are among them.
   * @param limit how many: as many more as weigh the same as the last of them
   */
  heaviest(limit: number): Heaviest {
    const totals = this.#self.map((self) => this.#totals(self));
    const weight = totals.reduce((sum, side) => sum.map((total, i) => total + (side[i] as number)));
    // All nodes of an edge weigh the same.
    const lengths = new Uint32Array(this.#count);
    lengths[0] = 1;
    for (let node = 1; node < this.#count; node++) lengths[node] = this.#edgeLength(node);
    const isAll = this.nodeCount <= limit;
    const threshold = isAll ? Number.NEGATIVE_INFINITY : nthLargest(weight, lengths, limit);
    let above = 0;
    for (let node = 0; node < weight.length; node++) {
      if ((weight[node] as number) > threshold) above += lengths[node] as number;
    }
    return { nodes: this.#expanded(threshold, totals, weight), threshold, above };
  }

  #edgeLength(node: number): number {
    return this.#depthOf(node) - this.#depthOf(this.#parentOf(node));
  }

  /**
   * Per node: the values of the stacks that end there or below. The last made comes first, and mostly
   * before its parent; a parent that an edge was parted for has its turn behind it, and is passed by.
   */
  #totals(self: Float64Array): Float64Array {
    const total = self.slice(0, this.#count);
    for (let node = this.#count - 1; node > 0; node--) {
      const value = total[node] as number;
      let up = this.#parentOf(node);
      while (up > node) {
        total[up] = (total[up] as number) + value;
        up = this.#parentOf(up);
      }
      total[up] = (total[up] as number) + value;
    }
    return total;
  }

  /** The nodes at or above the threshold but the root, parents first. */
  #heavy(threshold: number, weight: Float64Array): Uint32Array {
    const heavy = new Uint32Array(this.#count);
    const depths = new Uint32Array(this.#count);
    let count = 0;
    let deepest = 0;
    for (let node = 1; node < this.#count; node++) {
      if ((weight[node] as number) < threshold) continue;
      heavy[count++] = node;
      depths[node] = this.#depthOf(node);
      deepest = Math.max(deepest, depths[node] as number);
    }
    return countingSort(heavy.subarray(0, count), deepest + 1, depths);
  }

  /** The nodes that the edges at or above the threshold stand for, as far as their parents are there. */
  #expanded(threshold: number, totals: Float64Array[], weight: Float64Array): TreeNodes {
    const heavy = this.#heavy(threshold, weight);
    let most = 1;
    for (const node of heavy) most += this.#edgeLength(node);
    const parent = new Uint32Array(most);
    const frame = new Uint32Array(most);
    // Per node: the edge whose frame it is.
    const edge = new Uint32Array(most);
    frame[0] = NO_FRAME;
    let count = 1;
    // Per edge: the node at its end, if it is there.
    const end = new Uint32Array(this.#count).fill(NOT_THERE);
    end[0] = 0;
    for (const node of heavy) {
      let up = end[this.#parentOf(node)] as number;
      if (up === NOT_THERE) continue;
      const start = this.#startOf(node);
      const length = this.#edgeLength(node);
      for (let at = start; at < start + length; at++) {
        frame[count] = this.#frames[at] as number;
        edge[count] = node;
        parent[count] = up;
        up = count++;
      }
      end[node] = up;
    }
    const missing = totals.map(() => new Float64Array(count));
    for (let node = 1; node < this.#count; node++) {
      if (end[node] !== NOT_THERE) continue;
      const up = end[this.#parentOf(node)] as number;
      if (up === NOT_THERE) continue;
      for (const [side, values] of missing.entries()) {
        values[up] = (values[up] as number) + (totals[side]?.[node] as number);
      }
    }
    const ofEdges = (values: Float64Array) => {
      const out = new Float64Array(count);
      for (let at = 0; at < count; at++) out[at] = values[edge[at] as number] as number;
      return out;
    };
    const atEnds = (values: Float64Array) => {
      const out = new Float64Array(count);
      for (let node = 0; node < this.#count; node++) {
        if (end[node] !== NOT_THERE) out[end[node] as number] = values[node] as number;
      }
      return out;
    };
    return {
      parent: parent.subarray(0, count),
      frame: frame.subarray(0, count),
      weight: ofEdges(weight),
      self: this.#self.map(atEnds),
      total: totals.map(ofEdges),
      missing,
    };
  }
}

const NOT_THERE = 0xffffffff;

export interface Heaviest {
  nodes: TreeNodes;
  /** Nothing of `nodes` but the root weighs less. */
  threshold: number;
  /** Nodes of the whole tree that weigh more. */
  above: number;
}

function grown<T extends Uint32Array | Float64Array>(from: T, size: number): T {
  const to = new (from.constructor as new (size: number) => T)(size);
  to.set(from);
  return to;
}

function hashOf(parent: number, frame: number): number {
  let h = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

/**
 * Near twice the parent, so that nodes which were made one after the other, as those of one service
 * are, lie in one part of the table that the processor's cache holds. Over a table of millions of
 * nodes, a hash without order misses the cache at every look-up. Where the first nodes have so many
 * children that this part is full, the rest is anywhere, in steps that leave full parts.
 * @param probe how many slots were looked at already
 */
function slotOf(parent: number, h: number, probe: number, slots: number): number {
  const at =
    probe < NEAR_PROBES ? parent * 2 + (h & NEAR) + probe : h + Math.imul(probe, (h >>> 5) | 1);
  return at & (slots - 1);
}
const NEAR = 0xffff;
const NEAR_PROBES = 16;
