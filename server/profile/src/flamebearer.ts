import { type CallTree, NO_FRAME } from './call-tree.ts';
import type { DiffTree } from './diff.ts';
import { nameOfFrame } from './frame.ts';

/** Pyroscope's flame graph: a row per depth, four numbers a node. */
export interface Flamebearer {
  names: string[];
  /** Per node: [distance from the end of the node before it, total, self, index into names]. */
  levels: number[][];
  numTicks: number;
  maxSelf: number;
}

/** Pyroscope's comparison: a row per depth, seven numbers a node. */
export interface DiffFlamebearer extends Flamebearer {
  /** Per node: distance, total and self on the left, the same on the right, index into names. */
  levels: number[][];
  /** Of each side; `numTicks` is of both. */
  leftTicks: number;
  rightTicks: number;
}

/**
 * The `flamebearer` part of `GET /pyroscope/render`. `names[0]` is `total`, children start where
 * their parent starts plus the parent's self, and rows are delta-encoded from left to right.
 */
export function toFlamebearer(tree: CallTree): Flamebearer {
  const { names, nameOfNode } = namesOf(tree);
  return {
    names,
    levels: levelsOf(tree.depth, nameOfNode, [tree]),
    numTicks: tree.total[0] ?? 0,
    maxSelf: largest(tree.self),
  };
}

/** The same of two sides, each with places of its own. */
export function toDiffFlamebearer(tree: DiffTree): DiffFlamebearer {
  const { names, nameOfNode } = namesOf(tree);
  const { depth, left, right } = tree;
  const [leftTicks, rightTicks] = [left.total[0] ?? 0, right.total[0] ?? 0];
  return {
    names,
    levels: levelsOf(depth, nameOfNode, [left, right]),
    numTicks: leftTicks + rightTicks,
    maxSelf: Math.max(largest(left.self), largest(right.self)),
    leftTicks,
    rightTicks,
  };
}

/** Names of the nodes, each once: functions of one name in several binaries share it. */
function namesOf({ frames, frame }: Pick<CallTree, 'frames' | 'frame'>): {
  names: string[];
  nameOfNode: Uint32Array;
} {
  const names = ['total'];
  const ids = new Map<string, number>();
  const nameOfNode = frame.map((code) => {
    if (code === NO_FRAME) return 0;
    const name = nameOfFrame(frames[code] as string);
    let id = ids.get(name);
    if (id === undefined) {
      id = names.push(name) - 1;
      ids.set(name, id);
    }
    return id;
  });
  return { names, nameOfNode };
}

function levelsOf(
  depths: Uint32Array,
  nameOfNode: Uint32Array,
  sides: { self: Float64Array; total: Float64Array }[],
): number[][] {
  const levels: number[][] = [];
  const places = sides.map((side) => ({
    ...side,
    ends: [] as number[], // per depth: where the node before this one ends
    childStart: [] as number[], // per depth: where the next child begins
  }));
  for (let node = 0; node < depths.length; node++) {
    const depth = depths[node] as number;
    levels[depth] ??= [];
    const row = levels[depth];
    for (const { self: selves, total: totals, ends, childStart } of places) {
      const self = selves[node] as number;
      const total = totals[node] as number;
      const start = depth === 0 ? 0 : (childStart[depth - 1] as number);
      row.push(start - (ends[depth] ?? 0), total, self);
      ends[depth] = start + total;
      if (depth > 0) childStart[depth - 1] = start + total;
      childStart[depth] = start + self;
    }
    row.push(nameOfNode[node] as number);
  }
  return levels;
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
