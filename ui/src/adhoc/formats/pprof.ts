import { decodePprof } from '@bunsen/profile';
import type { ReadFile } from './file-profile.ts';

/** A pprof: one profile for each of its sample types. */
export function readPprof(bytes: Uint8Array): ReadFile {
  const { sampleTypes, sampleStack, sampleValues, timeNs, durationNs, ...stacks } =
    decodePprof(bytes);
  const fromMs = Number(timeNs / 1_000_000n);
  const range =
    durationNs > 0n ? { fromMs, untilMs: fromMs + Number(durationNs) / 1_000_000 } : null;
  const profiles = sampleTypes.map(({ type, unit }, index) => {
    const values = new Float64Array(stacks.stackOffsets.length - 1);
    sampleStack.forEach((stack, sample) => {
      const value = Number(sampleValues[sample * sampleTypes.length + index]);
      values[stack] = (values[stack] as number) + value;
    });
    return { name: type, unit, stacks, values, range };
  });
  // What is last is what pprof itself shows first: CPU time after the number of samples.
  return { format: 'pprof', profiles: profiles.toReversed(), warnings: [] };
}
