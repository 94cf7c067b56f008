import { decodeFlame, type FlameMeta } from '@bunsen/profile';
import { type FlameLayout, layoutFlame } from './layout.ts';

/** A flame graph that is ready to be painted. Its functions are not summed up: a picture needs none. */
export interface PreparedFlame {
  meta: FlameMeta;
  layout: FlameLayout;
}

/** Nodes past which preparing a graph belongs into a worker: less blocks a page for 30 to 60 ms. */
export const WORKER_NODES = 100_000;

/** As {@link WORKER_NODES}, in bytes of the encoded graph: a node takes some six. */
export const WORKER_BYTES = 700_000;

/**
 * Decodes and lays out. Needs no DOM: runs in a worker as well.
 * @throws ProfileError `FLAME_MALFORMED`
 */
export function prepareFlame(bytes: Uint8Array): PreparedFlame {
  const { meta, tree } = decodeFlame(bytes);
  return { meta, layout: layoutFlame(tree) };
}

/** The buffers that a worker hands over instead of copying them. */
export function transferablesOf({ layout }: PreparedFlame): ArrayBuffer[] {
  const { tree } = layout;
  return [
    tree.frame,
    tree.depth,
    tree.self,
    tree.total,
    layout.parent,
    layout.levelOffsets,
    layout.nodeCell,
    layout.cellNode,
    layout.cellStart,
    layout.cellEnd,
  ].map((column) => column.buffer as ArrayBuffer);
}
