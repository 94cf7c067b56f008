import type { SeriesResponse } from '@bunsen/profile';
import { stepFor, type TimeRange } from '../time/time-range.ts';
import { type Subject, selectorOf } from './flame-requests.ts';
import { useLabelNames, useSeries } from './queries.ts';

/** What services call their release, in the order in which it is looked for. */
const VERSION_LABELS = ['version', 'service_version', 'service.version'];

/** Those of a timeline, so that a version begins where its profiles do. */
const POINTS = 240;

export interface Version {
  value: string;
  /** Beginning of the step that has its first sample; null: of the first one, so it may be older. */
  fromMs: number | null;
}

/** The versions of a service in a range, the newest first; undefined if its series have no such label. */
export function useVersions(
  subject: Subject,
  range: TimeRange,
  { enabled = true } = {},
): { data: { label: string; values: Version[] } | undefined; isPending: boolean } {
  const query = selectorOf(subject);
  const names = useLabelNames(query, range, { enabled });
  const label = VERSION_LABELS.find((name) => names.data?.labels.some((one) => one.name === name));
  const series = useSeries(query, range, stepFor(range, POINTS), {
    groupBy: label,
    enabled: enabled && label !== undefined,
  });
  return {
    data: label && series.data ? { label, values: newestFirst(series.data, label) } : undefined,
    isPending: names.isPending || (label !== undefined && series.isPending),
  };
}

/**
 * Values of the label that a series is grouped by, the newest first: whose first sample came last. Of
 * those that began together the one with the higher number.
 */
export function newestFirst(
  { series, fromMs, stepMs }: Pick<SeriesResponse, 'series' | 'fromMs' | 'stepMs'>,
  label: string,
): Version[] {
  return series
    .map(({ labels, values }) => ({
      value: labels[label] ?? '',
      first: values.findIndex((one) => one !== null && one !== 0),
    }))
    .filter(({ value, first }) => value !== '' && first >= 0)
    .sort(
      (a, b) => b.first - a.first || b.value.localeCompare(a.value, undefined, { numeric: true }),
    )
    .map(({ value, first }) => ({ value, fromMs: first === 0 ? null : fromMs + first * stepMs }));
}
