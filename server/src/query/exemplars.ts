import { type Labels, SERVICE_NAME, SLOT_MS } from '@bunsen/profile';
import type { Store } from '../store/store.ts';
import { Turns } from '../turns.ts';
import { type Buckets, bucketOf, bucketParams, labelColumns } from './by-labels.ts';
import type { Observed, Source } from './observations.ts';
import { profileId } from './profile-id.ts';
import { rangeParams, SERIES_DAYS, type Selection } from './selection.ts';

/** One of the profiles that a bucket is made of, or one of the spans. */
export interface Exemplar {
  timeMs: number;
  /** Of what its series has in the slot of that time. */
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
  of: Observed;
  /** Of profiles, or of spans. */
  source: Source;
  buckets: Buckets;
  groupBy: string[];
  /** An expression on a row, of which each result has an exemplar of its own in a bucket. */
  row?: string;
  /** What `row` needs. */
  params?: Record<string, unknown>;
  signal: AbortSignal | undefined;
}

interface ExemplarRow {
  bucket: number;
  groupedBy: string[];
  ofService: string;
  ofSeries: Labels;
  seriesId: string;
  timeMs: number;
  spanId: string;
  traceId: string;
  value: string;
}

/** The largest of each bucket; of those that are equal the latest, and then that of the larger id. */
export async function queryExemplars(
  store: Store,
  { selection, of, source, buckets, groupBy, row = '0', params, signal }: ExemplarsRequest,
): Promise<Exemplars> {
  const { from, time, value } = source;
  const ids = of === 'spans' ? 'seen.span, seen.trace' : `toUInt64(0), ''`;
  // Of each series first: then there are few rows to bring together with their labels.
  const rows = await store.rows<ExemplarRow>(
    `SELECT bucket, named_by AS groupedBy, argMax((service, labels, one, series), (one, series)) AS found,
       found.1 AS ofService, found.2 AS ofSeries, found.3 AS most, toString(found.4) AS seriesId,
       toString(most.1) AS value, toFloat64(most.2) AS timeMs,
       if(most.3 = 0, '', leftPad(lower(hex(most.3)), 16, '0')) AS spanId,
       if(match(most.4, '^0*$'), '', most.4) AS traceId
     FROM (
       SELECT *, ${labelColumns(groupBy)} AS named_by
       FROM (
         SELECT service, type, series, ${bucketOf(time)} AS bucket, ${row} AS row,
           max((toInt128(${value}), ${time}, ${ids})) AS one
         FROM ${from} GROUP BY service, type, series, bucket, row
       ) AS largest
       INNER JOIN (
         SELECT series, any(labels) AS labels FROM series
         WHERE ${selection.keys} AND ${SERIES_DAYS} GROUP BY series
       ) AS named USING series
     )
     GROUP BY bucket, row, named_by
     ORDER BY bucket, row`,
    {
      params: { ...rangeParams(selection), ...bucketParams(buckets, groupBy), ...params },
      signal,
    },
  );
  const keyOf = (labels: string[], bucket: number) => JSON.stringify([bucket, labels]);
  const byKey = new Map<string, Exemplar[]>();
  const turns = new Turns();
  for (const found of rows) {
    if (turns.isOver) await turns.next();
    const key = keyOf(found.groupedBy, found.bucket);
    byKey.set(key, [...(byKey.get(key) ?? []), exemplarOf(found, groupBy)]);
  }
  return (labels, bucket) => {
    const values = groupBy.map((name) => labels[name] ?? '');
    return byKey.get(keyOf(values, bucket)) ?? [];
  };
}

function exemplarOf(row: ExemplarRow, groupBy: string[]): Exemplar {
  const { ofService, ofSeries, seriesId, timeMs, spanId, traceId, value } = row;
  const all: Labels = { ...ofSeries, [SERVICE_NAME]: ofService };
  const slotMs = Math.floor(timeMs / SLOT_MS) * SLOT_MS;
  return {
    timeMs,
    profileId: profileId({ series: BigInt(seriesId), slotMs }),
    spanId,
    traceId,
    value: BigInt(value),
    labels: Object.fromEntries(Object.entries(all).filter(([name]) => !groupBy.includes(name))),
  };
}
