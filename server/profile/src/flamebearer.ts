import { type CallTree, NO_FRAME } from './call-tree.ts';
import { nameOfFrame } from './frame.ts';

/** Pyroscope's flame graph: a row per depth, four numbers a node. */
export interface Flamebearer {
  names: string[];
  /** Per node: [distance from the end of the node before it, total, self, index into names]. */
  levels: number[][];
  numTicks: number;
  maxSelf: number;
}

/**
 * The `flamebearer` part of `GET /pyroscope/render`. `names[0]` is `total`, children start where
 * their parent starts plus the parent's self, and rows are delta-encoded from left to right.
 */
export function toFlamebearer(tree: CallTree): Flamebearer {
  const names = ['total'];
  const nameIds = new Map<string, number>();
  const nameOf = (frame: number): number => {
    if (frame === NO_FRAME) return 0;
    const name = nameOfFrame(tree.frames[frame] as string);
    let id = nameIds.get(name);
    if (id === undefined) {
      id = names.push(name) - 1;
      nameIds.set(name, id);
    }
    return id;
  };
  const levels: number[][] = [];
  const ends: number[] = []; // per depth: where the node before this one ends
  const childStart: number[] = []; // per depth: where the next child begins
  let maxSelf = 0;
  for (let node = 0; node < tree.depth.length; node++) {
    const depth = tree.depth[node] as number;
    const self = tree.self[node] as number;
    const total = tree.total[node] as number;
    const start = depth === 0 ? 0 : (childStart[depth - 1] as number);
    levels[depth] ??= [];
    levels[depth].push(start - (ends[depth] ?? 0), total, self, nameOf(tree.frame[node] as number));
    ends[depth] = start + total;
    if (depth > 0) childStart[depth - 1] = start + total;
    childStart[depth] = start + self;
    if (self > maxSelf) maxSelf = self;
  }
  return { names, levels, numTicks: tree.total[0] ?? 0, maxSelf };
}
