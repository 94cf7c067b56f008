import { gunzipSync, gzipSync } from 'node:zlib';
import type { Profile } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { differenceOf } from './formats/difference.ts';
import type { IngestLimits } from './limits.ts';

/** Why a cumulative profile was not counted, but only kept for the next one. */
export const DROP_REASONS = {
  no_previous:
    'the profile before is not known: it is the first one since this server started, or there was no room for that one (BUNSEN_CUMULATIVE_BYTES)',
  reset: 'some of its values are less than before: the program was started again',
  late: 'it is older than the profile before',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

/** The last profile of a series. */
export interface LastProfile {
  timeMs: number;
  /** Gzipped. */
  pprof: Uint8Array;
}

/** By series; undefined where none is known. */
export type LastProfiles = ReadonlyMap<string, LastProfile | undefined>;

/** A profile whose values are sums since its program started, or some of them are. */
export interface CumulativeProfile {
  profile: Profile;
  timeMs: number;
  /** As it came, inflated. */
  pprof: Uint8Array;
  /** Sample types that are such sums. */
  columns: number[];
}

/** What came of the cumulative profiles of a request. */
export interface CumulativeOutcome {
  /** Series that the profiles before are needed of: without them nothing came of the request. */
  unknown: Set<string>;
  /** To be known once the request is stored. */
  last: Map<string, LastProfile>;
  dropped: DropReason[];
  /** Stacks whose value was less than in the profile that was sent along as the one before. */
  clampedStacks: number;
}

/**
 * Makes of cumulative profiles what was added since the profile before of the same series: what a
 * request holds is compared in its order, and its first with what the server knows.
 */
export class CumulativeProfiles {
  readonly outcome: CumulativeOutcome = {
    unknown: new Set(),
    last: new Map(),
    dropped: [],
    clampedStacks: 0,
  };
  readonly nowMs: number;
  readonly #known: LastProfiles;
  readonly #limits: IngestLimits;

  constructor(limits: IngestLimits, nowMs: number, known: LastProfiles = new Map()) {
    this.#limits = limits;
    this.#known = known;
    this.nowMs = nowMs;
  }

  /** @param before the profile that the client says was before */
  differenceTo(before: Profile, { profile, columns }: CumulativeProfile): Profile {
    const difference = differenceOf(profile, before, matched(columns, profile, before));
    this.outcome.clampedStacks += difference.decreased;
    return difference.profile;
  }

  /**
   * The difference to the series' profile before. Where there is none to be had its cumulative values
   * are 0, which counts as nothing.
   * @param decode the profile of what is kept of one
   * @throws BunsenError `FORMAT_UNSUPPORTED` if the server keeps no profiles
   */
  next(series: string, one: CumulativeProfile, decode: (pprof: Uint8Array) => Profile): Profile {
    const { profile, columns, timeMs } = one;
    const types = columns.map((column) => profile.sampleTypes[column]?.type).join(', ');
    if (this.#limits.cumulativeBytes === 0) {
      throw new BunsenError(
        'FORMAT_UNSUPPORTED',
        `${types} are sums since the program started, and this server keeps no profile to take the difference to, as other servers may get some of them: send differences, or the profile before as prev_profile of /ingest, or set BUNSEN_CUMULATIVE_BYTES if this server gets all of them`,
      );
    }
    const { last, unknown } = this.outcome;
    const before = last.get(series) ?? this.#known.get(series);
    if (!before && !this.#known.has(series)) {
      unknown.add(series);
      return profile;
    }
    const drop = (reason: DropReason): Profile => {
      this.outcome.dropped.push(reason);
      const same = columns.map((column) => ({ column, columnBefore: column }));
      return differenceOf(profile, profile, same).profile;
    };
    if (before && timeMs < before.timeMs) return drop('late');
    last.set(series, { timeMs, pprof: gzipSync(one.pprof, { level: 1 }) });
    if (!before) return drop('no_previous');
    const inflated = gunzipSync(before.pprof, { maxOutputLength: this.#limits.profileBytes });
    const old = decode(inflated);
    const difference = differenceOf(profile, old, matched(columns, profile, old));
    return difference.decreased > 0 ? drop('reset') : difference.profile;
  }
}

/** @throws BunsenError `PARAMETER_CONTRADICTION` */
function matched(columns: number[], profile: Profile, before: Profile) {
  return columns.map((column) => {
    const { type, unit } = profile.sampleTypes[column] as Profile['sampleTypes'][number];
    const columnBefore = before.sampleTypes.findIndex(
      (other) => other.type === type && other.unit === unit,
    );
    if (columnBefore >= 0) return { column, columnBefore };
    throw new BunsenError(
      'PARAMETER_CONTRADICTION',
      `${type} in ${unit} is cumulative, and the profile before has no such sample type`,
    );
  });
}
