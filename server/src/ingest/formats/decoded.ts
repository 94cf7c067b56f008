import type { Labels, Profile } from '@bunsen/profile';

/** A profile as a format's decoder returns it. A body may hold several. */
export interface DecodedProfile {
  profile: Profile;
  /** Profile type of each sample type. */
  types: string[];
  /** Milliseconds since 1970; undefined if nobody said. */
  timeMs: number | undefined;
  /** {@link SpanWords} of each sample, one after the other. Undefined if all of them are 0. */
  spans?: BigUint64Array | undefined;
}

/** Labels that would make a series of every request. They tell single samples apart, not series. */
export const SPAN_LABELS: ReadonlySet<string> = new Set(['span_id', 'profile_id', 'trace_id']);

/** A span, and the trace that it is of in two halves, the high one first; 0 = none. */
export type SpanWords = readonly [span: bigint, traceHigh: bigint, traceLow: bigint];

export const NO_SPAN: SpanWords = [0n, 0n, 0n];

/** What a sample's labels name, a span by 16 hexadecimal digits and a trace by 32. */
export function spanOf({ span_id, profile_id, trace_id }: Labels): SpanWords {
  if (span_id === undefined && profile_id === undefined && trace_id === undefined) return NO_SPAN;
  const ids = [span_id, profile_id].map((id) => wordsOf(id, 1)[0] ?? 0n);
  const [high = 0n, low = 0n] = wordsOf(trace_id, 2);
  return [ids.find((id) => id !== 0n) ?? 0n, high, low];
}

/** Numbers of 16 digits each; none if it is not of so many. */
function wordsOf(id: string | undefined, words: number): bigint[] {
  if (id?.length !== words * 16 || !/^[0-9A-Fa-f]*$/.test(id)) return [];
  return Array.from({ length: words }, (_, i) => BigInt(`0x${id.slice(i * 16, (i + 1) * 16)}`));
}

export function isSpan(words: SpanWords): boolean {
  return words.some((word) => word !== 0n);
}

/** In one array; undefined if there is no span and no trace, which is most often so. */
export function spansOf(samples: SpanWords[]): BigUint64Array | undefined {
  if (!samples.some(isSpan)) return undefined;
  const all = new BigUint64Array(samples.length * NO_SPAN.length);
  samples.forEach((words, sample) => {
    all.set(words, sample * NO_SPAN.length);
  });
  return all;
}

/** @returns labels of a series */
export function withoutSpan(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !SPAN_LABELS.has(name)));
}

/** The service of profiles that are of none, by Pyroscope's and OpenTelemetry's convention. */
export const UNKNOWN_SERVICE = 'unknown_service';
