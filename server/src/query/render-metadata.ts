import type { ProfileType } from '@bunsen/profile';

/** What the viewers of Pyroscope's clients make of the values: `samples` of `sampleRate` a second. */
export function renderMetadata(
  { sampleType, sampleUnit }: ProfileType,
  format: 'single' | 'double',
): Record<string, unknown> {
  const isCount = ['inuse_objects', 'alloc_objects', 'goroutine', 'samples'].includes(sampleType);
  const isCpu = sampleType === 'cpu';
  return {
    format,
    spyName: '',
    sampleRate: isCpu ? 1_000_000_000 : 100,
    units: isCpu ? 'samples' : isCount ? 'objects' : sampleUnit,
    name: sampleType,
  };
}
