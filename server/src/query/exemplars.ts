import { type Labels, SERVICE_NAME } from '@bunsen/profile';
import type { Store } from '../store/store.ts';
import { type Buckets, bucketOf, bucketParams, labelColumns } from './by-labels.ts';
import { bySlotSql, type Observed } from './observations.ts';
import { profileId } from './profile-id.ts';
import { rangeParams, SERIES_DAYS, type Selection } from './selection.ts';

/** One of the profiles that a bucket is made of, or one of the spans. */
export interface Exemplar {
  /** When the newest profile of its slot was taken. */
  timeMs: number;
  profileId: string;
  /** 16 hexadecimal digits; empty for a profile. */
  spanId: string;
  /** 32 hexadecimal digits; empty if it is not known. */
  traceId: string;
  value: bigint;
  /** Of its series, but those that are grouped by. */
  labels: Labels;
}

/** Those of a bucket, of the series with these labels. */
export type Exemplars = (labels: Labels, bucket: number) => Exemplar[];

export interface ExemplarsRequest {
  selection: Selection;
  buckets: Buckets;
  groupBy: string[];
  of: Observed;
  /** An expression on the value `v`, of which each result has an exemplar of its own in a bucket. */
  row?: string;
  /** What `row` needs. */
  params?: Record<string, unknown>;
  signal: AbortSignal | undefined;
}

interface ExemplarRow {
  bucket: number;
  labels: string[];
  ofService: string;
  ofSeries: Labels;
  seriesId: string;
  slotMs: number;
  timeMs: number;
  spanId: string;
  traceId: string;
  value: string;
}

/** The largest of each bucket; of equal ones the newest. */
export async function queryExemplars(
  store: Store,
  { selection, buckets, groupBy, of, row = '0', params, signal }: ExemplarsRequest,
): Promise<Exemplars> {
  // Series and slots come in the order of the table, so that not all of them are in memory.
  const rows = await store.rows<ExemplarRow>(
    `SELECT bucket, named_by AS labels, argMax((service, of_series, series), best) AS found, max(best) AS most,
       found.1 AS ofService, found.2 AS ofSeries, toString(found.3) AS seriesId,
       toString(most.1) AS value, toFloat64(most.2) AS timeMs, toFloat64(most.3) AS slotMs,
       if(most.4 = 0, '', leftPad(lower(hex(most.4)), 16, '0')) AS spanId,
       if(match(most.6, '^0*$'), '', most.6) AS traceId
     FROM (
       SELECT service, type, series, bucket, row, best, labels AS of_series,
         ${labelColumns(groupBy)} AS named_by
       FROM (
         SELECT service, type, series, ${bucketOf('at')} AS bucket, ${row} AS row,
           max((v, at, slot_ms, span, series, trace)) AS best
         FROM (${bySlotSql(selection, of)})
         GROUP BY service, type, series, bucket, row
       ) AS found
       INNER JOIN (
         SELECT series, any(labels) AS labels FROM series
         WHERE ${selection.keys} AND ${SERIES_DAYS} GROUP BY series
       ) AS named USING series
     )
     GROUP BY bucket, row, named_by
     ORDER BY bucket, row
     SETTINGS optimize_aggregation_in_order = 1`,
    {
      params: { ...rangeParams(selection), ...bucketParams(buckets, groupBy), ...params },
      signal,
    },
  );
  const keyOf = (labels: string[], bucket: number) => JSON.stringify([bucket, labels]);
  const byKey = new Map<string, Exemplar[]>();
  for (const found of rows) {
    const key = keyOf(found.labels, found.bucket);
    byKey.set(key, [...(byKey.get(key) ?? []), exemplarOf(found, groupBy)]);
  }
  return (labels, bucket) =>
    byKey.get(
      keyOf(
        groupBy.map((name) => labels[name] ?? ''),
        bucket,
      ),
    ) ?? [];
}

function exemplarOf(row: ExemplarRow, groupBy: string[]): Exemplar {
  const { ofService, ofSeries, seriesId, slotMs, timeMs, spanId, traceId, value } = row;
  const all: Labels = { ...ofSeries, [SERVICE_NAME]: ofService };
  return {
    timeMs,
    profileId: profileId({ series: BigInt(seriesId), slotMs }),
    spanId,
    traceId,
    value: BigInt(value),
    labels: Object.fromEntries(Object.entries(all).filter(([name]) => !groupBy.includes(name))),
  };
}
