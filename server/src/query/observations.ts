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

/** A sample is known by its slot: its time is taken to be the middle of that. */
const SLOT_START_SQL = `(toInt64(toUnixTimestamp(h)) * 1000 + toInt64(slot) * ${SLOT_MS})`;
export const SAMPLE_TIME_SQL = `(${SLOT_START_SQL} + ${SLOT_MS / 2})`;
const inRange = (time: string) => `${time} >= {fromMs:Int64} AND ${time} < {untilMs:Int64}`;

/** A range widened to whole slots. */
export function wholeSlots({ fromMs, untilMs }: TimeRange): TimeRange {
  return {
    fromMs: Math.floor(fromMs / SLOT_MS) * SLOT_MS,
    untilMs: Math.ceil(untilMs / SLOT_MS) * SLOT_MS,
  };
}

/** What each span took within each slot; a row has `span` and `trace`, too. */
export function spansSource(selection: Selection): Source {
  const spans = `SELECT *, slot_ms + ${SLOT_MS / 2} AS at FROM (${spansBySlot(selection)})
    WHERE ${inRange('at')}`;
  return { from: `(${spans}) AS seen`, time: 'seen.at', value: 'seen.v' };
}

/** The same at the time of the profile that it is of, as points of a series are. */
export function spansOfProfiles(selection: Selection): Source {
  const { fromMs, untilMs } = wholeSlots(selection.range);
  const key = ['service', 'type', 'series', 'slot_ms'];
  const spans = `SELECT ${key}, spans.span AS span, spans.trace AS trace, spans.v AS v, taken.at AS at
    FROM (
      SELECT service, type, series, max(toUnixTimestamp64Milli(ts)) AS at,
        intDiv(toUnixTimestamp64Milli(ts), ${SLOT_MS}) * ${SLOT_MS} AS slot_ms
      FROM profiles
      WHERE ${selection.keys} AND ts >= fromUnixTimestamp64Milli(toInt64(${fromMs}), 'UTC')
        AND ts < fromUnixTimestamp64Milli(toInt64(${untilMs}), 'UTC') ${seriesIn(selection)}
      GROUP BY ${key} HAVING ${inRange('at')}
    ) AS taken
    INNER JOIN (${spansBySlot(selection)}) AS spans USING (${key})`;
  return { from: `(${spans}) AS seen`, time: 'seen.at', value: 'seen.v' };
}

/** SELECT of (service, type, series, slot_ms, span, trace, v). */
function spansBySlot(selection: Selection): string {
  return `SELECT service, type, series, ${SLOT_START_SQL} AS slot_ms, span_id AS span,
      lower(hex(max(trace_id))) AS trace, sum(toInt128(value * unit)) AS v
    FROM span_samples
    WHERE ${selection.keys} AND span_id != 0 AND ${slotsOf(wholeSlots(selection.range))}
      ${seriesIn(selection)}
    GROUP BY service, type, series, slot_ms, span`;
}
