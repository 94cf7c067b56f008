import type { DiffResponse } from './api.ts';
import { type CutTree, NO_FRAME, totalsOf } from './call-tree.ts';
import { parseFrame } from './frame.ts';

/** Two call trees as one: every node has a self and a total on both sides. Preorder, as in CallTree. */
export interface DiffTree {
  frames: string[];
  frame: Uint32Array;
  depth: Uint32Array;
  left: { self: Float64Array; total: Float64Array };
  right: { self: Float64Array; total: Float64Array };
}

/** A cut tree of two sides, with their totals. */
export function diffTreeOf({ frames, frame, depth, self }: CutTree): DiffTree {
  const [left, right] = self.map((side) => ({ self: side, total: totalsOf(depth, side) }));
  if (!left || !right) throw new Error('a comparison has two sides');
  return { frames, frame, depth, left, right };
}

/** What a comparison says about itself, beside its nodes. */
export interface DiffMeta {
  profileType: string;
  /** Unit of self and total, such as `nanoseconds`. */
  unit: string;
  left: DiffSide;
  right: DiffSide;
  /** Nodes that were merged into `other`, and what they held on both sides together. */
  foldedNodes: number;
  foldedValue: number;
  /** What the reader should know, such as a label that no series has. */
  warnings: string[];
}

/** The range that was merged, milliseconds since 1970: from inclusive, until exclusive. */
export interface DiffSide {
  fromMs: number;
  untilMs: number;
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
