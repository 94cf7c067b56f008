const EMPTY = 0; // the root is nobody's child

/** Frame of the root, which has none. */
export const NO_FRAME = 0xffffffff;

/**
 * Nodes of a call tree while it is built, in order of creation: a parent comes before its children,
 * and node 0 is the root. They are found by (parent, frame).
 */
export class NodeTable {
  count = 1;
  parent: Uint32Array;
  frame: Uint32Array;
  /** Per side, per node: the values of the stacks that end there. */
  readonly self: Float64Array[];
  /** Per node: the child that was asked for last. Most nodes have only one: no look-up is needed. */
  recent: Uint32Array;
  #slots: Uint32Array;

  constructor(capacity: number, sides: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(1024, capacity)));
    this.parent = new Uint32Array(size);
    this.frame = new Uint32Array(size);
    this.recent = new Uint32Array(size);
    this.self = Array.from({ length: sides }, () => new Float64Array(size));
    this.#slots = new Uint32Array(size * 2);
    this.frame[0] = NO_FRAME;
  }

  /** The child of the node with this frame, which it has from now on. */
  child(parent: number, frame: number): number {
    const mask = this.#slots.length - 1;
    let slot = slotOf(parent, frame) & mask;
    for (;;) {
      const node = this.#slots[slot] as number;
      if (node === EMPTY) break;
      if (this.parent[node] === parent && this.frame[node] === frame) {
        this.recent[parent] = node;
        return node;
      }
      slot = (slot + 1) & mask;
    }
    if (this.count === this.parent.length) {
      this.#grow();
      return this.child(parent, frame);
    }
    const node = this.count++;
    this.parent[node] = parent;
    this.frame[node] = frame;
    this.recent[parent] = node;
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
    this.recent = grown(new Uint32Array(size), this.recent);
    this.self.forEach((self, side) => {
      this.self[side] = grown(new Float64Array(size), self);
    });
    this.#slots = new Uint32Array(size * 2);
    const mask = this.#slots.length - 1;
    for (let node = 1; node < this.count; node++) {
      let slot = slotOf(this.parent[node] as number, this.frame[node] as number) & mask;
      while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      this.#slots[slot] = node;
    }
  }
}

/**
 * Near twice the parent, so that nodes which were made one after the other, as those of one service
 * are, lie in one part of the table that the processor's cache holds. Over a table of ten million
 * nodes, a hash without order misses the cache at every look-up.
 */
function slotOf(parent: number, frame: number): number {
  let h = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return parent * 2 + ((h ^ (h >>> 13)) & NEAR);
}
const NEAR = 0xffff;
