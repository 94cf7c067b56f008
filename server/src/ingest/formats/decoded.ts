import type { Labels, Profile } from '@bunsen/profile';

/** A profile as a format's decoder returns it. A body may hold several. */
export interface DecodedProfile {
  profile: Profile;
  /** Profile type of each sample type. */
  types: string[];
  /** Milliseconds since 1970; undefined if nobody said. */
  timeMs: number | undefined;
  /** Per sample: the span of a trace that it was taken in; 0 = none. Undefined if none has one. */
  spans?: BigUint64Array | undefined;
}

/** Labels that would make a series of every request. They tell single samples apart, not series. */
export const SPAN_LABELS: ReadonlySet<string> = new Set(['span_id', 'profile_id', 'trace_id']);

/** The span that a sample's labels name, by 16 hexadecimal digits; 0 if they name none. */
export function spanOf({ span_id, profile_id }: Labels): bigint {
  const id = [span_id, profile_id].find((id) => id !== undefined && /^[0-9A-Fa-f]{16}$/.test(id));
  return id === undefined ? 0n : BigInt(`0x${id}`);
}

/** @returns labels of a series */
export function withoutSpan(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !SPAN_LABELS.has(name)));
}

/** The service of profiles that are of none, by Pyroscope's and OpenTelemetry's convention. */
export const UNKNOWN_SERVICE = 'unknown_service';
