import { formatTime, type TimeRange, timeZoneOffsetMs } from './time-range.ts';

const STEPS_MS = [
  1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
  604_800,
].map((seconds) => seconds * 1000);

/** Round times of a range, at most so many, with the time between two. */
export function ticksOf(
  { fromMs, untilMs }: TimeRange,
  most: number,
): { times: number[]; stepMs: number } {
  const stepMs =
    STEPS_MS.find((step) => (untilMs - fromMs) / step <= most) ?? (STEPS_MS.at(-1) as number);
  // Round on the clock that the reader sees.
  const shift = timeZoneOffsetMs(fromMs);
  const first = Math.ceil((fromMs + shift) / stepMs) * stepMs - shift;
  const times: number[] = [];
  for (let time = first; time < untilMs; time += stepMs) times.push(time);
  return { times, stepMs };
}

/** A tick as an axis has it: as much of the time as tells it from its neighbours. */
export function tickText(timeMs: number, stepMs: number): string {
  const text = formatTime(timeMs);
  if (stepMs >= 86_400_000 || text.slice(11) === '00:00:00') return text.slice(5, 10);
  return stepMs < 60_000 ? text.slice(11) : text.slice(11, 16);
}
