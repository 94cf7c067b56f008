import { decodeFlame, type FlameMeta } from '@bunsen/profile';
import { type FlameLayout, layoutFlame } from './layout.ts';

/** A flame graph that is ready to be painted. Its functions are not summed up: a picture needs none. */
export interface PreparedFlame {
  meta: FlameMeta;
  layout: FlameLayout;
}

/**
 * Bytes of an encoded graph past which preparing it belongs into a worker; a node takes some six. To
 * start one takes 100 ms, and to prepare less than this here 60 to 100 the first time, 30 later.
 */
export const WORKER_BYTES = 1_400_000;

/**
 * Decodes and lays out. Needs no DOM: runs in a worker as well.
 * @throws ProfileError `FLAME_MALFORMED`
 */
export function prepareFlame(bytes: Uint8Array): PreparedFlame {
  const { meta, tree } = decodeFlame(bytes);
  return { meta, layout: layoutFlame(tree) };
}

/** The buffers of all columns in a value, however deep: what a worker hands over instead of copying. */
export function columnsOf(value: object): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  const visit = (part: unknown) => {
    if (ArrayBuffer.isView(part)) buffers.add(part.buffer as ArrayBuffer);
    else if (typeof part === 'object' && part !== null && !Array.isArray(part)) {
      for (const inner of Object.values(part)) visit(inner);
    }
  };
  visit(value);
  return [...buffers];
}
