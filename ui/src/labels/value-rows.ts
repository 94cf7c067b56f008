import type { LabelDifferencesResponse, SeriesResponse } from '@bunsen/profile';

type Difference = LabelDifferencesResponse['values'][number];

/** One value of a label: how much it used when, and how unlike all others it is. */
export interface ValueRow extends Difference {
  /** Per step of the series, in its unit; undefined until they are known. */
  series: (number | null)[] | undefined;
  /**
   * Whether it is further from the rest than chance explains: twice as far, as samples that follow
   * each other are less than independent ones.
   */
  isUnlike: boolean;
}

export function valueRows(
  differences: LabelDifferencesResponse,
  series: SeriesResponse | undefined,
): ValueRow[] {
  const seriesOf = new Map(
    series?.series.map((one) => [one.labels[differences.label], one.values]),
  );
  return differences.values.map((one) => ({
    ...one,
    series: seriesOf.get(one.value),
    isUnlike: one.distance > 2 * one.chance,
  }));
}

/** What all small charts share, so that they can be held side by side. */
export interface SharedScale {
  /** The largest value of all series. */
  most: number;
  /** Per step: the average of the series that have data; null where none has. */
  average: (number | null)[];
}

export function sharedScale({ series }: SeriesResponse): SharedScale {
  const steps = series[0]?.values.length ?? 0;
  const average = Array.from({ length: steps }, (_, step) => {
    const there = series.flatMap(({ values }) => values[step] ?? []);
    return there.length === 0 ? null : there.reduce((a, b) => a + b, 0) / there.length;
  });
  return {
    most: Math.max(0, ...series.flatMap(({ values }) => values.map((v) => v ?? 0))),
    average,
  };
}
