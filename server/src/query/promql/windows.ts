/**
 * The times at which an expression is evaluated. Profiles are stamped with the beginning of what
 * they measured: so a range `[5m]` at t has what began from t - 5m, inclusive, until t, exclusive.
 */
export interface Grid {
  startMs: number;
  /** 0 if there is one point. */
  stepMs: number;
  points: number;
}

/** Time in buckets, of which every window of a grid consists as a whole. */
export interface Buckets {
  /** Beginning of bucket 0. */
  originMs: number;
  widthMs: number;
  /** How much of a bucket counts, from its beginning; the rest is in no window. */
  usedMs: number;
  /** Per point: the first bucket of its window, and the one behind its last. */
  first: Float64Array;
  end: Float64Array;
}

/** Buckets as wide as they can be; windows are exact. */
export function exactBuckets({ startMs, stepMs, points }: Grid, rangeMs: number): Buckets {
  const originMs = startMs - rangeMs;
  const numbers = new Float64Array(points).map((_, i) => i);
  // Windows that do not overlap are a bucket each.
  if (points === 1 || stepMs >= rangeMs) {
    const widthMs = Math.max(stepMs, rangeMs);
    return { originMs, widthMs, usedMs: rangeMs, first: numbers, end: numbers.map((i) => i + 1) };
  }
  const widthMs = gcd(stepMs, rangeMs);
  const first = numbers.map((i) => (i * stepMs) / widthMs);
  const end = first.map((bucket) => bucket + rangeMs / widthMs);
  return { originMs, widthMs, usedMs: widthMs, first, end };
}

/**
 * Buckets that begin at multiples of a slot, which is as exact as time is known: windows begin and
 * end at the slot before. Wider ones where grid and range allow it.
 * @param rangeMs a multiple of `slotMs`
 */
export function slotBuckets(
  { startMs, stepMs, points }: Grid,
  rangeMs: number,
  slotMs: number,
): Buckets {
  const common = points === 1 ? rangeMs : gcd(stepMs, rangeMs);
  const aligned = common % slotMs === 0 && startMs % common === 0;
  const widthMs = aligned ? common : slotMs;
  const originMs = Math.floor(startMs / widthMs) * widthMs - rangeMs;
  const end = new Float64Array(points).map(
    (_, i) => Math.floor((startMs + i * stepMs) / widthMs) - originMs / widthMs,
  );
  const first = end.map((bucket) => bucket - rangeMs / widthMs);
  return { originMs, widthMs, usedMs: widthMs, first, end };
}

export const STATISTICS = ['sum', 'count', 'avg', 'min', 'max', 'last'] as const;
/** What is said about the profiles of a window. */
export type Statistic = (typeof STATISTICS)[number];

/** Buckets of a series that have profiles, ascending, with the columns that a statistic needs. */
export interface SparseSeries {
  bucket: Float64Array;
  value: Float64Array;
  /** Profiles in the bucket; needed for `avg` alone. */
  count: Float64Array;
}

/** Per point of a grid; a point where `present` is 0 has no value. */
export interface Points {
  values: Float64Array;
  present: Uint8Array;
}

/** A statistic of each window, in one pass: windows move on, and never back. */
export function overWindows(series: SparseSeries, buckets: Buckets, statistic: Statistic): Points {
  const { bucket, value, count } = series;
  const points = buckets.first.length;
  const values = new Float64Array(points);
  const present = new Uint8Array(points);
  const sums = runningSums(value);
  const counts = runningSums(count);
  // For min and max: rows of the window that no later one outdoes, the best first.
  const best: number[] = [];
  let low = 0;
  let high = 0;
  for (let point = 0; point < points; point++) {
    const end = buckets.end[point] as number;
    for (; high < bucket.length && (bucket[high] as number) < end; high++) {
      const outdone = (row: number) =>
        statistic === 'min'
          ? (value[row] as number) >= (value[high] as number)
          : (value[row] as number) <= (value[high] as number);
      while (best.length > 0 && outdone(best.at(-1) as number)) best.pop();
      best.push(high);
    }
    while (low < high && (bucket[low] as number) < (buckets.first[point] as number)) low++;
    if (low === high) continue;
    while ((best[0] as number) < low) best.shift();
    present[point] = 1;
    const sum = (sums[high] as number) - (sums[low] as number);
    switch (statistic) {
      case 'sum':
      case 'count':
        values[point] = sum;
        break;
      case 'avg':
        values[point] = sum / ((counts[high] as number) - (counts[low] as number));
        break;
      case 'last':
        values[point] = value[high - 1] as number;
        break;
      default:
        values[point] = value[best[0] as number] as number;
    }
  }
  return { values, present };
}

function runningSums(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = (sums[i] as number) + (values[i] as number);
  return sums;
}

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
