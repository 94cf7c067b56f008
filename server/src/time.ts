import { BunsenError } from './errors.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};
/** Within what every column of the store can hold (Date ends in 2149, DateTime in 2106). */
const LAST_MS = Date.UTC(2100, 0, 1);
const RELATIVE = /^now(?:([+-])(\d{1,9})(ms|s|m|h|d|w))?$/;

/**
 * A time of Bunsen's own API: milliseconds since 1970, `now`, `now-1h`.
 * @throws BunsenError `PARAMETER_INVALID`
 */
export function parseTime(name: string, text: string, nowMs: number): number {
  return checkTime(name, text, readTime(name, text, nowMs));
}

function readTime(name: string, text: string, nowMs: number): number {
  const relative = relativeTime(text, nowMs);
  if (relative !== undefined) return relative;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new BunsenError(
    'PARAMETER_INVALID',
    `${name}=${text} is not a time: give milliseconds since 1970, now, or now-1h (units ms, s, m, h, d, w)`,
  );
}

/**
 * A time of Pyroscope's API: seconds, milliseconds, microseconds or nanoseconds since 1970 by the
 * number of digits, `YYYYMMDD`, `now`, `now-1h`.
 * @throws BunsenError `PARAMETER_INVALID`
 */
export function parsePyroscopeTime(name: string, text: string, nowMs: number): number {
  return checkTime(name, text, readPyroscopeTime(name, text, nowMs));
}

function readPyroscopeTime(name: string, text: string, nowMs: number): number {
  const relative = relativeTime(text, nowMs);
  if (relative !== undefined) return relative;
  if (/^(19|20)\d{6}$/.test(text)) {
    const iso = text.replace(/(....)(..)(..)/, '$1-$2-$3');
    const dayMs = Date.parse(iso);
    // A day that the month does not have would be taken for one of the next.
    if (new Date(dayMs).toJSON()?.startsWith(iso)) return dayMs;
    throw new BunsenError('PARAMETER_INVALID', `${name}=${text} is not a day of the calendar`);
  }
  if (/^\d{1,11}$/.test(text)) return Number(text) * 1000;
  if (/^\d{12,14}$/.test(text)) return Number(text);
  if (/^\d{15,17}$/.test(text)) return Math.floor(Number(text) / 1000);
  if (/^\d{18,20}$/.test(text)) return Number(BigInt(text) / 1_000_000n);
  throw new BunsenError(
    'PARAMETER_INVALID',
    `${name}=${text} is not a time: give seconds (or ms, µs, ns by the number of digits) since 1970, YYYYMMDD, now, or now-1h`,
  );
}

/** @throws BunsenError `PARAMETER_INVALID` if no column of the store can hold it */
export function checkTime(name: string, text: string, timeMs: number): number {
  if (timeMs >= 0 && timeMs <= LAST_MS) return timeMs;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `${name}=${text} is not between the years 1970 and 2100: give a time in between`,
  );
}

function relativeTime(text: string, nowMs: number): number | undefined {
  const match = RELATIVE.exec(text);
  if (!match) return undefined;
  const [, sign, amount, unit] = match;
  if (sign === undefined) return nowMs;
  const distance = Number(amount) * (UNIT_MS[unit as string] as number);
  return sign === '-' ? nowMs - distance : nowMs + distance;
}

export interface TimeRange {
  /** Milliseconds since 1970, inclusive. */
  fromMs: number;
  /** Exclusive. */
  untilMs: number;
}

/** @throws BunsenError `RANGE_EMPTY` */
export function checkRange({ fromMs, untilMs }: TimeRange): TimeRange {
  if (untilMs <= fromMs) {
    throw new BunsenError(
      'RANGE_EMPTY',
      `until (${new Date(untilMs).toISOString()}) is not after from (${new Date(fromMs).toISOString()})`,
    );
  }
  return { fromMs, untilMs };
}
