import { SLOT_MS } from '@bunsen/profile';
import { HOUR_MS, type TimeRange } from '../time.ts';

/** Condition on a DateTime column for a range of whole seconds. */
export function within(column: string, { fromMs, untilMs }: TimeRange): string {
  return `${column} >= ${secondSql(fromMs)} AND ${column} < ${secondSql(untilMs)}`;
}

/** Condition on (h, slot) of the samples for a range of whole slots. */
export function slotsOf({ fromMs, untilMs }: TimeRange): string {
  const firstHour = Math.floor(fromMs / HOUR_MS) * HOUR_MS;
  const lastMs = untilMs - SLOT_MS;
  const lastHour = Math.floor(lastMs / HOUR_MS) * HOUR_MS;
  const [first, last] = [secondSql(firstHour), secondSql(lastHour)];
  return `h >= ${first} AND h <= ${last}
    AND (h > ${first} OR slot >= ${(fromMs - firstHour) / SLOT_MS})
    AND (h < ${last} OR slot <= ${(lastMs - lastHour) / SLOT_MS})`;
}

export function secondSql(ms: number): string {
  return `toDateTime(${ms / 1000}, 'UTC')`;
}

/** A DateTime64 in a row of JSON: to the millisecond, UTC. */
export function dateTimeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1).replace('T', ' ');
}
