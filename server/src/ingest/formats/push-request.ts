import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type Labels, SERVICE_NAME } from '@bunsen/profile';
import { PushRequestSchema } from '@bunsen/proto/push/v1/push';
import { BunsenError } from '../../errors.ts';
import type { CumulativeProfiles } from '../cumulative.ts';
import { type IngestLimits, tooMany } from '../limits.ts';
import { CUMULATIVE_TYPES } from '../profile-types.ts';
import { type DecodedProfile, UNKNOWN_SERVICE } from './decoded.ts';
import { type ByteBudget, isGzip } from './inflate.ts';
import { parseJson } from './json.ts';
import { decodeApplicationPprof } from './pprof.ts';

/** What Pyroscope's clients put in for their own use. */
const INTERNAL_LABELS = new Set(['__name__', '__delta__', '__session_id__']);
const PROFILE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;

/**
 * Decodes a `push.v1.PushRequest`: pprofs with the labels of their series. `__name__` is the first
 * part of the profile type; a series without `service_name` is of `unknown_service`. With
 * `__delta__="true"` the difference to the profile before is taken here; otherwise values are as sent.
 */
export function decodePushRequest(
  bytes: Uint8Array,
  encoding: 'protobuf' | 'json',
  given: { budget: ByteBudget; limits: IngestLimits; cumulative: CumulativeProfiles },
): DecodedProfile[] {
  const { budget, limits, cumulative } = given;
  return seriesOf(bytes, encoding, limits).flatMap((one, index) => {
    const labels = labelsOf(one, index);
    return one.samples.map(({ rawProfile }, sample) => {
      if (rawProfile.length === 0) {
        throw new BunsenError(
          'BODY_EMPTY',
          `series[${index}].samples[${sample}].raw_profile is empty: it must be a pprof`,
        );
      }
      const gzipped = isGzip(rawProfile);
      const pprof = gzipped ? budget.gunzip(rawProfile) : rawProfile;
      if (gzipped) budget.take(pprof.length); // what is not is part of the body
      return decodeApplicationPprof(
        pprof,
        {
          labels: labels.series,
          sampleTypeConfig: {},
          fromMs: undefined,
          name: labels.name,
          cumulative: labels.delta ? CUMULATIVE_TYPES : [],
        },
        limits,
        cumulative,
      );
    });
  });
}

interface Series {
  labels: { name: string; value: string }[];
  samples: { rawProfile: Uint8Array }[];
}

function seriesOf(
  bytes: Uint8Array,
  encoding: 'protobuf' | 'json',
  limits: IngestLimits,
): Series[] {
  try {
    if (encoding === 'protobuf') return readSeries(bytes, limits);
    const json = parseJson(bytes, limits) as JsonValue;
    return fromJson(PushRequestSchema, json, { ignoreUnknownFields: true }).series;
  } catch (error) {
    if (error instanceof BunsenError) throw error;
    throw new BunsenError(
      'BODY_MALFORMED',
      `the message cannot be read: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Reads a message without an object for each thing that it does not have: two bytes are a series that
 * is empty, and a body of some megabytes would be millions of them.
 */
function readSeries(bytes: Uint8Array, limits: IngestLimits): Series[] {
  const all: Series[] = [];
  let profiles = 0;
  forEachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    const one: Series = { labels: [], samples: [] };
    if (all.push(one) > limits.series) throw tooMany('more', 'series', limits, 'series');
    forEachField(reader.bytes(), (field, reader) => {
      if (field === 1) {
        const label = { name: '', value: '' };
        if (one.labels.push(label) > limits.sentLabels) {
          throw tooMany('more', `labels on series[${all.length - 1}]`, limits, 'sentLabels');
        }
        forEachField(reader.bytes(), (field, reader) => {
          if (field === 1) label.name = reader.string();
          else if (field === 2) label.value = reader.string();
          else return false;
          return true;
        });
      } else if (field === 2) {
        if (++profiles > limits.series) throw tooMany('more', 'profiles', limits, 'series');
        const sample = { rawProfile: new Uint8Array(0) };
        one.samples.push(sample);
        forEachField(reader.bytes(), (field, reader) => {
          if (field !== 1) return false;
          sample.rawProfile = reader.bytes() as Uint8Array<ArrayBuffer>;
          return true;
        });
      } else return false;
      return true;
    });
    return true;
  });
  return all;
}

/** @param read reads a field of bytes, or leaves it to be skipped, as others are */
function forEachField(
  bytes: Uint8Array,
  read: (field: number, reader: BinaryReader) => boolean,
): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const isRead = wireType === WireType.LengthDelimited && read(field, reader);
    if (!isRead) reader.skip(wireType, field);
  }
}

function labelsOf(
  { labels }: Series,
  index: number,
): { series: Labels; name: string | undefined; delta: boolean } {
  const series = new Map<string, string>();
  const internal = new Map<string, string>();
  const fail = (what: string): never => {
    throw new BunsenError('LABEL_MALFORMED', `series[${index}].labels: ${what}`);
  };
  for (const { name, value } of labels) {
    if (internal.has(name) || series.has(name)) {
      fail(`${JSON.stringify(name.slice(0, 80))} is there twice`);
    }
    if (INTERNAL_LABELS.has(name)) internal.set(name, value);
    else if (name.startsWith('__')) {
      fail(
        `labels that begin with __ are reserved, and ${name.slice(0, 80)} is none of ${[...INTERNAL_LABELS].join(', ')}`,
      );
    } else series.set(name, value);
  }
  const delta = internal.get('__delta__') ?? 'false';
  if (delta !== 'true' && delta !== 'false') {
    fail(`__delta__ ${JSON.stringify(delta.slice(0, 80))} is neither true nor false`);
  }
  const name = internal.get('__name__');
  if (name !== undefined && !PROFILE_NAME.test(name)) {
    fail(`__name__ ${JSON.stringify(name.slice(0, 80))} is not of [A-Za-z_][A-Za-z0-9_]*`);
  }
  return {
    series: { [SERVICE_NAME]: UNKNOWN_SERVICE, ...Object.fromEntries(series) },
    name,
    delta: delta === 'true',
  };
}
