import {
  decodePprof,
  formatLabels,
  formatProfileType,
  type Labels,
  type Profile,
  parseProfileType,
} from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import type { CumulativeProfile, CumulativeProfiles } from '../cumulative.ts';
import type { IngestLimits } from '../limits.ts';
import { profileTypesOf, type SampleTypeConfig } from '../profile-types.ts';
import { checkSums } from './check-sums.ts';
import {
  type DecodedProfile,
  isSpan,
  type SpanWords,
  spanOf,
  spansOf,
  withoutSpan,
} from './decoded.ts';
import { LabelSets } from './label-sets.ts';
import { ofSpy } from './spies.ts';

/** What a request says about a pprof that it carries. */
export interface PprofRequest {
  /** Of the application; the string labels of samples are added, and do not replace them. */
  labels: Labels;
  sampleTypeConfig: SampleTypeConfig;
  /** Which of Pyroscope's clients it is of. */
  spyName?: string | undefined;
  /** Used if the profile does not have a time itself. */
  fromMs: number | undefined;
  /** First part of the profile types, if not what the sample types tell. */
  name?: string | undefined;
  /** Sample types whose values are sums since the program started. */
  cumulative?: readonly string[];
  /** The profile before, as the client has it: a pprof, inflated. The server's is asked for otherwise. */
  previous?: Uint8Array | undefined;
}

/** A pprof whose samples carry all labels of their series. */
export function decodeLabelledPprof(bytes: Uint8Array, limits: IngestLimits): DecodedProfile {
  const { profile, timeMs } = decode(bytes, limits);
  return { ...toSeries(profile, {}), types: profileTypesOf(profile), timeMs };
}

function decode(
  bytes: Uint8Array,
  limits: IngestLimits,
): { profile: Profile; timeMs: number | undefined } {
  const profile = decodePprof(bytes, limits);
  checkSums(profile.sampleValues, profile.sampleTypes.length, 1, 'PPROF_LIMIT');
  const timeMs = profile.timeNs !== 0n ? Number(profile.timeNs / 1_000_000n) : undefined;
  return { profile, timeMs };
}

/** A pprof of one application, whoever produced it. */
export function decodeApplicationPprof(
  bytes: Uint8Array,
  request: PprofRequest,
  limits: IngestLimits,
  cumulative: CumulativeProfiles,
): DecodedProfile {
  const { sampleTypeConfig, name, spyName, cumulative: cumulativeTypes = [] } = request;
  const sent = decode(bytes, limits);
  const { timeMs } = sent;
  const columns = sent.profile.sampleTypes.flatMap(({ type }, column) =>
    cumulativeTypes.includes(type) ? column : [],
  );
  const profile = ofSpy(sent.profile, spyName, sampleTypeConfig);
  // Some clients write microseconds there, which lie in 1970: then the request's time counts.
  const ownMs = timeMs !== undefined && timeMs < YEAR_MS ? undefined : timeMs;
  const types = profileTypesOf(profile, sampleTypeConfig);
  const decoded: DecodedProfile = {
    ...toSeries(profile, request.labels),
    types: name === undefined ? types : types.map((type) => renamed(type, name)),
    timeMs: ownMs ?? request.fromMs,
  };
  const decodeOther = (other: Uint8Array) => {
    const before = ofSpy(decode(other, limits).profile, spyName, sampleTypeConfig);
    return toSeries(before, request.labels).profile;
  };
  const one = {
    profile: decoded.profile,
    timeMs: decoded.timeMs ?? cumulative.nowMs,
    pprof: bytes,
    columns,
  };
  const series = [formatLabels(request.labels), ...decoded.types].join('\0');
  return { ...decoded, profile: added(series, one, request.previous, cumulative, decodeOther) };
}

/** The profile with what its cumulative sample types had more than the profile before, if it has any. */
function added(
  series: string,
  one: CumulativeProfile,
  previous: Uint8Array | undefined,
  cumulative: CumulativeProfiles,
  decodeOther: (pprof: Uint8Array) => Profile,
): Profile {
  const { profile, columns } = one;
  if (previous) {
    if (columns.length > 0) return cumulative.differenceTo(decodeOther(previous), one);
    throw new BunsenError(
      'PARAMETER_CONTRADICTION',
      `there is a profile before this one (prev_profile), but none of its sample types ${profile.sampleTypes.map(({ type }) => type).join(', ')} is cumulative: say so in sample_type_config`,
    );
  }
  if (columns.length === 0) return profile;
  return cumulative.next(series, one, decodeOther);
}

function renamed(type: string, name: string): string {
  return formatProfileType({ ...parseProfileType(type), name });
}

/**
 * Takes the spans out of the labels: sets that only differ in them, or in a label that the request
 * says instead, become one series.
 */
function toSeries(profile: Profile, ofRequest: Labels): Pick<DecodedProfile, 'profile' | 'spans'> {
  const { sampleLabels, labelSets: own } = profile;
  const labelSets = new LabelSets();
  const setOf = own.map((labels) => labelSets.idOf({ ...withoutSpan(labels), ...ofRequest }));
  const spanOfSet = own.map(spanOf);
  const spans = spanOfSet.some(isSpan)
    ? spansOf(Array.from(sampleLabels, (set) => spanOfSet[set] as SpanWords))
    : undefined;
  const series = sampleLabels.map((set) => setOf[set] as number);
  return { profile: { ...profile, sampleLabels: series, labelSets: labelSets.sets }, spans };
}

const YEAR_MS = 365 * 86_400_000;
