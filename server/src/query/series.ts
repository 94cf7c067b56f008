import {
  type Labels,
  parseProfileType,
  SERVICE_NAME,
  type SeriesResponse,
  SLOT_MS,
} from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import {
  checkSelection,
  PROFILE_TIMES,
  rangeParams,
  SERIES_DAYS,
  type Selection,
  selectionOf,
  seriesIn,
} from './selection.ts';

/** Points that a series has at most, and has when no step is asked for. */
const MAX_POINTS = 11_000;
const DEFAULT_POINTS = 1_500;
/** Series of an answer: more than anyone can look at. The largest are given. */
const MAX_SERIES = 1_000;

export interface SeriesRequest {
  query: string;
  range: TimeRange;
  /** Width of a point; undefined = as fits. */
  stepMs: number | undefined;
  /** Labels that make a series of their own each; none = one series. */
  groupBy: string[];
  signal?: AbortSignal;
}

/**
 * Sums over time, from the totals of profiles. The range is widened to whole steps, which begin at
 * multiples of the step: so a chart of `now-1h` does not jitter as it moves.
 */
export async function querySeries(
  store: Store,
  { query, range, stepMs, groupBy, signal }: SeriesRequest,
): Promise<SeriesResponse> {
  const step = stepMs ?? defaultStep(range);
  const fromMs = Math.floor(range.fromMs / step) * step;
  const untilMs = Math.ceil(range.untilMs / step) * step;
  const points = (untilMs - fromMs) / step;
  if (points > MAX_POINTS) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `stepMs=${step} makes ${points} points; at most ${MAX_POINTS} are allowed: take a longer step, or leave it out`,
    );
  }
  const selection = selectionOf(query, { fromMs, untilMs }, true);
  const [warnings, rows] = await Promise.all([
    checkSelection(store, selection, { signal }),
    store.rows<{ bucket: number; labels: string[]; total: number }>(seriesSql(selection, groupBy), {
      params: {
        ...rangeParams(selection),
        step,
        ...Object.fromEntries(groupBy.map((name, i) => [`group${i}`, name])),
      },
      signal,
    }),
  ]);
  const groups = new Map<string, { labels: Labels; values: (number | null)[]; sum: number }>();
  for (const row of rows) {
    const key = JSON.stringify(row.labels);
    let group = groups.get(key);
    if (!group) {
      const labels: Labels = {};
      groupBy.forEach((name, i) => {
        labels[name] = row.labels[i] as string;
      });
      group = { labels, values: new Array<null>(points).fill(null), sum: 0 };
      groups.set(key, group);
    }
    group.values[row.bucket] = row.total;
    group.sum += row.total;
  }
  const sorted = [...groups].sort(
    ([keyA, a], [keyB, b]) => b.sum - a.sum || (keyA < keyB ? -1 : 1),
  );
  if (sorted.length > MAX_SERIES) {
    warnings.push(
      `${sorted.length} series match; these are the largest ${MAX_SERIES}: group by fewer labels, or match fewer series`,
    );
  }
  return {
    unit: parseProfileType(selection.profileType).sampleUnit,
    fromMs,
    untilMs,
    stepMs: step,
    series: sorted.slice(0, MAX_SERIES).map(([, { labels, values }]) => ({ labels, values })),
    warnings,
  };
}

function seriesSql(selection: Selection, groupBy: string[]): string {
  const bucket = 'intDiv(toUnixTimestamp64Milli(ts) - {fromMs:Int64}, {step:Int64})';
  const rows = `FROM profiles WHERE ${selection.keys}
    AND ${PROFILE_TIMES} ${seriesIn(selection)}`;
  const columns = groupBy.map((name, i) =>
    name === SERVICE_NAME ? 'service' : `labels[{group${i}:String}]`,
  );
  if (columns.every((column) => column === 'service')) {
    return `SELECT toUInt32(${bucket}) AS bucket, CAST([${columns}], 'Array(String)') AS labels, toFloat64(sum(toInt128(total))) AS total
      ${rows} GROUP BY bucket, labels`;
  }
  return `SELECT bucket, [${columns.map((column) => `toString(${column})`)}] AS labels, toFloat64(sum(total)) AS total
    FROM (SELECT series, service, toUInt32(${bucket}) AS bucket, sum(toInt128(total)) AS total ${rows} GROUP BY series, service, bucket) AS sums
    INNER JOIN (
      SELECT series, any(labels) AS labels FROM series
      WHERE ${selection.keys} AND ${SERIES_DAYS} GROUP BY series
    ) AS named USING series
    GROUP BY bucket, labels`;
}

/** A multiple of the slot, so that every point has the same number of windows. */
function defaultStep({ fromMs, untilMs }: TimeRange): number {
  return Math.max(1, Math.ceil((untilMs - fromMs) / DEFAULT_POINTS / SLOT_MS)) * SLOT_MS;
}
