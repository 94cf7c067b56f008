import { gunzipSync } from 'node:zlib';
import {
  checkLabels,
  decodePprof,
  formatProfileType,
  type Labels,
  type Profile,
  parseFolded,
  SERVICE_NAME,
} from '@bunsen/profile';
import { BunsenError, type ErrorCode } from '../errors.ts';
import type { IngestLimits } from './limits.ts';
import { type FoldedType, profileTypesOf, type SampleTypeConfig } from './profile-types.ts';

/** What a body is, and what its request says about it. */
export type BodySource =
  /** A pprof that carries its labels itself. */
  | { kind: 'labelled-pprof' }
  /** A pprof of one application: its own string labels are added to those of the request. */
  | {
      kind: 'pprof';
      labels: Labels;
      sampleTypeConfig: SampleTypeConfig;
      /** Used if the profile does not have a time itself. */
      fromMs: number | undefined;
      units: string | undefined;
    }
  | {
      kind: 'folded';
      counted: boolean;
      labels: Labels;
      type: FoldedType;
      sampleRate: number;
      fromMs: number | undefined;
      untilMs: number | undefined;
    };

export interface DecodedProfile {
  profile: Profile;
  /** Profile type of each sample type. */
  types: string[];
  /** Milliseconds since 1970; undefined if nobody said. */
  timeMs: number | undefined;
}

/**
 * Decompresses, decodes and checks a body. Everything that can be wrong with it is found here,
 * before anything is stored.
 * @throws BunsenError or ProfileError, saying what is wrong, where, and what the limit is
 */
export function decodeBody(
  body: Uint8Array,
  gzipped: boolean,
  source: BodySource,
  limits: IngestLimits,
): DecodedProfile {
  const bytes = inflate(body, gzipped, limits);
  const decoded =
    source.kind === 'folded' ? decodeFolded(bytes, source, limits) : decodePprofBody(bytes, source);
  checkProfile(decoded.profile, limits);
  return decoded;
}

/** A pprof may be gzipped as such, and the body once more by its Content-Encoding. */
function inflate(body: Uint8Array, gzipped: boolean, limits: IngestLimits): Uint8Array {
  if (body.length === 0) throw new BunsenError('BODY_EMPTY', 'the body is empty');
  let bytes = body;
  if (gzipped) bytes = gunzip(bytes, limits);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzip(bytes, limits);
  if (bytes.length > limits.profileBytes) throw tooLarge(limits);
  return bytes;
}

function gunzip(bytes: Uint8Array, limits: IngestLimits): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: limits.profileBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limits);
    throw new BunsenError(
      'BODY_MALFORMED',
      `the body is not valid gzip: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function tooLarge(limits: IngestLimits): BunsenError {
  return new BunsenError(
    'PROFILE_TOO_LARGE',
    `the profile has more than ${limits.profileBytes} bytes after decompression (BUNSEN_MAX_PROFILE_BYTES): send a shorter window, or raise the limit`,
  );
}

function decodePprofBody(
  bytes: Uint8Array,
  source: Extract<BodySource, { kind: 'labelled-pprof' | 'pprof' }>,
): DecodedProfile {
  const profile = decodePprof(bytes);
  checkSums(profile.sampleValues, profile.sampleTypes.length, 1, 'PPROF_LIMIT');
  let timeMs = profile.timeNs !== 0n ? Number(profile.timeNs / 1_000_000n) : undefined;
  if (source.kind === 'labelled-pprof') {
    return { profile, types: profileTypesOf(profile), timeMs };
  }
  // Some clients write microseconds there, which lie in 1970: then the request's time counts.
  if (timeMs !== undefined && timeMs < YEAR_MS) timeMs = undefined;
  const { units } = source;
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
  for (const [type, config] of Object.entries(source.sampleTypeConfig)) {
    if (config.cumulative === true && profile.sampleTypes.some((has) => has.type === type)) {
      throw new BunsenError(
        'FORMAT_UNSUPPORTED',
        `sample_type_config: ${type} is cumulative; only profiles of a period (deltas) can be stored`,
      );
    }
  }
  const labelSets = profile.labelSets.map((own) => {
    const labels = Object.entries(own).filter(([name]) => !SPAN_LABELS.has(name));
    return { ...Object.fromEntries(labels), ...source.labels };
  });
  return {
    profile: { ...profile, labelSets },
    types: profileTypesOf(profile, source.sampleTypeConfig),
    timeMs: timeMs ?? source.fromMs,
  };
}

const LF = 0x0a;
const YEAR_MS = 365 * 86_400_000;
/** Labels that would make a series of every request. They tell single samples apart, not series. */
const SPAN_LABELS = new Set(['span_id', 'profile_id', 'trace_id']);

function decodeFolded(
  bytes: Uint8Array,
  source: Extract<BodySource, { kind: 'folded' }>,
  limits: IngestLimits,
): DecodedProfile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Before the text is taken apart: sixteen million lines hold a worker for half a minute.
  let lines = 0;
  for (let at = buffer.indexOf(LF); at >= 0; at = buffer.indexOf(LF, at + 1)) {
    if (++lines > limits.values) throw tooMany('more', 'lines', limits.values, 'BUNSEN_MAX_VALUES');
  }
  const text = buffer.toString('utf8');
  const { values, ...stacks } = parseFolded(text, { counted: source.counted });
  const { profileType, sampled } = source.type;
  const period = sampled ? BigInt(Math.round(1e9 / source.sampleRate)) : 0n;
  checkSums(values, 1, sampled ? Number(period) : 1, 'FOLDED_MALFORMED');
  const profile: Profile = {
    ...stacks,
    timeNs: 0n,
    durationNs: BigInt(Math.max(0, (source.untilMs ?? 0) - (source.fromMs ?? 0))) * 1_000_000n,
    sampleTypes: [{ type: profileType.sampleType, unit: profileType.sampleUnit }],
    periodType: { type: profileType.periodType, unit: profileType.periodUnit },
    period,
    sampleStack: Uint32Array.from(values.keys()),
    sampleLabels: new Uint32Array(values.length),
    sampleValues: sampled ? values.map((value) => value * period) : values,
    labelSets: [source.labels],
  };
  return { profile, types: [formatProfileType(profileType)], timeMs: source.fromMs };
}

function tooMany(count: number | 'more', what: string, limit: number, option: string): BunsenError {
  return new BunsenError(
    'PROFILE_TOO_LARGE',
    `the profile has ${count} ${what}; at most ${limit} are allowed (${option}): send a shorter window, or raise the limit`,
  );
}

/** The store counts in 64 bits, and beyond them from the other end, without a word. */
function checkSums(values: BigInt64Array, types: number, scale: number, code: ErrorCode): void {
  for (let type = 0; type < types; type++) {
    let sum = 0;
    for (let i = type; i < values.length; i += types) sum += Math.abs(Number(values[i]));
    if (sum * scale < 2 ** 63) continue;
    throw new BunsenError(
      code,
      `the values of sample type ${type} together are ${sum * scale}; at most 2^63 - 1 are allowed: check what the producer counts`,
    );
  }
}

function checkProfile(profile: Profile, limits: IngestLimits): void {
  const { frames, labelSets, sampleLabels, sampleValues, stackOffsets } = profile;
  if (sampleValues.length > limits.values) {
    throw tooMany(sampleValues.length, 'values', limits.values, 'BUNSEN_MAX_VALUES');
  }
  if (labelSets.length > limits.series) {
    throw tooMany(labelSets.length, 'series', limits.series, 'BUNSEN_MAX_SERIES');
  }
  labelSets.forEach((labels, set) => {
    if (!labels[SERVICE_NAME]) {
      throw new BunsenError(
        'SERVICE_NAME_MISSING',
        `sample ${sampleLabels.indexOf(set)} has no label ${SERVICE_NAME}: every sample must say which service it is of`,
      );
    }
    checkLabels(labels);
  });
  for (let stack = 0; stack + 1 < stackOffsets.length; stack++) {
    const depth = (stackOffsets[stack + 1] as number) - (stackOffsets[stack] as number);
    if (depth > limits.stackDepth) {
      throw new BunsenError(
        'STACK_TOO_DEEP',
        `stack ${stack} has ${depth} frames; at most ${limits.stackDepth} are allowed (BUNSEN_MAX_STACK_DEPTH)`,
      );
    }
  }
  for (const frame of frames) {
    // A character is at most 3 bytes of UTF-8 (per UTF-16 unit): count only where it may matter.
    if (frame.length * 3 > limits.frameBytes && Buffer.byteLength(frame) > limits.frameBytes) {
      throw new BunsenError(
        'STRING_TOO_LONG',
        `the function ${JSON.stringify(frame.slice(0, 80))}… has ${Buffer.byteLength(frame)} bytes; at most ${limits.frameBytes} are allowed (BUNSEN_MAX_FRAME_BYTES)`,
      );
    }
  }
}
