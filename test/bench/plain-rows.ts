import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

/** What one would write first: a table in the order of time, a row per sample, no rollups. */
export const PLAIN_TABLE = `CREATE TABLE IF NOT EXISTS plain (
  service LowCardinality(String), type LowCardinality(String), ts DateTime64(3),
  labels Map(LowCardinality(String), String), stack UInt64, value Int64
) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (service, type, ts)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`;

export interface PlainRow {
  service: string;
  type: string;
  ts: number;
  labels: Record<string, string>;
  /** Decimal. Its frames are not written, which spares this way the greater part of its work. */
  stack: string;
  value: string;
}

/** A gzipped pprof by way of pprof-format, an object per sample. */
export function plainRowsOf(body: Buffer): PlainRow[] {
  const profile = Profile.decode(gunzipSync(body));
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] as string;
  const functions = new Map(profile.function.map((fn) => [fn.id, text(fn.name)]));
  const locations = new Map(
    profile.location.map(({ id, line }) => [
      id,
      line.map(({ functionId }) => functions.get(functionId)).join(';'),
    ]),
  );
  const ts = Number(profile.timeNanos) / 1e6;
  return profile.sample.map((sample) => {
    const labels = Object.fromEntries(sample.label.map(({ key, str }) => [text(key), text(str)]));
    const stack = sample.locationId.map((id) => locations.get(id)).join(';');
    return {
      service: labels['service_name'] as string,
      type: 'process_cpu',
      ts: Math.round(ts),
      labels,
      stack: String(createHash('sha1').update(stack).digest().readBigUInt64LE()),
      value: String(sample.value[0]),
    };
  });
}
