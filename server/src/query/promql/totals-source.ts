import { PROFILE_TIMES, type Selection, seriesIn } from '../selection.ts';
import { isByService, type PointsRequest, type RowSource } from './row-source.ts';
import { type Buckets, exactBuckets, type Statistic } from './windows.ts';

const AGGREGATES: Record<Statistic, string> = {
  sum: 'sum(toInt128(total))',
  avg: 'sum(toInt128(total))',
  count: 'toInt128(count())',
  min: 'toInt128(min(total))',
  max: 'toInt128(max(total))',
  last: 'toInt128(argMax(total, ts))',
};

/** From the totals of profiles, whose times are exact. */
export function totalsSource({
  grid,
  rangeMs,
  offsetMs,
  statistic,
  groupBy,
}: PointsRequest): RowSource {
  const buckets = exactBuckets({ ...grid, startMs: grid.startMs - offsetMs }, rangeMs);
  return {
    buckets,
    rowsSql: (selection) => totalsSql(selection, buckets, statistic, groupBy),
    names: groupBy,
    functionKey: `''`,
    regexes: [],
    params: {},
    warnings: [],
  };
}

function totalsSql(
  selection: Selection,
  { originMs, widthMs, usedMs }: Buckets,
  statistic: Statistic,
  names: string[] | undefined,
): string {
  // Where series are not told apart, they would only be as many groups as there are profiles.
  const series = isByService(names) ? '' : 'series, ';
  const sinceMs = `(toUnixTimestamp64Milli(ts) - ${originMs})`;
  const used = usedMs < widthMs ? `AND ${sinceMs} % ${widthMs} < ${usedMs}` : '';
  return `SELECT ${series}service, '' AS function, floor(${sinceMs} / ${widthMs}) AS bucket,
      ${AGGREGATES[statistic]} AS value, count() AS profiles
    FROM profiles WHERE ${selection.keys} AND ${PROFILE_TIMES} ${seriesIn(selection)} ${used}
    GROUP BY ${series}service, bucket`;
}
