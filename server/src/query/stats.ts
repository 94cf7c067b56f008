import { DEFAULT_TENANT } from '../store/profile-batch.ts';
import type { ReadOptions, Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import { checkSelection, PROFILE_TIMES, rangeParams, selectionOf, seriesIn } from './selection.ts';

/** Times of the oldest and the newest profile that is stored; undefined = there are none. */
export async function queryProfileTimes(
  store: Store,
  read: ReadOptions,
): Promise<{ oldestMs: number; newestMs: number } | undefined> {
  const [row] = await store.rows<{ oldestMs: number; newestMs: number; profiles: number }>(
    `SELECT toFloat64(toUnixTimestamp64Milli(min(ts))) AS oldestMs,
       toFloat64(toUnixTimestamp64Milli(max(ts))) AS newestMs, toFloat64(count()) AS profiles
     FROM profiles WHERE tenant = {tenant:String} AND type != ''`,
    { ...read, params: { tenant: DEFAULT_TENANT } },
  );
  return row && row.profiles > 0 ? row : undefined;
}

/** What a selection is about: all that a query of it would read. */
export interface SelectionSize {
  seriesCount: number;
  profileCount: number;
  sampleCount: number;
}

/** @param query `type{matchers}`; without a type, of all types */
export async function querySize(
  store: Store,
  query: string,
  range: TimeRange,
  read: ReadOptions,
): Promise<SelectionSize> {
  const selection = selectionOf(query, range, false);
  await checkSelection(store, selection, read);
  const [row] = await store.rows<SelectionSize>(
    `SELECT toFloat64(uniqExact(service, type, series)) AS seriesCount,
       toFloat64(count()) AS profileCount, toFloat64(sum(n)) AS sampleCount
     FROM profiles WHERE ${selection.keys} AND ${PROFILE_TIMES} ${seriesIn(selection)}`,
    { ...read, params: rangeParams(selection) },
  );
  return row ?? { seriesCount: 0, profileCount: 0, sampleCount: 0 };
}
