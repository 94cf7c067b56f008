import { type Labels, parseProfileType, type SeriesResponse, SLOT_MS } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { rawMsOf } from '../store/retention.ts';
import type { Store } from '../store/store.ts';
import { slotsOf } from '../store/time-sql.ts';
import type { TimeRange } from '../time.ts';
import { Turns } from '../turns.ts';
import {
  type Buckets,
  bucketOf,
  bucketParams,
  byLabelsSql,
  groupRows,
  type LabelledRow,
  largest,
  rangeOfBuckets,
} from './by-labels.ts';
import { type Exemplars, queryExemplars } from './exemplars.ts';
import { mergeParams, WEEKS } from './merge-plan.ts';
import {
  type Observed,
  profilesSource,
  SAMPLE_TIME_SQL,
  type Source,
  spansOfProfiles,
  wholeSlots,
} from './observations.ts';
import { checkSelection, type Selection, selectionOf, seriesIn } from './selection.ts';
import {
  regexesOf,
  type StackCondition,
  stackConditionParams,
  stackConditionSql,
} from './stack-selector.ts';

/** Points that a series has at most, and has when no step is asked for. */
const MAX_POINTS = 11_000;
const DEFAULT_POINTS = 1_500;

/** Of the totals of the profiles in a step: `average` is for gauges, such as memory in use. */
export type Aggregation = 'sum' | 'average';

export interface SeriesRequest {
  query: string;
  range: TimeRange;
  /** Width of a point; undefined = as fits. */
  stepMs: number | undefined;
  /** Labels that make a series of their own each; none = one series. */
  groupBy: string[];
  /** `sum` by default. */
  aggregation?: Aggregation;
  /** Only what has a function in its stack; steps are whole slots then. */
  function?: { name: string; module: string | undefined } | undefined;
  signal?: AbortSignal;
}

/**
 * Sums over time, from the totals of profiles. The range is widened to whole steps, which begin at
 * multiples of the step: so a chart of `now-1h` does not jitter as it moves.
 */
export async function querySeries(
  store: Store,
  { query, range, stepMs: asked, groupBy, aggregation, function: of, signal }: SeriesRequest,
): Promise<SeriesResponse> {
  const stepMs = asked ?? defaultStep(range);
  if (of && stepMs % SLOT_MS !== 0) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `stepMs=${stepMs} is not a multiple of ${SLOT_MS}, which is what is told apart of a function`,
    );
  }
  const fromMs = Math.floor(range.fromMs / stepMs) * stepMs;
  const points = (Math.ceil(range.untilMs / stepMs) * stepMs - fromMs) / stepMs;
  checkPoints('stepMs', stepMs, points);
  const buckets = { fromMs, stepMs, points };
  const found = await queryBuckets(store, {
    query,
    buckets,
    groupBy,
    aggregation,
    stacks: of && { function: of },
    signal,
  });
  const series: SeriesResponse['series'] = [];
  const turns = new Turns();
  for (const { labels, points: filled } of found.series) {
    const values = new Array<number | null>(points).fill(null);
    for (const { bucket, value } of filled) values[bucket] = value;
    series.push({ labels, values });
    if (turns.isOver) await turns.next();
  }
  return {
    unit: parseProfileType(found.profileType).sampleUnit,
    fromMs,
    untilMs: fromMs + points * stepMs,
    stepMs,
    series,
    warnings: found.warnings,
  };
}

/** @throws BunsenError `PARAMETER_INVALID` if there would be too many */
export function checkPoints(name: string, step: number, points: number): void {
  if (points <= MAX_POINTS) return;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `${name}=${step} makes ${points} points; at most ${MAX_POINTS} are allowed: take a longer step`,
  );
}

export interface BucketsRequest {
  query: string;
  buckets: Buckets;
  groupBy: string[];
  /** `sum` by default. */
  aggregation?: Aggregation | undefined;
  /** Only some stacks: then samples are summed instead of profiles, by the slot. */
  stacks?: StackCondition | undefined;
  /** Series of the answer; as many as there may be by default. */
  limit?: number | undefined;
  /** Finds the largest profile or span of each bucket as well. */
  exemplars?: Observed | undefined;
  signal?: AbortSignal | undefined;
}

/** Values of the buckets that are not empty, ascending. A label that a series has not is empty. */
export interface BucketSeries {
  labels: Labels;
  points: { bucket: number; value: number }[];
}

/** The series with the largest sums, the largest first; equal ones by their labels. */
export async function queryBuckets(
  store: Store,
  request: BucketsRequest,
): Promise<{
  profileType: string;
  series: BucketSeries[];
  /** undefined unless they were asked for. */
  exemplars: Exemplars | undefined;
  warnings: string[];
}> {
  const { query, buckets, groupBy, aggregation = 'sum', stacks, exemplars: of, signal } = request;
  const asked = selectionOf(query, rangeOfBuckets(buckets), true);
  const regexes = [...asked.regexes, ...(stacks ? regexesOf(stacks) : [])];
  const selection = { ...asked, regexes };
  const source = stacks ? samplesSource(selection, stacks) : profilesSource(selection);
  const sql = byLabelsSql(selection, groupBy, {
    ...source,
    keys: { bucket: bucketOf(source.time) },
  });
  const [warnings, exemplars, rows] = await Promise.all([
    checkSelection(store, selection, { signal }),
    of &&
      queryExemplars(store, {
        selection,
        of,
        source: of === 'spans' ? spansOfProfiles(selection) : source,
        buckets,
        groupBy,
        signal,
      }),
    store.rows<LabelledRow & { bucket: number }>(`${sql} ORDER BY bucket`, {
      params: {
        ...mergeParams(selection),
        ...bucketParams(buckets, groupBy),
        ...(stacks && stackConditionParams(stacks)),
      },
      signal,
    }),
  ]);
  if (stacks || of === 'spans') warnIfExpired(store, buckets, warnings);
  const groups: (BucketSeries & { weight: number })[] = [];
  const turns = new Turns();
  for (const { labels, rows: own } of await groupRows(rows, groupBy)) {
    const points = own.map(({ bucket, amount, profiles }) => ({
      bucket,
      value: aggregation === 'average' ? amount / profiles : amount,
    }));
    const weight = points.reduce((sum, { value }) => sum + value, 0);
    groups.push({ labels, points, weight });
    if (turns.isOver) await turns.next();
  }
  const series = largest(groups, request.limit, warnings);
  return { profileType: selection.profileType, series, exemplars, warnings };
}

/** For what is read from samples. */
export function warnIfExpired(
  store: Store,
  { fromMs }: Pick<TimeRange, 'fromMs'>,
  warnings: string[],
): void {
  const { retention } = store;
  if (fromMs >= Date.now() - rawMsOf(retention)) return;
  warnings.push(`samples are kept for ${retention.rawDays} days: what is older is missing`);
}

function samplesSource(selection: Selection, stacks: StackCondition): Source {
  const time = SAMPLE_TIME_SQL;
  return {
    from: `samples WHERE ${selection.keys} AND ${slotsOf(wholeSlots(selection.range))} ${seriesIn(selection)}
      AND ${time} >= {fromMs:Int64} AND ${time} < {untilMs:Int64}
      AND (service, stack_id) IN (
        SELECT service, stack_id FROM stacks
        WHERE ${selection.serviceKeys} AND ${WEEKS} AND ${stackConditionSql(stacks)})`,
    time,
    value: 'value * unit',
  };
}

/** A multiple of the slot, so that every point has the same number of windows. */
function defaultStep({ fromMs, untilMs }: TimeRange): number {
  return Math.max(1, Math.ceil((untilMs - fromMs) / DEFAULT_POINTS / SLOT_MS)) * SLOT_MS;
}
