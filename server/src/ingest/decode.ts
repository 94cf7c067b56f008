import {
  checkLabels,
  isLabelName,
  type Labels,
  type Profile,
  SERVICE_NAME,
  toLabels,
} from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { CumulativeProfiles } from './cumulative.ts';
import type { DecodedProfile } from './formats/decoded.ts';
import { decodeFolded, profileOfStacks, type StacksRequest } from './formats/folded.ts';
import { ByteBudget, isGzip } from './formats/inflate.ts';
import { decodeJfr, type JfrRequest } from './formats/jfr.ts';
import { LabelSets } from './formats/label-sets.ts';
import { decodeOtlp } from './formats/otlp.ts';
import { decodePerfScript } from './formats/perf-script.ts';
import { decodeApplicationPprof, decodeLabelledPprof, type PprofRequest } from './formats/pprof.ts';
import { decodePushRequest } from './formats/push-request.ts';
import { decodeSpeedscope } from './formats/speedscope.ts';
import { decodeTree, decodeTrie } from './formats/tree.ts';
import { frameTooLong, type IngestLimits, tooDeep, tooMany, withOption } from './limits.ts';
import { mergeProfiles } from './merge-profiles.ts';

/** What a body is, and what its request says about it. */
export type BodySource =
  /** A pprof that carries its labels itself. */
  | { kind: 'labelled-pprof' }
  /**
   * A pprof of one application: its own string labels are added to those of the request. `previous` is
   * inflated here as well.
   */
  | { kind: 'pprof'; request: PprofRequest }
  /** Stacks with one value each. */
  | { kind: StacksFormat; request: StacksRequest }
  /** Stacks of a speedscope file, whose unit says what they are where `name` does not. */
  | { kind: 'speedscope'; request: StacksRequest & { untyped: boolean } }
  /** A recording of Java's flight recorder. */
  | { kind: 'jfr'; request: JfrRequest }
  /** What `perf script` prints. */
  | { kind: 'perf-script'; labels: Labels }
  /** `push.v1.PushRequest`. */
  | { kind: 'push-request'; encoding: 'protobuf' | 'json' }
  /** `ExportProfilesServiceRequest` of OpenTelemetry. */
  | { kind: 'otlp'; encoding: 'protobuf' | 'json' };

export type StacksFormat = 'groups' | 'lines' | 'tree' | 'trie';

/**
 * Decompresses, decodes and checks a body. Everything that can be wrong with it is found here,
 * before anything is stored.
 * @param cumulative takes the differences of cumulative profiles; what came of it is in its outcome
 * @returns profiles that differ in time or type, each to be stored as a whole
 * @throws BunsenError or ProfileError, saying what is wrong, where, and what the limit is
 */
export function decodeBody(
  body: Uint8Array,
  gzipped: boolean,
  source: BodySource,
  limits: IngestLimits,
  cumulative = new CumulativeProfiles(limits, Date.now()),
): DecodedProfile[] {
  // A message without anything in it has no bytes.
  const isMessage = 'encoding' in source && source.encoding === 'protobuf';
  if (body.length === 0 && isMessage) return [];
  try {
    const budget = new ByteBudget(limits.profileBytes);
    const bytes = inflate(body, gzipped, budget);
    const decoded = decode(bytes, source, budget, limits, cumulative);
    return checked(mergeProfiles(decoded, limits), limits);
  } catch (error) {
    throw withOption(error);
  }
}

function checked(profiles: DecodedProfile[], limits: IngestLimits): DecodedProfile[] {
  if (profiles.length > limits.series) {
    const what = 'profiles of different times or types';
    throw tooMany(profiles.length, what, limits, 'series');
  }
  let values = 0;
  for (const { profile } of profiles) {
    values += profile.sampleValues.length;
    if (values > limits.values) throw tooMany(values, 'values', limits, 'values');
    checkProfile(profile, limits);
  }
  return profiles;
}

function decode(
  bytes: Uint8Array,
  source: BodySource,
  budget: ByteBudget,
  limits: IngestLimits,
  cumulative: CumulativeProfiles,
): DecodedProfile[] {
  switch (source.kind) {
    case 'labelled-pprof':
      return [decodeLabelledPprof(bytes, limits)];
    case 'pprof':
      return [
        decodeApplicationPprof(bytes, withPrevious(source.request, budget), limits, cumulative),
      ];
    case 'groups':
    case 'lines':
      return [decodeFolded(bytes, source.kind === 'groups', source.request, limits)];
    case 'tree':
      return [profileOfStacks(decodeTree(bytes, limits), source.request, 'TREE_MALFORMED')];
    case 'trie':
      return [profileOfStacks(decodeTrie(bytes, limits), source.request, 'TREE_MALFORMED')];
    case 'speedscope':
      return decodeSpeedscope(bytes, source.request, limits);
    case 'jfr':
      return decodeJfr(bytes, source.request, budget, limits);
    case 'perf-script':
      return decodePerfScript(bytes, source.labels, limits);
    case 'push-request':
      return decodePushRequest(bytes, source.encoding, { budget, limits, cumulative });
    case 'otlp':
      return decodeOtlp(bytes, source.encoding, limits);
  }
}

function withPrevious(request: PprofRequest, budget: ByteBudget): PprofRequest {
  const { previous } = request;
  return previous ? { ...request, previous: inflate(previous, false, budget) } : request;
}

/** A pprof may be gzipped as such, and the body once more by its Content-Encoding. */
function inflate(body: Uint8Array, gzipped: boolean, budget: ByteBudget): Uint8Array {
  if (body.length === 0) throw new BunsenError('BODY_EMPTY', 'the body is empty');
  let bytes = body;
  if (gzipped) bytes = budget.gunzip(bytes);
  if (isGzip(bytes)) bytes = budget.gunzip(bytes);
  budget.take(bytes.length);
  return bytes;
}

function checkProfile(profile: Profile, limits: IngestLimits): void {
  if (profile.labelSets.length > limits.series) {
    throw tooMany(profile.labelSets.length, 'series', limits, 'series');
  }
  renameLabels(profile, limits);
  const { frames, labelSets, sampleLabels, stackOffsets } = profile;
  labelSets.forEach((labels, set) => {
    if (!labels[SERVICE_NAME]) {
      throw new BunsenError(
        'SERVICE_NAME_MISSING',
        `sample ${sampleLabels.indexOf(set)} has no label ${SERVICE_NAME}: every sample must say which service it is of`,
      );
    }
    checkLabels(labels, limits);
  });
  for (let stack = 0; stack + 1 < stackOffsets.length; stack++) {
    const depth = (stackOffsets[stack + 1] as number) - (stackOffsets[stack] as number);
    if (depth > limits.stackDepth) throw tooDeep(`stack ${stack} has ${depth}`, limits);
  }
  for (const frame of frames) {
    // A character is at most 3 bytes of UTF-8 (per UTF-16 unit): count only where it may matter.
    if (frame.length * 3 > limits.frameBytes && Buffer.byteLength(frame) > limits.frameBytes) {
      throw frameTooLong(frame, Buffer.byteLength(frame), limits);
    }
  }
}

/** Sets whose names become the same are one set afterwards. */
function renameLabels(profile: Profile, limits: IngestLimits): void {
  const stays = (labels: Labels) =>
    Object.entries(labels).every(([name, value]) => value !== '' && isLabelName(name));
  if (profile.labelSets.every(stays)) return;
  const renamed = new LabelSets();
  const ids = profile.labelSets.map((labels) =>
    renamed.idOf(toLabels(Object.entries(labels), limits)),
  );
  profile.labelSets = renamed.sets;
  profile.sampleLabels = profile.sampleLabels.map((set) => ids[set] as number);
}
