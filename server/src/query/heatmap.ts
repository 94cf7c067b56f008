import type { Labels } from '@bunsen/profile';
import type { Store } from '../store/store.ts';
import { Turns } from '../turns.ts';
import {
  type Buckets,
  bucketOf,
  bucketParams,
  byLabelsSql,
  groupRows,
  type LabelledRow,
  largest,
  rangeOfBuckets,
} from './by-labels.ts';
import { type Exemplar, queryExemplars } from './exemplars.ts';
import { type Observed, profilesSource, spansSource } from './observations.ts';
import { checkSelection, rangeParams, selectionOf } from './selection.ts';
import { warnIfExpired } from './series.ts';

/** Rows of a heatmap: few enough to tell their colours apart. */
const ROWS = 20;

export interface HeatmapRequest {
  query: string;
  of: Observed;
  /** Finds the largest of each cell as well. */
  exemplars: boolean;
  buckets: Buckets;
  groupBy: string[];
  limit: number | undefined;
  signal?: AbortSignal;
}

export interface Heatmap {
  /** The lower edge of each row: equal steps from the smallest value of all series to the largest. */
  rowMins: number[];
  /** By the sum of their values, the largest first. `counts[row]` of each bucket that is not empty. */
  series: {
    labels: Labels;
    buckets: { bucket: number; counts: number[]; exemplars: Exemplar[] }[];
  }[];
  warnings: string[];
}

/** How many profiles have which total over time, or spans, slot by slot. */
export async function queryHeatmap(
  store: Store,
  { query, of, exemplars, buckets, groupBy, limit, signal }: HeatmapRequest,
): Promise<Heatmap> {
  const selection = selectionOf(query, rangeOfBuckets(buckets), true);
  const warnings = await checkSelection(store, selection, { signal });
  if (of === 'spans') warnIfExpired(store, buckets, warnings);
  const source = of === 'spans' ? spansSource(selection) : profilesSource(selection);
  const params = { ...rangeParams(selection), ...bucketParams(buckets, groupBy) };
  const [extremes] = await store.rows<{ least: number; most: number; profiles: number }>(
    `SELECT toFloat64(min(${source.value})) AS least, toFloat64(max(${source.value})) AS most,
       toFloat64(count()) AS profiles
     FROM ${source.from}`,
    { params, signal },
  );
  if (!extremes || extremes.profiles === 0) return { rowMins: [], series: [], warnings };
  const { least, most } = extremes;
  // Profiles that are all alike are in the first row.
  const height = most > least ? (most - least) / ROWS : 1;
  const row = `toUInt32(least(${ROWS - 1}, floor((toFloat64(${source.value}) - {least:Float64}) / {height:Float64})))`;
  const keys = { bucket: bucketOf(source.time), row };
  const rows = await store.rows<LabelledRow & { bucket: number; row: number }>(
    `${byLabelsSql(selection, groupBy, { ...source, keys })} ORDER BY bucket`,
    { params: { ...params, least, height }, signal },
  );
  const exemplarsOf = exemplars
    ? await queryExemplars(store, {
        selection,
        of,
        source,
        buckets,
        groupBy,
        row: keys.row,
        params: { least, height },
        signal,
      })
    : () => [];
  const turns = new Turns();
  const series: (Heatmap['series'][number] & { weight: number })[] = [];
  for (const { labels, rows: cells } of await groupRows(rows, groupBy)) {
    if (turns.isOver) await turns.next();
    const byBucket = new Map<number, number[]>();
    for (const cell of cells) {
      const counts = byBucket.get(cell.bucket) ?? new Array<number>(ROWS).fill(0);
      counts[cell.row] = cell.profiles;
      byBucket.set(cell.bucket, counts);
    }
    series.push({
      labels,
      buckets: Array.from(byBucket, ([bucket, counts]) => ({
        bucket,
        counts,
        exemplars: exemplarsOf(labels, bucket),
      })),
      weight: cells.reduce((sum, { amount }) => sum + amount, 0),
    });
  }
  return {
    rowMins: Array.from({ length: ROWS }, (_, i) => least + i * height),
    series: largest(series, limit, warnings),
    warnings,
  };
}
