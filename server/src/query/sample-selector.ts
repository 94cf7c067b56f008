import { SLOT_MS } from '@bunsen/profile';
import { secondSql } from '../store/time-sql.ts';
import { HOUR_MS } from '../time.ts';
import type { ProfileKey } from './profile-id.ts';

/** Which samples of a selection are asked for. What is undefined is any; the rest must all hold. */
export interface SampleSelector {
  /** Taken in one of these spans, */
  spans?: readonly bigint[] | undefined;
  /** and in one of these traces: 32 hexadecimal digits. */
  traces?: readonly string[] | undefined;
  /** Of one of these profiles. */
  profiles?: readonly ProfileKey[] | undefined;
}

/** Whether every sample is asked for, which rollups have sums of. */
export function isAny({ spans, traces, profiles }: SampleSelector): boolean {
  return !spans && !traces && !profiles;
}

/** The table that has them. */
export function samplesTable({ spans, traces }: SampleSelector): 'samples' | 'span_samples' {
  return spans || traces ? 'span_samples' : 'samples';
}

/** Conditions on it, each with AND in front. In the text: parameters travel in the URL, which may not be as long. */
export function sampleConditions({ spans, traces, profiles }: SampleSelector): string {
  const conditions: string[] = [];
  if (spans) conditions.push(`AND span_id IN (${spans.join(', ')})`);
  if (traces) conditions.push(`AND trace_id IN (${traces.map((id) => `unhex('${id}')`)})`);
  if (profiles) {
    const hourOf = ({ slotMs }: ProfileKey) => Math.floor(slotMs / HOUR_MS) * HOUR_MS;
    const hours = [...new Set(profiles.map(hourOf))].map(secondSql);
    const keys = profiles.map((profile) => {
      const hour = hourOf(profile);
      return `(${secondSql(hour)}, ${profile.series}, ${(profile.slotMs - hour) / SLOT_MS})`;
    });
    // The hours once more, as they are in the order of the table.
    conditions.push(`AND h IN (${hours}) AND (h, series, slot) IN (${keys})`);
  }
  return conditions.join(' ');
}
