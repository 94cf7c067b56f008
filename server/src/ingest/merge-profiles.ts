import { StackColumnsBuilder } from '@bunsen/profile';
import { SPAN_WORDS } from '../store/profile-batch.ts';
import type { DecodedProfile } from './formats/decoded.ts';
import { LabelSets } from './formats/label-sets.ts';
import type { IngestLimits } from './limits.ts';

/**
 * Puts together what may be stored as one: profiles of the same time, types and period. A request
 * of an agent has one for each process; stored one by one they would cost an insert each.
 * @returns in the order of the first of each
 * @throws ProfileError `PPROF_LIMIT`
 */
export function mergeProfiles(decoded: DecodedProfile[], limits: IngestLimits): DecodedProfile[] {
  const groups = new Map<string, DecodedProfile[]>();
  for (const one of decoded) {
    const key = [one.timeMs, one.profile.period, ...one.types].join('\0');
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return Array.from(groups.values(), (group) => merge(group, limits));
}

function merge(group: DecodedProfile[], limits: IngestLimits): DecodedProfile {
  const [first] = group as [DecodedProfile];
  if (group.length === 1) return first;
  const builder = new StackColumnsBuilder(limits);
  const labelSets = new LabelSets();
  const samples = group.reduce((sum, { profile }) => sum + profile.sampleStack.length, 0);
  const sampleStack = new Uint32Array(samples);
  const sampleLabels = new Uint32Array(samples);
  const sampleValues = new BigInt64Array(samples * first.types.length);
  const spans = group.some((one) => one.spans)
    ? new BigUint64Array(samples * SPAN_WORDS)
    : undefined;
  let durationNs = 0n;
  let at = 0;
  for (const { profile, spans: own } of group) {
    const frameIds = profile.frames.map((frame) => builder.frameId(frame));
    const { stackOffsets } = profile;
    let base = 0;
    for (let stack = 0; stack + 1 < stackOffsets.length; stack++) {
      const end = stackOffsets[stack + 1] as number;
      for (let i = stackOffsets[stack] as number; i < end; i++) {
        builder.push(frameIds[profile.stackFrames[i] as number] as number);
      }
      const id = builder.endStack();
      if (stack === 0) base = id;
    }
    const sets = profile.labelSets.map((labels) => labelSets.idOf(labels));
    profile.sampleStack.forEach((stack, i) => {
      sampleStack[at + i] = base + stack;
      sampleLabels[at + i] = sets[profile.sampleLabels[i] as number] as number;
    });
    sampleValues.set(profile.sampleValues, at * first.types.length);
    if (own) spans?.set(own, at * SPAN_WORDS);
    if (profile.durationNs > durationNs) durationNs = profile.durationNs;
    at += profile.sampleStack.length;
  }
  return {
    ...first,
    spans,
    profile: {
      ...first.profile,
      ...builder.build(),
      durationNs,
      sampleStack,
      sampleLabels,
      sampleValues,
      labelSets: labelSets.sets,
    },
  };
}
