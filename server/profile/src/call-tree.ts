import type { StackColumns } from './profile.ts';
import { NO_FRAME, StackTrie } from './stack-trie.ts';
import { type CutTree, cutTree } from './tree-cut.ts';

export { type CutTree, OTHER_FRAME } from './tree-cut.ts';
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
  for (let node = 0; node < depth.length; node++) {
    if ((depth[node] as number) > deepest) deepest = depth[node] as number;
  }
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

/** Merges stacks, batch by batch, into one call tree, and cuts it. */
export class CallTreeBuilder {
  readonly #frames: string[] = [];
  readonly #frameIds = new Map<string, number>();
  readonly #trie: StackTrie;

  /**
   * @param options.sides values a node has: 2 for a comparison
   * @param options.stacks about how many there will be
   */
  constructor({ sides = 1, stacks = 0 }: { sides?: number; stacks?: number } = {}) {
    this.#trie = new StackTrie(stacks, sides);
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
    for (let stack = 0; stack < values.length; stack++) {
      const from = stackOffsets[stack] as number;
      const until = stackOffsets[stack + 1] as number;
      this.#trie.add(ids, stackFrames, from, until, values[stack] as number, side);
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
    return cutTree(this.#trie, this.#frames, maxNodes);
  }
}
