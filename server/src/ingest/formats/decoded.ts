import type { Profile } from '@bunsen/profile';

/** A profile as a format's decoder returns it. A body may hold several. */
export interface DecodedProfile {
  profile: Profile;
  /** Profile type of each sample type. */
  types: string[];
  /** Milliseconds since 1970; undefined if nobody said. */
  timeMs: number | undefined;
}

/** Labels that would make a series of every request. They tell single samples apart, not series. */
export const SPAN_LABELS: ReadonlySet<string> = new Set(['span_id', 'profile_id', 'trace_id']);

/** The service of profiles that are of none, by Pyroscope's and OpenTelemetry's convention. */
export const UNKNOWN_SERVICE = 'unknown_service';
