import { fromBinary } from '@bufbuild/protobuf';
import { type Labels, SERVICE_NAME } from '@bunsen/profile';
import {
  type PushRequest,
  PushRequestSchema,
  type RawProfileSeries,
} from '@bunsen/proto/push/v1/push';
import { BunsenError } from '../../errors.ts';
import type { CumulativeProfiles } from '../cumulative.ts';
import { CUMULATIVE_TYPES } from '../profile-types.ts';
import { type DecodedProfile, UNKNOWN_SERVICE } from './decoded.ts';
import { type ByteBudget, isGzip } from './inflate.ts';
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
  budget: ByteBudget,
  cumulative: CumulativeProfiles,
): DecodedProfile[] {
  return messageOf(bytes).series.flatMap((one, index) => {
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
          units: undefined,
          name: labels.name,
          cumulative: labels.delta ? CUMULATIVE_TYPES : [],
        },
        cumulative,
      );
    });
  });
}

function messageOf(bytes: Uint8Array): PushRequest {
  try {
    return fromBinary(PushRequestSchema, bytes);
  } catch (error) {
    throw new BunsenError('BODY_MALFORMED', `not a PushRequest: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function labelsOf(
  { labels }: RawProfileSeries,
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
