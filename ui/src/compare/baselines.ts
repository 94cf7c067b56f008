import { SERVICE_NAME } from '@bunsen/profile';
import { parseTime, type TimeRange, WEEK_MS } from '../time/time-range.ts';
import { earlierSide, type SideState } from '../url/compare-state.ts';

/** A choice of what A is, and in what B may change with it. */
export interface Baseline {
  text: string;
  left: SideState;
  right: SideState;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** B against itself before: right before it, an hour, a day, a week earlier. Those do not overlap with it. */
export function timeBaselines(right: SideState, nowMs: number): Baseline[] {
  const fromMs = parseTime(right.from, nowMs);
  const untilMs = parseTime(right.until, nowMs);
  if (fromMs === null || untilMs === null) return [];
  const widthMs = untilMs - fromMs;
  const choices: [text: string, byMs: number][] = [
    ['Just before', widthMs],
    ['An hour earlier', HOUR_MS],
    ['Same time yesterday', DAY_MS],
    ['Same time last week', WEEK_MS],
  ];
  return choices.flatMap(([text, byMs], index) => {
    if (index > 0 && byMs <= widthMs) return [];
    return [{ text, left: earlierSide(right, byMs, nowMs), right }];
  });
}

/** B with one value of a label against A with another, both over all of the time that either covers. */
export function labelBaseline(
  sides: { left: SideState; right: SideState },
  label: string,
  values: { left: string; right: string },
  nowMs: number,
): Baseline {
  const { left, right } = sides;
  const timeOf = (text: string) => parseTime(text, nowMs) ?? 0;
  const from = timeOf(left.from) < timeOf(right.from) ? left.from : right.from;
  const until = timeOf(left.until) > timeOf(right.until) ? left.until : right.until;
  const side = (value: string): SideState => {
    const isService = label === SERVICE_NAME;
    const others = right.filters.filter(({ name }) => name !== label);
    return {
      service: isService ? value : right.service,
      filters: isService ? others : [...others, { name: label, operator: '=', value }],
      from,
      until,
    };
  };
  return {
    text: `${label} ${values.left} → ${values.right}`,
    left: side(values.left),
    right: side(values.right),
  };
}

/** From where the first side begins until where the last one ends. */
export function hullOf(left: TimeRange, right: TimeRange): TimeRange {
  return {
    fromMs: Math.min(left.fromMs, right.fromMs),
    untilMs: Math.max(left.untilMs, right.untilMs),
  };
}

/** Whether two sides select the same: `now-60m` is `now-1h`. */
export function isSameSide(a: SideState, b: SideState, nowMs: number): boolean {
  const key = ({ service, filters, from, until }: SideState) =>
    JSON.stringify([service, filters, parseTime(from, nowMs), parseTime(until, nowMs)]);
  return key(a) === key(b);
}
