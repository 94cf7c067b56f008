import { type Labels, parseProfileType, type SeriesResponse, SLOT_MS } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { rawMsOf } from '../store/retention.ts';
import type { Store } from '../store/store.ts';
import { slotsOf } from '../store/time-sql.ts';
import type { TimeRange } from '../time.ts';
import { mergeParams, WEEKS } from './merge-plan.ts';
import {
  checkSelection,
  keyColumn,
  PROFILE_TIMES,
  SERIES_DAYS,
  type Selection,
  selectionOf,
  seriesIn,
} from './selection.ts';
import { type StackCondition, stackConditionParams, stackConditionSql } from './stack-selector.ts';

/** Points that a series has at most, and has when no step is asked for. */
const MAX_POINTS = 11_000;
const DEFAULT_POINTS = 1_500;
/** Series of an answer: more than anyone can look at. The largest are given. */
export const MAX_SERIES = 1_000;

/** Of the totals of the profiles in a step: `average` is for gauges, such as memory in use. */
export type Aggregation = 'sum' | 'average';

export interface SeriesRequest {
  query: string;
  range: TimeRange;
  /** Width of a point; undefined = as fits. */
  stepMs: number | undefined;
  /** Labels that make a series of their own each; none = one series. */
  groupBy: string[];
  /** `sum` by default. */
  aggregation?: Aggregation;
  /** Only what has a function in its stack; steps are whole slots then. */
  function?: { name: string; module: string | undefined } | undefined;
  signal?: AbortSignal;
}

/**
 * Sums over time, from the totals of profiles. The range is widened to whole steps, which begin at
 * multiples of the step: so a chart of `now-1h` does not jitter as it moves.
 */
export async function querySeries(
  store: Store,
  { query, range, stepMs: asked, groupBy, aggregation, function: stacks, signal }: SeriesRequest,
): Promise<SeriesResponse> {
  const stepMs = asked ?? defaultStep(range);
  if (stacks && stepMs % SLOT_MS !== 0) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `stepMs=${stepMs} is not a multiple of ${SLOT_MS}, which is what is told apart of a function`,
    );
  }
  const fromMs = Math.floor(range.fromMs / stepMs) * stepMs;
  const points = (Math.ceil(range.untilMs / stepMs) * stepMs - fromMs) / stepMs;
  checkPoints('stepMs', stepMs, points);
  const buckets = { fromMs, stepMs, points };
  const found = await queryBuckets(store, {
    query,
    buckets,
    groupBy,
    aggregation,
    stacks,
    signal,
  });
  return {
    unit: parseProfileType(found.profileType).sampleUnit,
    fromMs,
    untilMs: fromMs + points * stepMs,
    stepMs,
    series: found.series.map(({ labels, points: filled }) => {
      const values = new Array<number | null>(points).fill(null);
      for (const { bucket, value } of filled) values[bucket] = value;
      return { labels, values };
    }),
    warnings: found.warnings,
  };
}

/** Buckets of time: the i-th is [fromMs + i * stepMs, + stepMs). */
export interface Buckets {
  fromMs: number;
  stepMs: number;
  points: number;
}

/** @throws BunsenError `PARAMETER_INVALID` if there would be too many */
export function checkPoints(name: string, step: number, points: number): void {
  if (points <= MAX_POINTS) return;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `${name}=${step} makes ${points} points; at most ${MAX_POINTS} are allowed: take a longer step`,
  );
}

export interface BucketsRequest {
  query: string;
  buckets: Buckets;
  groupBy: string[];
  /** `sum` by default. */
  aggregation?: Aggregation | undefined;
  /** Only some stacks: then samples are summed instead of profiles, by the slot. */
  stacks?: StackCondition | undefined;
  /** Series of the answer, at most {@link MAX_SERIES}. */
  limit?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Values of the buckets that are not empty, ascending. A label that a series has not is empty. */
export interface BucketSeries {
  labels: Labels;
  points: { bucket: number; value: number }[];
}

/** The series with the largest sums, the largest first; equal ones by their labels. */
export async function queryBuckets(
  store: Store,
  request: BucketsRequest,
): Promise<{ profileType: string; series: BucketSeries[]; warnings: string[] }> {
  const { query, buckets, groupBy, aggregation = 'sum', stacks, signal } = request;
  const selection = selectionOf(query, rangeOfBuckets(buckets), true);
  const source = stacks ? samplesSource(selection, stacks) : profilesSource(selection);
  const sql = byLabelsSql(selection, groupBy, {
    ...source,
    keys: { bucket: bucketOf(source.time) },
  });
  const [warnings, rows] = await Promise.all([
    checkSelection(store, selection, { signal }),
    store.rows<LabelledRow & { bucket: number }>(`${sql} ORDER BY bucket`, {
      params: {
        ...mergeParams(selection),
        ...bucketParams(buckets, groupBy),
        ...(stacks && stackConditionParams(stacks)),
      },
      signal,
    }),
  ]);
  if (stacks && buckets.fromMs < Date.now() - rawMsOf(store.retention)) {
    warnings.push(`samples are kept for ${store.retention.rawDays} days: what is older is missing`);
  }
  const groups = groupRows(rows, groupBy).map(({ labels, rows }) => {
    const points = rows.map(({ bucket, amount, profiles }) => ({
      bucket,
      value: aggregation === 'average' ? amount / profiles : amount,
    }));
    return { labels, points, weight: points.reduce((sum, { value }) => sum + value, 0) };
  });
  const series = largest(groups, request.limit, warnings);
  return { profileType: selection.profileType, series, warnings };
}

/** Rows of one label set. */
export interface Group<Row> {
  labels: Labels;
  rows: Row[];
}

/** What {@link byLabelsSql} selects beside its keys. */
export interface LabelledRow {
  labels: string[];
  /** Sum of the values, and how many there were. */
  amount: number;
  profiles: number;
}

export function groupRows<Row extends LabelledRow>(rows: Row[], groupBy: string[]): Group<Row>[] {
  const groups = new Map<string, Group<Row>>();
  for (const row of rows) {
    const key = JSON.stringify(row.labels);
    let group = groups.get(key);
    if (!group) {
      const labels = Object.fromEntries(groupBy.map((name, i) => [name, row.labels[i] as string]));
      group = { labels, rows: [] };
      groups.set(key, group);
    }
    group.rows.push(row);
  }
  return [...groups.values()];
}

/** The series of the largest weight, and a warning if there are more than may be given. */
export function largest<Series extends { labels: Labels; weight: number }>(
  series: Series[],
  limit: number | undefined,
  warnings: string[],
): Series[] {
  const text = ({ labels }: Series) => JSON.stringify(Object.values(labels));
  series.sort((a, b) => b.weight - a.weight || (text(a) < text(b) ? -1 : 1));
  if (limit === undefined && series.length > MAX_SERIES) {
    warnings.push(
      `${series.length} series match; these are the largest ${MAX_SERIES}: group by fewer labels, or match fewer series`,
    );
  }
  return series.slice(0, limit ?? MAX_SERIES);
}

export function rangeOfBuckets({ fromMs, stepMs, points }: Buckets): TimeRange {
  return { fromMs, untilMs: fromMs + stepMs * points };
}

/** Where values come from: FROM and WHERE, the time of a row in ms, and its value. */
interface Source {
  from: string;
  time: string;
  value: string;
}

export function profilesSource(selection: Selection): Source {
  return {
    from: `profiles WHERE ${selection.keys} AND ${PROFILE_TIMES} ${seriesIn(selection)}`,
    time: 'toUnixTimestamp64Milli(ts)',
    value: 'total',
  };
}

/** A sample is known by its slot: its time is taken to be the middle of that. */
function samplesSource(selection: Selection, stacks: StackCondition): Source {
  const { fromMs, untilMs } = selection.range;
  const slots = {
    fromMs: Math.floor(fromMs / SLOT_MS) * SLOT_MS,
    untilMs: Math.ceil(untilMs / SLOT_MS) * SLOT_MS,
  };
  const time = `(toInt64(toUnixTimestamp(h)) * 1000 + toInt64(slot) * ${SLOT_MS} + ${SLOT_MS / 2})`;
  return {
    from: `samples WHERE ${selection.keys} AND ${slotsOf(slots)} ${seriesIn(selection)}
      AND ${time} >= {fromMs:Int64} AND ${time} < {untilMs:Int64}
      AND (service, stack_id) IN (
        SELECT service, stack_id FROM stacks
        WHERE ${selection.serviceKeys} AND ${WEEKS} AND ${stackConditionSql(stacks)})`,
    time,
    value: 'value * unit',
  };
}

/** Number of the bucket of a time in ms. Needs {@link bucketParams}. */
export function bucketOf(time: string): string {
  return `toUInt32(intDiv(${time} - {fromMs:Int64}, {step:Int64}))`;
}

export function bucketParams({ stepMs }: Buckets, groupBy: string[]): Record<string, unknown> {
  return {
    step: stepMs,
    ...Object.fromEntries(groupBy.map((name, i) => [`group${i}`, name])),
  };
}

/**
 * SELECT of (...keys, labels, amount, profiles): values by label set, which is a text for each name
 * of `groupBy`.
 * @param keys expressions on the rows of the source, by their names
 */
export function byLabelsSql(
  selection: Selection,
  groupBy: string[],
  { from, value, keys }: Source & { keys: Record<string, string> },
): string {
  const named = Object.entries(keys).map(([name, expression]) => `${expression} AS ${name}`);
  const names = Object.keys(keys);
  const columns = groupBy.map((name, i) => keyColumn(name) ?? `labels[{group${i}:String}]`);
  if (groupBy.every((name) => keyColumn(name) !== undefined)) {
    return `SELECT ${[...named, '']}CAST([${columns}], 'Array(String)') AS labels,
        toFloat64(sum(toInt128(${value}))) AS amount, toFloat64(count()) AS profiles
      FROM ${from} GROUP BY ${[...names, 'labels']}`;
  }
  return `SELECT ${[...names, '']}[${columns.map((column) => `toString(${column})`)}] AS labels,
      toFloat64(sum(v)) AS amount, toFloat64(sum(n)) AS profiles
    FROM (
      SELECT series, service, type, ${named}, sum(toInt128(${value})) AS v, count() AS n
      FROM ${from} GROUP BY ${['series', 'service', 'type', ...names]}
    ) AS sums
    INNER JOIN (
      SELECT series, any(labels) AS labels FROM series
      WHERE ${selection.keys} AND ${SERIES_DAYS} GROUP BY series
    ) AS named USING series
    GROUP BY ${[...names, 'labels']}`;
}

/** A multiple of the slot, so that every point has the same number of windows. */
function defaultStep({ fromMs, untilMs }: TimeRange): number {
  return Math.max(1, Math.ceil((untilMs - fromMs) / DEFAULT_POINTS / SLOT_MS)) * SLOT_MS;
}
