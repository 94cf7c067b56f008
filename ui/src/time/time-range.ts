import { settings } from '../settings.ts';

/** From inclusive, until exclusive; milliseconds since 1970. */
export interface TimeRange {
  fromMs: number;
  untilMs: number;
}

export const WEEK_MS = 604_800_000;

const UNIT_MS: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: WEEK_MS,
};

const RELATIVE = /^now(?:-(\d+)(s|m|h|d|w))?$/;
const LOCAL = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/;

/** The ranges that are offered, in the order in which they are. */
export const PRESETS = [
  { from: 'now-5m', label: 'Last 5 minutes' },
  { from: 'now-15m', label: 'Last 15 minutes' },
  { from: 'now-30m', label: 'Last 30 minutes' },
  { from: 'now-1h', label: 'Last 1 hour' },
  { from: 'now-3h', label: 'Last 3 hours' },
  { from: 'now-6h', label: 'Last 6 hours' },
  { from: 'now-12h', label: 'Last 12 hours' },
  { from: 'now-1d', label: 'Last 1 day' },
  { from: 'now-2d', label: 'Last 2 days' },
  { from: 'now-7d', label: 'Last 7 days' },
  { from: 'now-30d', label: 'Last 30 days' },
] as const;

/**
 * Reads `now`, `now-90m`, milliseconds since 1970, or `2026-11-21 09:30[:15]` in the reader's time zone.
 * @returns milliseconds since 1970, or null if it is none of these
 */
export function parseTime(text: string, nowMs: number): number | null {
  const trimmed = text.trim();
  const relative = RELATIVE.exec(trimmed);
  if (relative) {
    return nowMs - Number(relative[1] ?? 0) * (UNIT_MS[relative[2] ?? 's'] as number);
  }
  if (/^\d{9,}$/.test(trimmed)) return Number(trimmed);
  const local = LOCAL.exec(trimmed);
  if (!local) return null;
  const [year, month, day, hour, minute, second] = local
    .slice(1)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const timeMs =
    settings().zone === 'utc'
      ? Date.UTC(year, month - 1, day, hour, minute, second)
      : new Date(year, month - 1, day, hour, minute, second).getTime();
  // The 31st of a month of 30 days, or 25 o'clock, would roll over silently.
  const date = asUtc(timeMs);
  const same =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour;
  return same && minute < 60 && second < 60 ? timeMs : null;
}

/**
 * A time so much earlier, as it is typed: `now-30m` an hour earlier is `now-90m`, so that it goes on
 * to move with now.
 */
export function earlierTime(text: string, byMs: number, nowMs: number): string | null {
  const timeMs = parseTime(text, nowMs);
  if (timeMs === null) return null;
  if (!RELATIVE.test(text.trim())) return String(timeMs - byMs);
  const [unit, unitMs] = ['w', 'd', 'h', 'm', 's']
    .map((name) => [name, UNIT_MS[name] as number] as const)
    .find(([, ms]) => (nowMs - timeMs + byMs) % ms === 0) ?? ['s', 1000];
  const count = Math.round((nowMs - timeMs + byMs) / unitMs);
  return count === 0 ? 'now' : `now-${count}${unit}`;
}

/**
 * The range between two times as they were typed.
 * @returns or what is wrong with them, in a sentence
 */
export function resolveRange(
  from: string,
  until: string,
  nowMs: number,
): TimeRange | { error: string } {
  const fromMs = parseTime(from, nowMs);
  const untilMs = parseTime(until, nowMs);
  const forms = 'use now-30m, 2026-11-21 09:30 or milliseconds since 1970';
  if (fromMs === null) return { error: `“${from}” is no time: ${forms}.` };
  if (untilMs === null) return { error: `“${until}” is no time: ${forms}.` };
  if (fromMs >= untilMs) return { error: 'The range ends before it begins: swap its ends.' };
  return { fromMs, untilMs };
}

/** `Last 30 minutes`, `1h – 30m ago`, or the two ends in local time with a repeated day left out. */
export function describeRange(from: string, until: string, nowMs: number): string {
  if (until === 'now') {
    const preset = PRESETS.find((one) => one.from === from);
    if (preset) return preset.label;
    const relative = RELATIVE.exec(from);
    if (relative?.[1]) return `Last ${relative[1]}${relative[2]}`;
  }
  const fromMs = parseTime(from, nowMs);
  const untilMs = parseTime(until, nowMs);
  if (fromMs === null || untilMs === null) return 'No such range';
  if (RELATIVE.test(from) && RELATIVE.test(until)) {
    return `${lengthText(nowMs - fromMs)} – ${lengthText(nowMs - untilMs)} ago`;
  }
  const [start, end] = [formatTime(fromMs), formatTime(untilMs)];
  return `${start} – ${start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end}`;
}

/** `90m` is `1h 30m`. */
function lengthText(lengthMs: number): string {
  const parts: string[] = [];
  let rest = lengthMs;
  for (const unit of ['w', 'd', 'h', 'm', 's']) {
    const count = Math.floor(rest / (UNIT_MS[unit] as number));
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * (UNIT_MS[unit] as number);
  }
  return parts.join(' ') || 'now';
}

/** `2026-11-21 09:30:15` in the reader's time zone, which {@link parseTime} reads back. */
export function formatTime(timeMs: number): string {
  return asUtc(timeMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** How far the clock of the reader's time zone is before UTC at a time. */
export function timeZoneOffsetMs(timeMs: number): number {
  return settings().zone === 'utc' ? 0 : -new Date(timeMs).getTimezoneOffset() * 60_000;
}

/** A date whose UTC fields are those of the reader's time zone. */
function asUtc(timeMs: number): Date {
  return new Date(timeMs + timeZoneOffsetMs(timeMs));
}

/** The reader's time zone with its offset at a time: `Europe/Berlin, UTC+1`. */
export function describeTimeZone(timeMs: number): string {
  if (settings().zone === 'utc') return 'UTC';
  const minutes = timeZoneOffsetMs(timeMs) / 60_000;
  const hours = Math.trunc(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  const offset = `${minutes < 0 ? '−' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name === 'UTC' && minutes === 0 ? 'UTC' : `${name}, UTC${offset}`;
}

/** The range twice as long about the same middle, but never past now. As times for the URL. */
export function widenRange({ fromMs, untilMs }: TimeRange, nowMs: number): TimeRange {
  const width = untilMs - fromMs;
  const until = Math.min(nowMs, untilMs + width / 2);
  return { fromMs: Math.round(until - 2 * width), untilMs: Math.round(until) };
}

const STEPS_MS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
);

/** The narrowest step of a chart that needs at most `maxPoints` of them. */
export function stepFor({ fromMs, untilMs }: TimeRange, maxPoints: number): number {
  const least = (untilMs - fromMs) / maxPoints;
  return STEPS_MS.find((step) => step >= least) ?? (STEPS_MS.at(-1) as number);
}
