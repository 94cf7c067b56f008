import { type PreparedFlame, prepareFlame } from '@bunsen/flame';
import { decodeFlameDiff, type FlameDiff } from '@bunsen/profile';

/** What bytes are made into. A comparison is laid out later, for each of its views. */
export interface Loaded {
  flame: PreparedFlame;
  diff: FlameDiff;
}

export type LoadedKind = keyof Loaded;

/** How each kind is made, here or in the worker. They throw ProfileError `FLAME_MALFORMED`. */
export const LOADERS: { [K in LoadedKind]: (bytes: Uint8Array) => Loaded[K] } = {
  flame: prepareFlame,
  diff: decodeFlameDiff,
};
