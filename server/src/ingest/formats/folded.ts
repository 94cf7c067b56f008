import {
  type FoldedStacks,
  formatProfileType,
  type Labels,
  type Profile,
  parseFolded,
} from '@bunsen/profile';
import type { ErrorCode } from '../../errors.ts';
import { type IngestLimits, tooMany } from '../limits.ts';
import type { FoldedType } from '../profile-types.ts';
import { checkSums } from './check-sums.ts';
import type { DecodedProfile } from './decoded.ts';

/** What a request says about stacks with one value each, which do not say it themselves. */
export interface StacksRequest {
  labels: Labels;
  type: FoldedType;
  /** Samples a second; for types of sampled time. */
  sampleRate: number;
  fromMs: number | undefined;
  untilMs: number | undefined;
}

const LF = 0x0a;

/** Folded text: with a count a line, or (`counted: false`) one sample a line. */
export function decodeFolded(
  bytes: Uint8Array,
  counted: boolean,
  request: StacksRequest,
  limits: IngestLimits,
): DecodedProfile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Before the text is taken apart: sixteen million lines hold a worker for half a minute.
  let lines = 0;
  for (let at = buffer.indexOf(LF); at >= 0; at = buffer.indexOf(LF, at + 1)) {
    if (++lines > limits.values) throw tooMany('more', 'lines', limits, 'values');
  }
  const stacks = parseFolded(buffer.toString('utf8'), { counted, limits });
  return profileOfStacks(stacks, request, 'FOLDED_MALFORMED');
}

/** @param code of the error about values that are too large together */
export function profileOfStacks(
  { values, ...stacks }: FoldedStacks,
  request: StacksRequest,
  code: ErrorCode,
): DecodedProfile {
  const { profileType, sampled } = request.type;
  const period = sampled ? BigInt(Math.round(1e9 / request.sampleRate)) : 0n;
  checkSums(values, 1, sampled ? Number(period) : 1, code);
  const durationMs = Math.max(0, (request.untilMs ?? 0) - (request.fromMs ?? 0));
  const profile: Profile = {
    ...stacks,
    timeNs: 0n,
    durationNs: BigInt(durationMs) * 1_000_000n,
    sampleTypes: [{ type: profileType.sampleType, unit: profileType.sampleUnit }],
    periodType: { type: profileType.periodType, unit: profileType.periodUnit },
    period,
    sampleStack: Uint32Array.from(values.keys()),
    sampleLabels: new Uint32Array(values.length),
    sampleValues: sampled ? values.map((value) => value * period) : values,
    labelSets: [request.labels],
  };
  return { profile, types: [formatProfileType(profileType)], timeMs: request.fromMs };
}
