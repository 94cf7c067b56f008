import {
  formatProfileType,
  formatSelector,
  type Labels,
  parseProfileType,
  SERVICE_NAME,
} from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import { mergeParams } from '../merge-plan.ts';
import { checkSelection, SERIES_DAYS, type Selection, selectionOf } from '../selection.ts';
import { FUNCTION_LABELS, functionMatchers, functionSource } from './function-source.ts';
import { isByService, type PointsRequest, type Sources } from './row-source.ts';
import { totalsSource } from './totals-source.ts';
import type { LabelledPoints } from './values.ts';
import { overWindows, type SparseSeries } from './windows.ts';

/** Rows that an answer of the store may have, and points that are made of them. */
export const MAX_POINTS = 1_000_000;

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
  sources: Sources,
  request: PointsRequest,
): Promise<{ series: LabelledPoints[]; warnings: string[] }> {
  const { store, signal } = sources;
  const { profileType, matchers, statistic } = request;
  const functions = functionMatchers(matchers);
  const { buckets, names, ...source } = functions
    ? functionSource(sources, request, functions)
    : totalsSource(request);
  const range = {
    fromMs: Math.max(0, buckets.originMs),
    untilMs: buckets.originMs + (buckets.end.at(-1) as number) * buckets.widthMs,
  };
  const ofSeries = matchers.filter(({ name }) => !FUNCTION_LABELS.includes(name));
  const selection = selectionOf(formatSelector({ profileType, matchers: ofSeries }), range, true);
  selection.regexes.push(...source.regexes);
  const warnings = await checkSelection(store, selection, { signal });
  const keyed = keyedSql(source.rowsSql(selection), selection, names);
  const found = await store.rows<FoundSeries>(seriesSql(keyed, source.functionKey), {
    params: {
      ...mergeParams(selection),
      ...source.params,
      ...Object.fromEntries((names ?? []).map((name, i) => [`label${i}`, name])),
    },
    signal,
  });
  checkSize(request, found);
  const series = found.map((each) => ({
    labels: labelsOf(each),
    ...overWindows(sparseOf(each), buckets, statistic),
  }));
  return {
    series: series.filter(({ present }) => present.includes(1)),
    warnings: [...warnings, ...source.warnings],
  };
}

function checkSize({ profileType, grid }: PointsRequest, found: FoundSeries[]): void {
  const rows = found.reduce((sum, { points }) => sum + points.length, 0);
  const points = Math.max(rows, found.length * grid.points);
  if (points <= MAX_POINTS) return;
  throw new BunsenError(
    'QUERY_MEMORY_LIMIT',
    `${profileType}: ${found.length} series make ${points} points or more, and at most ${MAX_POINTS} are allowed: match fewer series, put sum by (…) right around rate(…), or take a longer step`,
  );
}

/** The same rows with `key`: these labels of the series that they belong to, or all, as JSON. */
function keyedSql(rows: string, selection: Selection, names: string[] | undefined): string {
  if (names && isByService(names)) {
    const key =
      names.length === 0 ? `'{}'` : `toJSONString(map('${SERVICE_NAME}', toString(service)))`;
    return `SELECT *, ${key} AS key FROM (${rows})`;
  }
  const service = `map('${SERVICE_NAME}', toString(service))`;
  const pairs = names?.map((name, i) => {
    const param = `{label${i}:String}`;
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

interface FoundSeries {
  /** Labels as JSON; empty ones are none. */
  key: string;
  /** Name and module of a function, if series are told apart by them. */
  function: string;
  /** (bucket, value, profiles), by bucket. */
  points: [number, number, number][];
}

/** SELECT of {@link FoundSeries}. */
function seriesSql(keyed: string, functionKey: string): string {
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
