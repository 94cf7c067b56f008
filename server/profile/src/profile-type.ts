import { ProfileError } from './errors.ts';

/** What a value counts: `{ type: 'cpu', unit: 'nanoseconds' }`. */
export interface ValueType {
  type: string;
  unit: string;
}

/**
 * What kind of profile a series holds, as Pyroscope spells it:
 * `name:sample_type:sample_unit:period_type:period_unit`.
 */
export interface ProfileType {
  name: string;
  sampleType: string;
  sampleUnit: string;
  periodType: string;
  periodUnit: string;
}

/** The type of CPU profiles, from the agent and from everyone else. */
export const CPU_PROFILE_TYPE = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';

export function formatProfileType(type: ProfileType): string {
  return [type.name, type.sampleType, type.sampleUnit, type.periodType, type.periodUnit].join(':');
}

/** @throws ProfileError `PROFILE_TYPE_MALFORMED`; a sixth part, which old clients send, is dropped */
export function parseProfileType(text: string): ProfileType {
  const parts = text.split(':');
  if (parts.length < 5 || parts.length > 6 || parts.slice(0, 3).some((part) => part === '')) {
    throw new ProfileError(
      'PROFILE_TYPE_MALFORMED',
      `profile type ${JSON.stringify(text)} is not of the form name:sample_type:sample_unit:period_type:period_unit, such as ${CPU_PROFILE_TYPE}`,
    );
  }
  const [name, sampleType, sampleUnit, periodType, periodUnit] = parts as [
    string,
    string,
    string,
    string,
    string,
  ];
  return { name, sampleType, sampleUnit, periodType, periodUnit };
}
