import { decodePprof, type Labels, type Profile } from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
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

/** What a request says about a pprof that it carries. */
export interface PprofRequest {
  /** Of the application; the string labels of samples are added, and do not replace them. */
  labels: Labels;
  sampleTypeConfig: SampleTypeConfig;
  /** Used if the profile does not have a time itself. */
  fromMs: number | undefined;
  units: string | undefined;
}

/** A pprof whose samples carry all labels of their series. */
export function decodeLabelledPprof(bytes: Uint8Array): DecodedProfile {
  const { profile, timeMs } = decode(bytes);
  return { ...toSeries(profile, {}), types: profileTypesOf(profile), timeMs };
}

function decode(bytes: Uint8Array): { profile: Profile; timeMs: number | undefined } {
  const profile = decodePprof(bytes);
  checkSums(profile.sampleValues, profile.sampleTypes.length, 1, 'PPROF_LIMIT');
  const timeMs = profile.timeNs !== 0n ? Number(profile.timeNs / 1_000_000n) : undefined;
  return { profile, timeMs };
}

/** A pprof of one application, whoever produced it. */
export function decodeApplicationPprof(bytes: Uint8Array, request: PprofRequest): DecodedProfile {
  const { units, sampleTypeConfig } = request;
  const { profile, timeMs } = decode(bytes);
  if (
    units !== undefined &&
    units !== 'samples' &&
    !profile.sampleTypes.some(({ unit }) => unit === units)
  ) {
    throw new BunsenError(
      'PARAMETER_CONTRADICTION',
      `units=${units}, but the profile's sample types are in ${profile.sampleTypes.map(({ unit }) => unit).join(', ')}: leave the parameter out, the profile says it itself`,
    );
  }
  for (const [type, config] of Object.entries(sampleTypeConfig)) {
    if (config.cumulative === true && profile.sampleTypes.some((has) => has.type === type)) {
      throw new BunsenError(
        'FORMAT_UNSUPPORTED',
        `sample_type_config: ${type} is cumulative; only profiles of a period (deltas) can be stored`,
      );
    }
  }
  // Some clients write microseconds there, which lie in 1970: then the request's time counts.
  const ownMs = timeMs !== undefined && timeMs < YEAR_MS ? undefined : timeMs;
  return {
    ...toSeries(profile, request.labels),
    types: profileTypesOf(profile, sampleTypeConfig),
    timeMs: ownMs ?? request.fromMs,
  };
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
