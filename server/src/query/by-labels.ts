import type { Labels } from '@bunsen/profile';
import type { TimeRange } from '../time.ts';
import { Turns } from '../turns.ts';
import type { Source } from './observations.ts';
import { keyColumn, SERIES_DAYS, type Selection } from './selection.ts';

/** Series of an answer: more than anyone can look at. The largest are given. */
export const MAX_SERIES = 1_000;

/** Buckets of time: the i-th is [fromMs + i * stepMs, + stepMs). */
export interface Buckets {
  fromMs: number;
  stepMs: number;
  points: number;
}

export function rangeOfBuckets({ fromMs, stepMs, points }: Buckets): TimeRange {
  return { fromMs, untilMs: fromMs + stepMs * points };
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
  const columns = labelColumns(groupBy);
  if (groupBy.every((name) => keyColumn(name) !== undefined)) {
    return `SELECT ${[...named, '']}${columns} AS labels,
        toFloat64(sum(toInt128(${value}))) AS amount, toFloat64(count()) AS profiles
      FROM ${from} GROUP BY ${[...names, 'labels']}`;
  }
  return `SELECT ${[...names, '']}${columns} AS labels,
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

/** The values of labels, of a row with `service`, `type` and `labels`. Needs {@link bucketParams}. */
export function labelColumns(groupBy: string[]): string {
  const columns = groupBy.map((name, i) => keyColumn(name) ?? `labels[{group${i}:String}]`);
  return `CAST([${columns.map((column) => `toString(${column})`)}], 'Array(String)')`;
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

/** In turns with all else, as there may be a million rows. */
export async function groupRows<Row extends LabelledRow>(
  rows: Row[],
  groupBy: string[],
): Promise<Group<Row>[]> {
  const turns = new Turns();
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
    if (turns.isOver) await turns.next();
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
