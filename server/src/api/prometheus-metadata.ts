import { parseProfileType } from '@bunsen/profile';

/** What Prometheus' metadata says about a profile type. */
export function metadataOf(profileType: string): { type: string; help: string; unit: string } {
  const { name, sampleType, sampleUnit } = parseProfileType(profileType);
  const gauge = /^(inuse_|goroutine|live)/.test(sampleType);
  return {
    type: gauge ? 'gauge' : 'counter',
    help: `${sampleType} of ${name} profiles; rate() is in ${sampleUnit} per second`,
    unit: sampleUnit,
  };
}
