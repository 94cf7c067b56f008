import type { SeriesResponse } from '@bunsen/profile';
import { isCpuTime } from '../format/value.ts';

/** What a stacked chart draws: names and heights, bottom first, all over the same times. */
export interface StackedSeries {
  names: string[];
  /** Seconds since 1970 at which each step begins. */
  timesS: number[];
  /** Per series and step: its own height; null where there is no data. */
  values: (number | null)[][];
  /** Per series and step: its height on top of those below. */
  stacked: (number | null)[][];
  /** `cores` for CPU time, else the unit of the values, which are then a step's sums. */
  unit: string;
  stepMs: number;
}

/**
 * Makes a series answer ready for a chart: CPU time becomes cores, and what comes after the `limit`
 * largest series is summed up as `rest`.
 * @param label the label that names a series; series without it are named `all`
 */
export function stackSeries(response: SeriesResponse, label: string, limit: number): StackedSeries {
  const { series, stepMs, fromMs, untilMs } = response;
  const steps = series[0]?.values.length ?? Math.ceil((untilMs - fromMs) / stepMs);
  const cpu = isCpuTime(response.unit);
  const names = series.slice(0, limit).map((one) => one.labels[label] ?? 'all');
  const scale = (value: number | null, i: number) => {
    if (value === null || !cpu) return value;
    // The range may end within the last step.
    return value / ((Math.min(stepMs, untilMs - fromMs - i * stepMs) || stepMs) * 1e6);
  };
  const values = series.slice(0, limit).map((one) => one.values.map(scale));
  if (series.length > limit) {
    names.push(`${series.length - limit} more`);
    values.push(
      sumOf(
        series.slice(limit).map((one) => one.values.map(scale)),
        steps,
      ),
    );
  }
  let below: (number | null)[] = new Array(steps).fill(null);
  const stacked = values.map((own) => {
    below = own.map((value, i) => (value === null ? (below[i] ?? null) : value + (below[i] ?? 0)));
    return below;
  });
  return {
    names,
    timesS: Array.from({ length: steps }, (_, i) => (fromMs + i * stepMs) / 1000),
    values,
    stacked,
    unit: cpu ? 'cores' : response.unit,
    stepMs,
  };
}

/** The custom property of a series' colour: the one after the `limit` largest is the rest of them. */
export function seriesColour(index: number, limit: number): string {
  return index < limit ? `--series-${index}` : '--series-rest';
}

function sumOf(rows: (number | null)[][], steps: number): (number | null)[] {
  const sum: (number | null)[] = new Array(steps).fill(null);
  for (const row of rows) {
    row.forEach((value, i) => {
      if (value !== null) sum[i] = (sum[i] ?? 0) + value;
    });
  }
  return sum;
}
