import { decodeFlame, type FlameMeta } from '@bunsen/profile';
import { type FunctionTable, functionTable } from './function-table.ts';
import { type FlameLayout, layoutFlame } from './layout.ts';

/** A flame graph that is ready to be painted and listed. */
export interface PreparedFlame {
  meta: FlameMeta;
  layout: FlameLayout;
  table: FunctionTable;
}

/**
 * Bytes of an encoded flame graph past which preparing it belongs into a worker: some 100 000 nodes,
 * 30 ms of work.
 */
export const WORKER_BYTES = 500_000;

/**
 * Decodes and lays out. Needs no DOM: runs in a worker as well.
 * @throws ProfileError `FLAME_MALFORMED`
 */
export function prepareFlame(bytes: Uint8Array): PreparedFlame {
  const { meta, tree } = decodeFlame(bytes);
  return { meta, layout: layoutFlame(tree), table: functionTable(tree) };
}

/** The buffers that a worker hands over instead of copying them. */
export function transferablesOf({ layout, table }: PreparedFlame): ArrayBuffer[] {
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
    table.functionOf,
    table.self,
    table.total,
  ].map((column) => column.buffer as ArrayBuffer);
}
