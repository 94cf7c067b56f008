import { mondayOf } from '../store/profile-batch.ts';
import { type Rollup, type RollupTable, rollupOf } from '../store/rollup-sql.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { QueryParams } from '../store/store.ts';
import { slotsOf, within } from '../store/time-sql.ts';
import { HOUR_MS, type TimeRange } from '../time.ts';
import { sampleConditions, samplesTable } from './sample-selector.ts';
import { rangeParams, type Selection, seriesIn } from './selection.ts';

/** Rollups of stacks, and of functions, the coarsest first. */
export const STACK_ROLLUPS: readonly RollupTable[] = ['samples_1d', 'samples_1h'];
export const FUNCTION_ROLLUPS: readonly RollupTable[] = [
  'function_days',
  'function_hours',
  'function_minutes',
];

/** Which table answers for which part of a range. */
export interface MergePlan {
  /** What is merged: the range that was asked for, widened to what the tables can tell apart. */
  range: TimeRange;
  rollups: { rollup: Rollup; ranges: TimeRange[] }[];
  /** The rest, from the samples: what is younger, late, or at a ragged edge. */
  samples: TimeRange[];
}

export interface PlanOptions {
  /** The coarsest first; none where series must be told apart, for which rollups have no answer. */
  rollups: readonly RollupTable[];
  /** What an edge is widened to. */
  slotMs: number;
  status: RollupStatus;
  nowMs: number;
  /** How long samples are kept. */
  rawMs: number;
}

/**
 * Takes each part of a range from the coarsest rollup that has it whole, which gives the same sums
 * and reads a tenth and less. A bucket that is not up to date is read from what it will be made of.
 * Where samples have expired, the edges are widened to whole hours.
 */
export function planMerge(
  asked: TimeRange,
  { rollups, slotMs, status, nowMs, rawMs }: PlanOptions,
): MergePlan {
  const range = widened(asked, slotMs);
  if (rollups.length > 0) {
    const expired = nowMs - rawMs + HOUR_MS;
    const hours = widened(range, HOUR_MS);
    if (range.fromMs < expired) range.fromMs = hours.fromMs;
    if (range.untilMs < expired) range.untilMs = hours.untilMs;
  }
  let rest = [range];
  const parts = rollups.map((table) => {
    const rollup = rollupOf(table);
    const taken = rest.map((part) => wholeBuckets(part, rollup, status));
    rest = rest.flatMap((part, i) => without(part, taken[i] as TimeRange[]));
    return { rollup, ranges: taken.flat() };
  });
  return { range, rollups: parts.filter(({ ranges }) => ranges.length > 0), samples: rest };
}

function widened({ fromMs, untilMs }: TimeRange, toMs: number): TimeRange {
  return {
    fromMs: Math.floor(fromMs / toMs) * toMs,
    untilMs: Math.ceil(untilMs / toMs) * toMs,
  };
}

/** Ranges of buckets that are whole and up to date, ascending. */
function wholeBuckets(
  { fromMs, untilMs }: TimeRange,
  { table, bucketMs }: Rollup,
  status: RollupStatus,
): TimeRange[] {
  const ranges: TimeRange[] = [];
  const first = Math.ceil(fromMs / bucketMs) * bucketMs;
  for (let bucket = first; bucket + bucketMs <= untilMs; bucket += bucketMs) {
    if (!status.isSettled(table, bucket)) continue;
    const last = ranges.at(-1);
    if (last?.untilMs === bucket) last.untilMs += bucketMs;
    else ranges.push({ fromMs: bucket, untilMs: bucket + bucketMs });
  }
  return ranges;
}

/** What is left of a range. @param taken inside of it, ascending */
function without({ fromMs, untilMs }: TimeRange, taken: TimeRange[]): TimeRange[] {
  const starts = [fromMs, ...taken.map((range) => range.untilMs)];
  const ends = [...taken.map((range) => range.fromMs), untilMs];
  return starts
    .map((start, i) => ({ fromMs: start, untilMs: ends[i] as number }))
    .filter((range) => range.fromMs < range.untilMs);
}

/**
 * SELECT of (stack_id, v): the sum of each stack over the plan's range, in the type's unit, as an
 * Int128: an Int64 would wrap around silently, and is no faster. A stack whose sum is zero adds nothing
 * to any node and is left out: of what was deleted a rollup has both signs until it merges them.
 */
export function mergeSql(plan: MergePlan, selection: Selection): string {
  const { samples } = selection;
  const parts = [
    ...plan.rollups.flatMap(({ rollup, ranges }) =>
      ranges.map(
        (range) => `SELECT stack_id, total AS v FROM ${rollup.table}
          WHERE ${selection.keys} AND ${within(rollup.time, range)}`,
      ),
    ),
    ...plan.samples.map(
      (range) => `SELECT stack_id, value * unit AS v FROM ${samplesTable(samples)}
        WHERE ${selection.keys} AND ${slotsOf(range)} ${sampleConditions(samples)} ${seriesIn(selection)}`,
    ),
  ];
  return `SELECT stack_id, sum(toInt128(v)) AS v FROM (${parts.join(' UNION ALL ')}) GROUP BY stack_id
    HAVING v != 0`;
}

/** On the weeks in which a stack of the range may have been written. Needs {@link mergeParams}. */
export const WEEKS = 'week >= toDate({firstWeek:UInt16}) AND week <= toDate({lastWeek:UInt16})';

/**
 * SELECT of (frames, v): each distinct stack of the selection with its sum. Needs {@link mergeParams}.
 *
 * The stacks stream past the merged sums, which are the smaller side. RIGHT keeps a sum whose stack
 * is missing, and ANY takes one of the rows where a stack was written twice.
 */
export function stacksSql(plan: MergePlan, selection: Selection): string {
  return `SELECT stack.frames AS frames, merged.v AS v
    FROM (
      SELECT stack_id, frames FROM stacks
      WHERE ${selection.serviceKeys} AND ${WEEKS}
    ) AS stack
    ANY RIGHT JOIN (${mergeSql(plan, selection)}) AS merged ON stack.stack_id = merged.stack_id`;
}

/** @param selection over the plan's range */
export function mergeParams(selection: Selection): QueryParams {
  return {
    ...rangeParams(selection),
    firstWeek: Math.max(0, mondayOf(selection.range.fromMs)), // 1970 began on a Thursday
    lastWeek: Math.max(0, mondayOf(selection.range.untilMs - 1)),
  };
}
