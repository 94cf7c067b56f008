import { formatLabels, type Profile, StackColumnsBuilder } from '@bunsen/profile';
import type { DecodedProfile } from './formats/decoded.ts';

/**
 * Puts together what may be stored as one: profiles of the same time, types and period. A request
 * of an agent has one for each process; stored one by one they would cost an insert each.
 * @returns in the order of the first of each
 */
export function mergeProfiles(decoded: DecodedProfile[]): DecodedProfile[] {
  const groups = new Map<string, DecodedProfile[]>();
  for (const one of decoded) {
    const key = [one.timeMs, one.profile.period, ...one.types].join('\0');
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return Array.from(groups.values(), merge);
}

function merge(group: DecodedProfile[]): DecodedProfile {
  const [first] = group as [DecodedProfile];
  if (group.length === 1) return first;
  const builder = new StackColumnsBuilder();
  const labelSets: Profile['labelSets'] = [];
  const labelSetIds = new Map<string, number>();
  const samples = group.reduce((sum, { profile }) => sum + profile.sampleStack.length, 0);
  const sampleStack = new Uint32Array(samples);
  const sampleLabels = new Uint32Array(samples);
  const sampleValues = new BigInt64Array(samples * first.types.length);
  let durationNs = 0n;
  let at = 0;
  for (const { profile } of group) {
    const frameIds = profile.frames.map((frame) => builder.frameId(frame));
    const { stackOffsets } = profile;
    let base = 0;
    for (let stack = 0; stack + 1 < stackOffsets.length; stack++) {
      const frames = profile.stackFrames.subarray(stackOffsets[stack], stackOffsets[stack + 1]);
      const id = builder.addStack(Array.from(frames, (frame) => frameIds[frame] as number));
      if (stack === 0) base = id;
    }
    const sets = profile.labelSets.map((labels) => {
      const text = formatLabels(labels);
      const known = labelSetIds.get(text);
      if (known !== undefined) return known;
      labelSetIds.set(text, labelSets.length);
      return labelSets.push(labels) - 1;
    });
    profile.sampleStack.forEach((stack, i) => {
      sampleStack[at + i] = base + stack;
      sampleLabels[at + i] = sets[profile.sampleLabels[i] as number] as number;
    });
    sampleValues.set(profile.sampleValues, at * first.types.length);
    if (profile.durationNs > durationNs) durationNs = profile.durationNs;
    at += profile.sampleStack.length;
  }
  return {
    ...first,
    profile: {
      ...first.profile,
      ...builder.build(),
      durationNs,
      sampleStack,
      sampleLabels,
      sampleValues,
      labelSets,
    },
  };
}
