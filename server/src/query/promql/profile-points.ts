import {
  formatProfileType,
  formatSelector,
  type Labels,
  type Matcher,
  parseProfileType,
  SERVICE_NAME,
  SLOT_MS,
} from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import { rawMsOf } from '../../store/retention.ts';
import { type RollupTable, rollupOf } from '../../store/rollup-sql.ts';
import type { RollupStatus } from '../../store/rollups.ts';
import type { Store } from '../../store/store.ts';
import { MINUTE_MS } from '../../time.ts';
import { FUNCTION_ROLLUPS, mergeParams, planMerge } from '../merge-plan.ts';
import {
  checkSelection,
  PROFILE_TIMES,
  SERIES_DAYS,
  type Selection,
  selectionOf,
  seriesIn,
} from '../selection.ts';
import {
  areRolledUp,
  FUNCTION_LABELS,
  functionKey,
  functionMatchers,
  functionRowsSql,
} from './function-points.ts';
import type { LabelledPoints } from './values.ts';
import {
  type Buckets,
  exactBuckets,
  type Grid,
  overWindows,
  type SparseSeries,
  type Statistic,
  slotBuckets,
} from './windows.ts';

/** Rows that an answer of the store may have, and points that are made of them. */
export const MAX_POINTS = 1_000_000;

export interface PointsRequest {
  /** Canonical name of a profile type. */
  profileType: string;
  /** On labels of series, and on `function` and `module`. */
  matchers: Matcher[];
  grid: Grid;
  rangeMs: number;
  offsetMs: number;
  statistic: Statistic;
  /** Sums by these labels, which the store makes; undefined = every series by itself. */
  groupBy: string[] | undefined;
}

export interface Sources {
  store: Store;
  status: RollupStatus;
  signal: AbortSignal;
}

/** The canonical name of a metric that is a profile type; undefined if it cannot be one. */
export function profileTypeOfMetric(name: string): string | undefined {
  const parts = name.split(':');
  if (parts.length !== 5 || parts.slice(0, 3).includes('')) return undefined;
  return formatProfileType(parseProfileType(name));
}

/**
 * What profiles say at the points of a grid, in one query.
 * @returns a series for each label set that has a value at some point
 * @throws ProfileError or BunsenError if a matcher is wrong or a limit is passed
 */
export async function profilePoints(
  { store, status, signal }: Sources,
  request: PointsRequest,
): Promise<{ series: LabelledPoints[]; warnings: string[] }> {
  const { profileType, matchers, grid, rangeMs, offsetMs, statistic, groupBy } = request;
  const functions = functionMatchers(matchers);
  const ofSeries = matchers.filter(({ name }) => !FUNCTION_LABELS.includes(name));
  const shifted = { ...grid, startMs: grid.startMs - offsetMs };
  if (functions) checkFunctionRange(statistic, rangeMs);
  const rolledUp = functions !== undefined && areRolledUp(ofSeries, groupBy);
  const slotMs = rolledUp && rangeMs % MINUTE_MS === 0 ? MINUTE_MS : SLOT_MS;
  const buckets = functions
    ? slotBuckets(shifted, rangeMs, slotMs)
    : exactBuckets(shifted, rangeMs);
  const range = {
    fromMs: Math.max(0, buckets.originMs),
    untilMs: buckets.originMs + (buckets.end.at(-1) as number) * buckets.widthMs,
  };
  const selection = selectionOf(formatSelector({ profileType, matchers: ofSeries }), range, true);
  selection.regexes.push(...(functions?.regexes ?? []));
  Object.assign(selection.params, functions?.params);
  const warnings = await checkSelection(store, selection, { signal });
  const plan = {
    rollups: rolledUp ? FUNCTION_ROLLUPS.filter((table) => divides(table, buckets)) : [],
    slotMs,
    status,
    nowMs: Date.now(),
    rawMs: rawMsOf(store.retention),
  };
  if (functions && range.fromMs < plan.nowMs - plan.rawMs && !divides('function_hours', buckets)) {
    warnings.push(
      `functions are known by the hour beyond ${store.retention.rawDays} days, and by service alone: for those times sum by service_name, with a step and a range of whole hours`,
    );
  }
  const rows = functions
    ? functionRowsSql(planMerge(range, plan), selection, functions, buckets)
    : profileRowsSql(selection, buckets, statistic);
  const keyed = keyedSql(rows, selection, groupBy);
  const found = await store.rows<FoundSeries>(seriesSql(keyed, functions && functionKey(groupBy)), {
    params: { ...mergeParams(selection), ...groupParams(groupBy) },
    signal,
  });
  checkSize(request, found);
  const series = found.map((each) => ({
    labels: labelsOf(each),
    ...overWindows(sparseOf(each), buckets, statistic),
  }));
  return { series: series.filter(({ present }) => present.includes(1)), warnings };
}

/** Whether a rollup's buckets make up ours. */
function divides(table: RollupTable, { originMs, widthMs }: Buckets): boolean {
  const { bucketMs } = rollupOf(table);
  return widthMs % bucketMs === 0 && originMs % bucketMs === 0;
}

/** What is known about functions: sums, by the slot. */
function checkFunctionRange(statistic: Statistic, rangeMs: number): void {
  if (statistic !== 'sum') {
    throw new BunsenError(
      'PROMQL_UNSUPPORTED',
      'values of functions are sums: select them inside of rate, increase or sum_over_time',
    );
  }
  if (rangeMs % SLOT_MS !== 0) {
    throw new BunsenError(
      'PROMQL_UNSUPPORTED',
      `a range of ${rangeMs / 1000}s of a function: it must be a multiple of ${SLOT_MS / 1000}s, by which functions are known`,
    );
  }
}

function checkSize({ profileType, grid }: PointsRequest, found: FoundSeries[]): void {
  const rows = found.reduce((sum, { points }) => sum + points.length, 0);
  const points = Math.max(rows, found.length * grid.points);
  if (points <= MAX_POINTS) return;
  throw new BunsenError(
    'QUERY_MEMORY_LIMIT',
    `${profileType}: ${found.length} series make ${points} points; at most ${MAX_POINTS} are allowed: match fewer series, put sum by (…) right around rate(…), or take a longer step`,
  );
}

const AGGREGATES: Record<Statistic, string> = {
  sum: 'sum(toInt128(total))',
  avg: 'sum(toInt128(total))',
  count: 'toInt128(count())',
  min: 'toInt128(min(total))',
  max: 'toInt128(max(total))',
  last: 'toInt128(argMax(total, ts))',
};

/** SELECT of (series, service, function, bucket, value, profiles) from the totals of profiles. */
function profileRowsSql(
  selection: Selection,
  { originMs, widthMs }: Buckets,
  statistic: Statistic,
): string {
  return `SELECT series, service, '' AS function,
      floor((toUnixTimestamp64Milli(ts) - ${originMs}) / ${widthMs}) AS bucket,
      ${AGGREGATES[statistic]} AS value, count() AS profiles
    FROM profiles WHERE ${selection.keys} AND ${PROFILE_TIMES} ${seriesIn(selection)}
    GROUP BY series, service, bucket`;
}

/** The same rows with `key`: the labels of the series that they belong to, as JSON. */
function keyedSql(rows: string, selection: Selection, groupBy: string[] | undefined): string {
  const names = groupBy?.filter((name) => !FUNCTION_LABELS.includes(name));
  if (names?.every((name) => name === SERVICE_NAME)) {
    const key =
      names.length === 0 ? `'{}'` : `toJSONString(map('${SERVICE_NAME}', toString(service)))`;
    return `SELECT *, ${key} AS key FROM (${rows})`;
  }
  const service = `map('${SERVICE_NAME}', toString(service))`;
  const pairs = names?.map((name) => {
    const param = `{group${groupBy?.indexOf(name)}:String}`;
    return `${param}, ${name === SERVICE_NAME ? 'toString(service)' : `labels[${param}]`}`;
  });
  const labels = pairs
    ? `map(${pairs.join(', ')})`
    : `mapUpdate(CAST(labels, 'Map(String, String)'), ${service})`;
  return `SELECT * FROM (${rows}) AS sums
    INNER JOIN (
      SELECT series, toJSONString(any(${labels})) AS key FROM series
      WHERE ${selection.keys} AND ${SERIES_DAYS} GROUP BY series
    ) AS named USING series`;
}

function groupParams(groupBy: string[] = []): Record<string, string> {
  return Object.fromEntries(groupBy.map((name, i) => [`group${i}`, name]));
}

interface FoundSeries {
  /** Labels as JSON; empty ones are none. */
  key: string;
  /** Name and module of a function, if series are told apart by them. */
  function: string;
  /** (bucket, value, profiles), by bucket. */
  points: [number, number, number][];
}

/** SELECT of {@link FoundSeries}. @param functionKey what tells functions apart; undefined = nothing */
function seriesSql(keyed: string, functionKey = `''`): string {
  return `SELECT key, f AS function,
      arraySort(groupArray((bucket, toFloat64(v), toFloat64(n)))) AS points
    FROM (
      SELECT key, ${functionKey} AS f, bucket, sum(value) AS v, sum(profiles) AS n
      FROM (${keyed}) GROUP BY key, f, bucket LIMIT ${MAX_POINTS + 1}
    ) GROUP BY key, f`;
}

function labelsOf({ key, function: text }: FoundSeries): Labels {
  const [name = '', module = ''] = text.split('\x1f');
  const labels = { ...(JSON.parse(key) as Labels), ...(text !== '' && { function: name, module }) };
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([, value]) => value !== '')
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function sparseOf({ points }: FoundSeries): SparseSeries {
  return {
    bucket: Float64Array.from(points, ([bucket]) => bucket),
    value: Float64Array.from(points, ([, value]) => value),
    count: Float64Array.from(points, ([, , profiles]) => profiles),
  };
}
