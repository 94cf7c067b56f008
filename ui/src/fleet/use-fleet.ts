import { SERVICE_NAME, type SeriesResponse } from '@bunsen/profile';
import { type Subject, selectorOf, useSeries, useServices } from '../api/queries.ts';
import { stepFor, type TimeRange } from '../time/time-range.ts';

/** A service as the fleet's list shows it. */
export interface FleetService {
  service: string;
  total: number;
  /** null where it is not known: with conditions on labels. */
  series: number | null;
  lastSeenMs: number;
  /** Its values over time; undefined until they are there. */
  values: (number | null)[] | undefined;
}

export interface Fleet {
  /** The largest total first; undefined until they are there. */
  services: FleetService[] | undefined;
  unit: string;
  warnings: string[];
  error: Error | null;
  retry(): void;
}

const SPARK_POINTS = 48;

/**
 * All services that have profiles. Totals come from the list of services, which knows no labels;
 * with conditions on labels they are summed up from the series over time.
 */
export function useFleet(
  profileType: string,
  filters: Subject['filters'],
  range: TimeRange,
): Fleet {
  const services = useServices(profileType, range);
  const series = useSeries(
    selectorOf({ profileType, service: '', filters }),
    range,
    stepFor(range, SPARK_POINTS),
    SERVICE_NAME,
  );
  if (filters.length > 0) {
    return {
      services: series.data && fromSeries(series.data),
      unit: series.data?.unit ?? '',
      warnings: series.data?.warnings ?? [],
      error: series.error,
      retry: () => void series.refetch(),
    };
  }
  const valuesOf = new Map(
    series.data?.series.map((one) => [one.labels[SERVICE_NAME], one.values]),
  );
  return {
    services: services.data?.services.map((one) => ({
      ...one,
      values: valuesOf.get(one.service),
    })),
    unit: services.data?.unit ?? '',
    warnings: [],
    error: services.error,
    retry: () => void services.refetch(),
  };
}

/** The services of an answer that is grouped by them. */
export function fromSeries({ series, fromMs, stepMs }: SeriesResponse): FleetService[] {
  return series
    .map(({ labels, values }) => ({
      service: labels[SERVICE_NAME] ?? '',
      total: values.reduce<number>((sum, value) => sum + (value ?? 0), 0),
      series: null,
      lastSeenMs: fromMs + (values.findLastIndex((value) => value !== null) + 1) * stepMs,
      values,
    }))
    .sort((a, b) => b.total - a.total);
}
