import { SERVICE_NAME, type SeriesResponse } from '@bunsen/profile';
import { type Subject, selectorOf } from '../api/flame-requests.ts';
import { useSeries, useServices } from '../api/queries.ts';
import { stepFor, type TimeRange, WEEK_MS } from '../time/time-range.ts';

/** A service as the fleet's list shows it. */
export interface FleetService {
  service: string;
  total: number;
  /** null where it is not known: with conditions on labels. */
  series: number | null;
  lastSeenMs: number;
  /** Its values over time; undefined until they are there. */
  values: (number | null)[] | undefined;
  /**
   * Its total a week earlier, over as long a time; undefined until it is known, and if nothing at all
   * was profiled then.
   */
  weekAgo: number | undefined;
}

export interface Fleet {
  /** The largest total first; undefined until they are there. */
  services: FleetService[] | undefined;
  unit: string;
  warnings: string[];
  error: Error | null;
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
  const hasFilters = filters.length > 0;
  const query = selectorOf({ profileType, service: '', filters });
  const services = useServices(profileType, range);
  const series = useSeries(query, range, stepFor(range, SPARK_POINTS), {
    groupBy: SERVICE_NAME,
  });
  const before = { fromMs: range.fromMs - WEEK_MS, untilMs: range.untilMs - WEEK_MS };
  const step = before.untilMs - before.fromMs;
  const servicesBefore = useServices(profileType, before, !hasFilters);
  const seriesBefore = useSeries(query, before, step, {
    groupBy: SERVICE_NAME,
    enabled: hasFilters,
  });
  const weekAgo = hasFilters
    ? seriesBefore.data && totalsOf(fromSeries(seriesBefore.data))
    : servicesBefore.data && totalsOf(servicesBefore.data.services);
  const totalBefore = (service: string) =>
    weekAgo && weekAgo.size > 0 ? (weekAgo.get(service) ?? 0) : undefined;

  if (hasFilters) {
    return {
      services: series.data && withWeekAgo(fromSeries(series.data), totalBefore),
      unit: series.data?.unit ?? '',
      warnings: series.data?.warnings ?? [],
      error: series.error,
    };
  }
  const valuesOf = new Map(
    series.data?.series.map((one) => [one.labels[SERVICE_NAME], one.values]),
  );
  const listed = services.data?.services.map((one) => ({
    ...one,
    values: valuesOf.get(one.service),
  }));
  return {
    services: listed && withWeekAgo(listed, totalBefore),
    unit: services.data?.unit ?? '',
    warnings: [],
    error: services.error,
  };
}

type ListedService = Omit<FleetService, 'weekAgo'>;

function withWeekAgo(
  services: ListedService[],
  totalBefore: (service: string) => number | undefined,
): FleetService[] {
  return services.map((one) => ({ ...one, weekAgo: totalBefore(one.service) }));
}

function totalsOf(services: { service: string; total: number }[]): Map<string, number> {
  return new Map(services.map(({ service, total }) => [service, total]));
}

/** The services of an answer that is grouped by them. */
export function fromSeries({ series, fromMs, stepMs }: SeriesResponse): ListedService[] {
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
