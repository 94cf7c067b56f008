import type { DiffResponse } from './api.ts';
import { buildCallTree, NO_FRAME, totalsOf, truncateCallTree } from './call-tree.ts';
import { parseFrame } from './frame.ts';
import type { StackColumns } from './profile.ts';

/** Two call trees as one: every node has a self and a total on both sides. Preorder, as in CallTree. */
export interface DiffTree {
  frames: string[];
  frame: Uint32Array;
  depth: Uint32Array;
  left: { self: Float64Array; total: Float64Array };
  right: { self: Float64Array; total: Float64Array };
}

/**
 * Merges the stacks of two sides into one tree, and cuts it to the nodes with the largest sums of both
 * sides. On each side, every total that remains is what it was, to the last unit.
 * @param values one a stack; sums of both sides together are exact up to 2^53
 * @param leftStacks how many of the stacks, the first ones, are of the left side
 */
export function buildDiffTree(
  stacks: StackColumns,
  values: Float64Array,
  leftStacks: number,
  maxNodes: number,
): { tree: DiffTree; foldedNodes: number; foldedValue: number } {
  const both = buildCallTree(stacks, values);
  // The same stacks make the same nodes, whatever their values.
  const leftOnly = values.slice().fill(0, leftStacks);
  const wholeLeft = buildCallTree(stacks, leftOnly).self;
  const { tree, foldedNodes, foldedValue, nodeOf } = truncateCallTree(both, maxNodes);
  const left = new Float64Array(tree.self.length);
  wholeLeft.forEach((self, node) => {
    const to = nodeOf[node] as number;
    left[to] = (left[to] as number) + self;
  });
  const right = tree.self.map((self, node) => self - (left[node] as number));
  const { frames, frame, depth } = tree;
  return {
    tree: {
      frames,
      frame,
      depth,
      left: { self: left, total: totalsOf(depth, left) },
      right: { self: right, total: totalsOf(depth, right) },
    },
    foldedNodes,
    foldedValue,
  };
}

export function diffToJson(tree: DiffTree): Pick<DiffResponse, 'frames' | 'nodes'> {
  return {
    frames: tree.frames.map((text) => {
      const { name, module } = parseFrame(text);
      return { name, module };
    }),
    nodes: {
      depth: Array.from(tree.depth),
      frame: Array.from(tree.frame, (frame) => (frame === NO_FRAME ? -1 : frame)),
      leftSelf: Array.from(tree.left.self),
      leftTotal: Array.from(tree.left.total),
      rightSelf: Array.from(tree.right.self),
      rightTotal: Array.from(tree.right.total),
    },
  };
}
