import { SLOT_MS } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { type Retention, rawMsOf } from '../store/retention.ts';
import { checkRange, DAY_MS, HOUR_MS, parseTime, type TimeRange } from '../time.ts';
import type { Selection } from './selection.ts';

/** The times of a request, as they were sent. */
export interface SentRange {
  from: string;
  until: string;
}

/**
 * What a deletion takes: whole slots, and whole hours or days where only those are left. `now` and
 * `now-1h` are widened to that, as nobody can know where they fall, and what was meant must all go.
 * Milliseconds say what is meant, and are refused if anything else would go with it.
 * @throws BunsenError `PARAMETER_INVALID`, `RANGE_EMPTY`
 */
export function deletionRange(sent: SentRange, retention: Retention, nowMs: number): TimeRange {
  const asked = checkRange({
    fromMs: parseTime('from', sent.from, nowMs),
    untilMs: parseTime('until', sent.until, nowMs),
  });
  const whole = (name: keyof SentRange, ms: number, round: (n: number) => number) => {
    const widthMs = widthAt(ms, retention, nowMs);
    if (ms % widthMs !== 0 && !sent[name].startsWith('now')) {
      throw new BunsenError(
        'PARAMETER_INVALID',
        `${name}=${sent[name]} is not a multiple of ${widthMs} ms, which is what is told apart at that time: take ${Math.floor(ms / widthMs) * widthMs} or ${Math.ceil(ms / widthMs) * widthMs}`,
      );
    }
    return round(ms / widthMs) * widthMs;
  };
  return {
    fromMs: whole('from', asked.fromMs, Math.floor),
    untilMs: whole('until', asked.untilMs, Math.ceil),
  };
}

/**
 * Whether the tables can tell apart what is to be deleted, so that nothing else goes with it.
 * @throws BunsenError `PARAMETER_INVALID`
 */
export function checkReach(
  { range, labels }: Selection,
  { from }: SentRange,
  retention: Retention,
  nowMs: number,
): void {
  const samplesMs = oldestSamples(retention, nowMs);
  if (range.fromMs >= samplesMs || labels === '') return;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `from=${from} is before ${samplesMs}, where only sums by service are left: match no label but service_name, or begin later`,
  );
}

/** From here on, all samples are there. */
export function oldestSamples(retention: Retention, nowMs: number): number {
  return Math.ceil((nowMs - rawMsOf(retention)) / HOUR_MS) * HOUR_MS;
}

/** From here on, all rollups by the hour are there. */
export function oldestHours({ hourlyDays }: Retention, nowMs: number): number {
  return Math.ceil((nowMs - hourlyDays * DAY_MS) / DAY_MS) * DAY_MS;
}

/** What is told apart at a time. */
function widthAt(ms: number, retention: Retention, nowMs: number): number {
  if (ms < oldestHours(retention, nowMs)) return DAY_MS;
  return ms < oldestSamples(retention, nowMs) ? HOUR_MS : SLOT_MS;
}
