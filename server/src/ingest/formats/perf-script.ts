import { type Labels, parsePerfScript } from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import type { IngestLimits } from '../limits.ts';
import { DEFAULT_SAMPLE_RATE } from '../profile-types.ts';
import type { DecodedProfile } from './decoded.ts';
import { profileOfStacks } from './folded.ts';

/**
 * What `perf script` prints: a profile for each event, of which it is the type.
 * @throws BunsenError or ProfileError `PERF_SCRIPT_MALFORMED`; `PPROF_LIMIT`
 */
export function decodePerfScript(
  bytes: Uint8Array,
  labels: Labels,
  limits: IngestLimits,
): DecodedProfile[] {
  const { events, unknown } = parsePerfScript(new TextDecoder().decode(bytes), limits);
  if (unknown.lines > 0) {
    throw new BunsenError(
      'PERF_SCRIPT_MALFORMED',
      `${unknown.lines} lines are neither an event nor a frame, the first of them ${unknown.first}: print none of the fields that are not there by default`,
    );
  }
  return events.map(({ name, unit, stacks, values }) => {
    // A selector has no quotes around the type.
    const sampleType = name.replace(/[^A-Za-z0-9_./-]/g, '_').slice(0, 256);
    const profileType = {
      name: 'perf',
      sampleType,
      sampleUnit: unit,
      periodType: '',
      periodUnit: '',
    };
    return profileOfStacks(
      { ...stacks, values: BigInt64Array.from(values, BigInt) },
      {
        labels,
        type: { profileType, sampled: false, units: [] },
        sampleRate: DEFAULT_SAMPLE_RATE,
        fromMs: undefined,
        untilMs: undefined,
      },
      'PERF_SCRIPT_MALFORMED',
    );
  });
}
