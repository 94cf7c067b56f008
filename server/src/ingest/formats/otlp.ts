import { fromBinary, fromJson, type JsonValue } from '@bufbuild/protobuf';
import {
  formatFrame,
  formatProfileType,
  type Labels,
  MAX_HASHED_LENGTH,
  type ProfileType,
  SERVICE_NAME,
  StackColumnsBuilder,
} from '@bunsen/profile';
import * as v1_9 from '@bunsen/proto/otlp/v1_9/profiles';
import * as v1_10 from '@bunsen/proto/otlp/v1_10/profiles';
import { asBunsenError, BunsenError } from '../../errors.ts';
import type { IngestLimits } from '../limits.ts';
import { checkProfileType } from '../profile-types.ts';
import { checkMessages } from './check-messages.ts';
import { checkSums } from './check-sums.ts';
import { type DecodedProfile, type SpanWords, spansOf, UNKNOWN_SERVICE } from './decoded.ts';
import { parseJson } from './json.ts';
import { LabelSets } from './label-sets.ts';
import { OtlpDictionary } from './otlp-dictionary.ts';
import { versionOf } from './otlp-version.ts';

/** The two versions differ in numbers on the wire only, which are gone once it is decoded. */
type Request = v1_9.ExportProfilesServiceRequest | v1_10.ExportProfilesServiceRequest;
type OtlpProfile = v1_9.Profile | v1_10.Profile;
type Sample = OtlpProfile['samples'][number];

/**
 * Decodes a request of OpenTelemetry's profiles: one profile for each of its profiles. Resource,
 * scope, profile and sample attributes become labels if they are text, as in Pyroscope: numbers,
 * such as a process id, would make a series of every process.
 * @throws BunsenError `OTLP_VERSION_UNSUPPORTED`, `OTLP_MALFORMED`, `PROFILE_TOO_LARGE`
 */
export function decodeOtlp(
  bytes: Uint8Array,
  encoding: 'protobuf' | 'json',
  limits: IngestLimits,
): DecodedProfile[] {
  const request = parse(bytes, encoding, limits);
  const dictionary = new OtlpDictionary(request.dictionary, limits);
  return request.resourceProfiles.flatMap(({ resource, scopeProfiles }) => {
    const ofResource = dictionary.labels(resource?.attributes ?? []);
    return scopeProfiles.flatMap(({ scope, profiles }) => {
      const labels = { ...dictionary.labels(scope?.attributes ?? []), ...ofResource };
      return profiles.map((profile) => decodeProfile(profile, labels, dictionary, limits));
    });
  });
}

function parse(bytes: Uint8Array, encoding: 'protobuf' | 'json', limits: IngestLimits): Request {
  try {
    if (encoding === 'json') {
      // Names are the same in both versions.
      const json = parseJson(bytes, limits) as JsonValue;
      return fromJson(v1_10.ExportProfilesServiceRequestSchema, json, {
        ignoreUnknownFields: true,
      });
    }
    const { ExportProfilesServiceRequestSchema: schema } =
      versionOf(bytes, limits) === '1.10' ? v1_10 : v1_9;
    checkMessages(schema, bytes, limits);
    return fromBinary<typeof schema>(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    if (asBunsenError(error)) throw error;
    throw new BunsenError(
      'OTLP_MALFORMED',
      `not an ExportProfilesServiceRequest in ${encoding}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function decodeProfile(
  profile: OtlpProfile,
  ofScope: Labels,
  dictionary: OtlpDictionary,
  limits: IngestLimits,
): DecodedProfile {
  const { type, scale } = typeOf(profile, dictionary);
  const ofProfile = { ...dictionary.labelsAt(profile.attributeIndices), ...ofScope };
  const builder = new StackColumnsBuilder(limits);
  const frameIds = new Map<number, number[]>();
  const stackIds = new Map<number, number>();
  const labelSets = new LabelSets();
  const setIdsByIndices = new Map<string, number>();
  const count = profile.samples.length;
  const sampleStack = new Uint32Array(count);
  const sampleLabels = new Uint32Array(count);
  const sampleValues = new BigInt64Array(count);
  const spans: SpanWords[] = [];

  const framesOf = (location: number): number[] => {
    let ids = frameIds.get(location);
    if (!ids) {
      ids = dictionary.frames(location).map((frame) => builder.frameId(formatFrame(frame)));
      frameIds.set(location, ids);
    }
    return ids;
  };
  profile.samples.forEach((sample, index) => {
    let stack = stackIds.get(sample.stackIndex);
    if (stack === undefined) {
      for (const location of dictionary.stack(sample.stackIndex)) {
        for (const id of framesOf(location)) builder.push(id);
      }
      stack = builder.endStack();
      stackIds.set(sample.stackIndex, stack);
    }
    const key = sample.attributeIndices.join();
    let set = setIdsByIndices.get(key);
    if (set === undefined) {
      set = labelSets.idOf(seriesLabels(ofProfile, dictionary.labelsAt(sample.attributeIndices)));
      if (key.length <= MAX_HASHED_LENGTH) setIdsByIndices.set(key, set);
    }
    sampleStack[index] = stack;
    sampleLabels[index] = set;
    sampleValues[index] = totalOf(sample, index);
    spans.push(dictionary.span(sample.linkIndex));
  });
  checkSums(sampleValues, 1, Number(scale), 'OTLP_MALFORMED');
  return {
    profile: {
      ...builder.build(),
      timeNs: BigInt.asIntN(64, profile.timeUnixNano),
      durationNs: BigInt.asIntN(64, profile.durationNano),
      sampleTypes: [{ type: type.sampleType, unit: type.sampleUnit }],
      periodType: { type: type.periodType, unit: type.periodUnit },
      period: profile.period,
      sampleStack,
      sampleLabels,
      sampleValues: scale === 1n ? sampleValues : sampleValues.map((value) => value * scale),
      labelSets: labelSets.sets,
    },
    types: [formatProfileType(type)],
    timeMs: profile.timeUnixNano === 0n ? undefined : Number(profile.timeUnixNano / 1_000_000n),
    spans: spansOf(spans),
  };
}

/** `service.name` is the service: the sample's before the resource's. */
function seriesLabels(ofProfile: Labels, ofSample: Labels): Labels {
  const {
    'service.name': service,
    span_id: _span,
    trace_id: _trace,
    profile_id: _id,
    ...labels
  } = { ...ofSample, ...ofProfile };
  const program = labels['process.executable.name'];
  const unknown = program ? `${UNKNOWN_SERVICE}:${program}` : UNKNOWN_SERVICE;
  return { ...labels, [SERVICE_NAME]: ofSample['service.name'] ?? service ?? unknown };
}

/** The sum of the values, which may be one for each timestamp; without values, 1 for each. */
function totalOf({ values, timestampsUnixNano }: Sample, index: number): bigint {
  if (values.length === 0 && timestampsUnixNano.length === 0) {
    throw new BunsenError(
      'OTLP_MALFORMED',
      `sample ${index} has neither values nor timestamps_unix_nano`,
    );
  }
  if (values.length === 0) return BigInt(timestampsUnixNano.length);
  return values.reduce((sum, value) => sum + value, 0n);
}

/** The profile type, named as Pyroscope does, and what makes its unit of the values. */
function typeOf(
  profile: OtlpProfile,
  dictionary: OtlpDictionary,
): { type: ProfileType; scale: bigint } {
  if (!profile.sampleType) throw new BunsenError('OTLP_MALFORMED', 'a profile has no sample_type');
  const sample = dictionary.valueType(profile.sampleType);
  const period =
    profile.periodType && profile.period !== 0n
      ? dictionary.valueType(profile.periodType)
      : { type: '', unit: '' };
  const type: ProfileType = {
    name: period.type || sample.type,
    sampleType: sample.type,
    sampleUnit: sample.unit || 'count',
    periodType: period.type,
    periodUnit: period.unit,
  };
  const isCpu = period.type === 'cpu' && period.unit === 'nanoseconds';
  if (isCpu && sample.type === 'samples' && sample.unit === 'count') {
    const cpu = { name: 'process_cpu', sampleType: 'cpu', sampleUnit: 'nanoseconds' };
    return { type: { ...type, ...cpu }, scale: profile.period };
  }
  if (isCpu && sample.type === 'cpu') type.name = 'process_cpu';
  checkProfileType(type, 'OTLP_MALFORMED');
  return { type, scale: 1n };
}
