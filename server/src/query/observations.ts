import { SLOT_MS } from '@bunsen/profile';
import { slotsOf } from '../store/time-sql.ts';
import type { TimeRange } from '../time.ts';
import { PROFILE_TIMES, type Selection, seriesIn } from './selection.ts';

/** What is counted one by one: profiles, or what a span took within a slot. */
export type Observed = 'profiles' | 'spans';

/** Where values come from: FROM and WHERE, the time of a row in ms, and its value. */
export interface Source {
  from: string;
  time: string;
  value: string;
}

/** Needs `rangeParams`, as all of these. */
export function profilesSource(selection: Selection): Source {
  return {
    from: `profiles WHERE ${selection.keys} AND ${PROFILE_TIMES} ${seriesIn(selection)}`,
    time: 'toUnixTimestamp64Milli(ts)',
    value: 'total',
  };
}

export function spansSource(selection: Selection): Source {
  return { from: `(${bySlotSql(selection, 'spans')}) AS seen`, time: 'seen.at', value: 'seen.v' };
}

/** A sample is known by its slot: its time is taken to be the middle of that. */
export const SLOT_START_SQL = `(toInt64(toUnixTimestamp(h)) * 1000 + toInt64(slot) * ${SLOT_MS})`;
export const SAMPLE_TIME_SQL = `(${SLOT_START_SQL} + ${SLOT_MS / 2})`;

/** A range widened to whole slots. */
export function wholeSlots({ fromMs, untilMs }: TimeRange): TimeRange {
  return {
    fromMs: Math.floor(fromMs / SLOT_MS) * SLOT_MS,
    untilMs: Math.ceil(untilMs / SLOT_MS) * SLOT_MS,
  };
}

/**
 * SELECT of (service, type, series, span, trace, slot_ms, at, v): what each series has within each slot, of
 * profiles together or of each span. `at` is the time of its newest profile there, and in the range;
 * `v` is of the whole slot, also where the range ends in it. `span` and `trace` are 0 and empty for profiles.
 */
export function bySlotSql(selection: Selection, of: Observed): string {
  const { fromMs, untilMs } = wholeSlots(selection.range);
  const key = ['service', 'type', 'series', 'slot_ms'];
  const ofProfiles = `SELECT service, type, series, toUInt64(0) AS span, '' AS trace,
      intDiv(toUnixTimestamp64Milli(ts), ${SLOT_MS}) * ${SLOT_MS} AS slot_ms,
      max(toUnixTimestamp64Milli(ts)) AS at, sum(toInt128(total)) AS v
    FROM profiles
    WHERE ${selection.keys} AND ts >= fromUnixTimestamp64Milli(toInt64(${fromMs}), 'UTC')
      AND ts < fromUnixTimestamp64Milli(toInt64(${untilMs}), 'UTC') ${seriesIn(selection)}
    GROUP BY ${key} HAVING at >= {fromMs:Int64} AND at < {untilMs:Int64}`;
  if (of === 'profiles') return ofProfiles;
  // A sample knows its slot only; the time is that of its profile, which points are made of as well.
  return `SELECT ${key}, spans.span AS span, spans.trace AS trace, taken.at AS at, spans.v AS v
    FROM (${ofProfiles}) AS taken
    INNER JOIN (
      SELECT service, type, series, span_id AS span, ${SLOT_START_SQL} AS slot_ms,
        lower(hex(max(trace_id))) AS trace, sum(toInt128(value * unit)) AS v
      FROM span_samples
      WHERE ${selection.keys} AND span_id != 0 AND ${slotsOf({ fromMs, untilMs })} ${seriesIn(selection)}
      GROUP BY ${[...key, 'span']}
    ) AS spans USING (${key})`;
}
