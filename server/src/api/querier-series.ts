import type { Labels } from '@bunsen/profile';
import {
  HeatmapQueryType,
  HeatmapQueryTypeSchema,
  type QuerierService,
  SelectHeatmapResponseSchema,
  SelectSeriesResponseSchema,
} from '@bunsen/proto/querier/v1/querier';
import {
  ExemplarType,
  ExemplarTypeSchema,
  HeatmapSeriesSchema,
  SeriesSchema,
  TimeSeriesAggregationType,
} from '@bunsen/proto/types/v1/types';
import type { ServiceImpl } from '@connectrpc/connect';
import { BunsenError } from '../errors.ts';
import { type Buckets, MAX_SERIES } from '../query/by-labels.ts';
import type { Exemplar } from '../query/exemplars.ts';
import { queryHeatmap } from '../query/heatmap.ts';
import type { Observed } from '../query/observations.ts';
import { checkPoints, queryBuckets } from '../query/series.ts';
import { isAnyStack } from '../query/stack-selector.ts';
import { queryProfileTimes, querySize } from '../query/stats.ts';
import { answerEncoding, encodedAnswer } from '../rpc.ts';
import type { Store } from '../store/store.ts';
import { DAY_MS } from '../time.ts';
import { encodeList } from './encoded-list.ts';
import { pairsOf } from './querier-labels.ts';
import {
  enumNames,
  queryOf,
  queryOfMatchers,
  rangeOf,
  rangeOrLastHour,
  refuse,
  stackSelectorOf,
  warn,
} from './querier-request.ts';

type SeriesMethods = 'selectSeries' | 'selectHeatmap' | 'getProfileStats' | 'analyzeQuery';

const MAX_GROUP_BY = 8;
const MAX_STEP_S = (366 * DAY_MS) / 1000;

/** Values over time, and figures: the methods of `querier.v1.QuerierService` that charts are drawn from. */
export function querierSeries(
  store: Store,
): Pick<ServiceImpl<typeof QuerierService>, SeriesMethods> {
  return {
    async selectSeries(request, context) {
      const exemplars = exemplarsOf(request.exemplarType);
      const selector = stackSelectorOf(request.stackTraceSelector);
      refuse({ 'stack_trace_selector.go_pgo': selector?.goPgo });
      const stacks = selector && !isAnyStack(selector) ? selector : undefined;
      const average = isAverage(request.aggregation);
      if (average && stacks) {
        throw new BunsenError(
          'PARAMETER_CONTRADICTION',
          'aggregation=TIME_SERIES_AGGREGATION_TYPE_AVERAGE is of whole profiles: leave out stack_trace_selector, or take the sum',
        );
      }
      if (exemplars && stacks) {
        throw new BunsenError(
          'PARAMETER_CONTRADICTION',
          `exemplar_type=EXEMPLAR_TYPE_${ExemplarType[request.exemplarType]} is of whole profiles or spans: leave out stack_trace_selector, or exemplar_type`,
        );
      }
      const buckets = bucketsOf(request);
      const found = await queryBuckets(store, {
        query: queryOf(request),
        buckets,
        groupBy: groupByOf(request.groupBy),
        aggregation: average ? 'average' : 'sum',
        stacks,
        limit: limitOf(request.limit),
        exemplars,
        signal: context.signal,
      });
      warn(context, found.warnings);
      const messages = lazily(found.series, ({ labels, points }) => ({
        labels: pairsOf(present(labels)),
        points: points.map(({ bucket, value }) => ({
          value,
          timestamp: rightEdge(buckets, bucket),
          exemplars: found.exemplars?.(labels, bucket).map(toMessage) ?? [],
        })),
      }));
      const { series } = SelectSeriesResponseSchema.field;
      const bytes = await encodeList(series, SeriesSchema, messages, answerEncoding(context));
      return encodedAnswer(SelectSeriesResponseSchema, bytes, context);
    },

    async selectHeatmap(request, context) {
      const of = observedOf(request.queryType);
      const exemplars = exemplarsOf(request.exemplarType);
      if (exemplars && exemplars !== of) {
        throw new BunsenError(
          'PARAMETER_CONTRADICTION',
          `exemplar_type=EXEMPLAR_TYPE_${ExemplarType[request.exemplarType]}, but what is counted are ${of}: the exemplars are of these`,
        );
      }
      const buckets = bucketsOf(request);
      const { series, rowMins, warnings } = await queryHeatmap(store, {
        query: queryOf(request),
        of,
        exemplars: exemplars !== undefined,
        buckets,
        groupBy: groupByOf(request.groupBy),
        limit: limitOf(request.limit),
        signal: context.signal,
      });
      warn(context, warnings);
      const messages = lazily(series, ({ labels, buckets: slots }) => ({
        labels: pairsOf(present(labels)),
        slots: slots.map(({ bucket, counts, exemplars }) => ({
          timestamp: rightEdge(buckets, bucket),
          yMin: rowMins,
          counts,
          exemplars: exemplars.map(toMessage),
        })),
      }));
      const { series: list } = SelectHeatmapResponseSchema.field;
      const bytes = await encodeList(list, HeatmapSeriesSchema, messages, answerEncoding(context));
      return encodedAnswer(SelectHeatmapResponseSchema, bytes, context);
    },

    async getProfileStats(_request, { signal }) {
      const times = await queryProfileTimes(store, { signal });
      return times
        ? {
            dataIngested: true,
            oldestProfileTime: BigInt(times.oldestMs),
            newestProfileTime: BigInt(times.newestMs),
          }
        : { dataIngested: false };
    },

    async analyzeQuery(request, { signal }) {
      const query = queryOfMatchers([request.query]);
      const size = await querySize(store, query, rangeOrLastHour(request), { signal });
      return {
        queryScopes: [
          {
            componentType: 'ClickHouse',
            componentCount: 1n,
            seriesCount: BigInt(size.seriesCount),
            profileCount: BigInt(size.profileCount),
            sampleCount: BigInt(size.sampleCount),
          },
        ],
        queryImpact: { totalQueriedSeries: BigInt(size.seriesCount) },
      };
    },
  };
}

/**
 * Buckets (t - step, t] from the one that ends at `start` to the last one that ends by `end`. Times
 * are whole milliseconds, so that these are [t - step + 1, t + 1).
 * @throws BunsenError `PARAMETER_INVALID`, `RANGE_EMPTY`
 */
function bucketsOf(request: { start: bigint; end: bigint; step: number }): Buckets {
  const { fromMs, untilMs } = rangeOf(request);
  if (!(request.step >= 0.001 && request.step <= MAX_STEP_S)) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `step=${request.step} is not from 0.001 to ${MAX_STEP_S} seconds`,
    );
  }
  const stepMs = Math.round(request.step * 1000);
  const points = Math.floor((untilMs - fromMs) / stepMs) + 1;
  checkPoints('step', request.step, points);
  return { fromMs: fromMs - stepMs + 1, stepMs, points };
}

function rightEdge({ fromMs, stepMs }: Buckets, bucket: number): bigint {
  return BigInt(fromMs - 1 + (bucket + 1) * stepMs);
}

function isAverage(aggregation: TimeSeriesAggregationType | undefined): boolean {
  switch (aggregation) {
    case undefined:
    case TimeSeriesAggregationType.SUM:
      return false;
    case TimeSeriesAggregationType.AVERAGE:
      return true;
    default:
      throw new BunsenError(
        'PARAMETER_INVALID',
        `aggregation=${aggregation} is neither TIME_SERIES_AGGREGATION_TYPE_SUM nor _AVERAGE`,
      );
  }
}

function exemplarsOf(type: ExemplarType): Observed | undefined {
  switch (type) {
    case ExemplarType.UNSPECIFIED:
    case ExemplarType.NONE:
      return undefined;
    case ExemplarType.INDIVIDUAL:
      return 'profiles';
    case ExemplarType.SPAN:
      return 'spans';
    default:
      throw new BunsenError(
        'PARAMETER_INVALID',
        `exemplar_type=${type} is none of ${enumNames(ExemplarTypeSchema)}`,
      );
  }
}

/** What a heatmap counts. */
function observedOf(type: HeatmapQueryType): Observed {
  switch (type) {
    case HeatmapQueryType.UNSPECIFIED:
    case HeatmapQueryType.INDIVIDUAL:
      return 'profiles';
    case HeatmapQueryType.SPAN:
      return 'spans';
    default:
      throw new BunsenError(
        'PARAMETER_INVALID',
        `query_type=${type} is none of ${enumNames(HeatmapQueryTypeSchema)}`,
      );
  }
}

/** What is made of each, when it is asked for. */
function* lazily<From, To>(list: From[], make: (one: From) => To): Generator<To> {
  for (const one of list) yield make(one);
}

function toMessage({ timeMs, labels, ...exemplar }: Exemplar) {
  return { ...exemplar, timestamp: BigInt(timeMs), labels: pairsOf(labels) };
}

function groupByOf(names: string[]): string[] {
  const groupBy = [...new Set(names)];
  if (groupBy.length <= MAX_GROUP_BY) return groupBy;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `group_by has ${groupBy.length} labels; at most ${MAX_GROUP_BY} are allowed`,
  );
}

/** undefined = as many as an answer may have; so does 0. */
function limitOf(limit: bigint | undefined): number | undefined {
  if (limit === undefined || limit === 0n) return undefined;
  if (limit > 0n && limit <= MAX_SERIES) return Number(limit);
  throw new BunsenError('PARAMETER_INVALID', `limit=${limit} is not from 0 to ${MAX_SERIES}`);
}

/** Pyroscope leaves out labels that a series has not. */
function present(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}
