import { SLOT_MS } from '@bunsen/profile';
import { mondayOf } from '../store/profile-batch.ts';
import type { QueryParams } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import { rangeParams, type Selection, seriesIn } from './selection.ts';

const HOUR_MS = 3_600_000;
/** How long samples are kept one by one (schema/001_profiles.sql); by the hour they live longer. */
export const RAW_MS = 14 * 24 * HOUR_MS;

/** Which table answers for which part of a range. */
export interface MergePlan {
  /** What is merged: the range that was asked for, widened to what the tables can tell apart. */
  range: TimeRange;
  /** Whole hours, from the hourly rollup. */
  hours: TimeRange | undefined;
  /** The rest, from the samples. */
  edges: TimeRange[];
}

/**
 * Whole hours come from the rollup and the ragged edges from the samples, which gives the same sums
 * and reads a tenth. Where series must be told apart, the rollup has no answer: samples only. Where
 * samples have expired, the edges are widened to whole hours.
 * @param slotMs what the table of the edges tells apart
 */
export function planMerge(
  asked: TimeRange,
  bySeries: boolean,
  nowMs: number,
  slotMs = SLOT_MS,
): MergePlan {
  const range = {
    fromMs: Math.floor(asked.fromMs / slotMs) * slotMs,
    untilMs: Math.ceil(asked.untilMs / slotMs) * slotMs,
  };
  if (bySeries) return { range, hours: undefined, edges: [range] };
  const expired = nowMs - RAW_MS + HOUR_MS;
  if (range.fromMs < expired) range.fromMs = Math.floor(range.fromMs / HOUR_MS) * HOUR_MS;
  if (range.untilMs < expired) range.untilMs = Math.ceil(range.untilMs / HOUR_MS) * HOUR_MS;
  const hours = {
    fromMs: Math.ceil(range.fromMs / HOUR_MS) * HOUR_MS,
    untilMs: Math.floor(range.untilMs / HOUR_MS) * HOUR_MS,
  };
  if (hours.fromMs >= hours.untilMs) return { range, hours: undefined, edges: [range] };
  const edges = [
    { fromMs: range.fromMs, untilMs: hours.fromMs },
    { fromMs: hours.untilMs, untilMs: range.untilMs },
  ].filter((edge) => edge.fromMs < edge.untilMs);
  return { range, hours, edges };
}

/**
 * SELECT of (stack_id, v): the sum of each stack over the plan's range, in the type's unit. A sum of
 * Int64 would wrap around silently; wider ones take no longer.
 */
export function mergeSql(plan: MergePlan, selection: Selection): string {
  const parts = plan.edges.map(
    (edge) =>
      `SELECT stack_id, value * unit AS v FROM samples
       WHERE ${selection.keys} AND ${slotsOf(edge)} ${seriesIn(selection)}`,
  );
  if (plan.hours) {
    parts.push(
      `SELECT stack_id, total AS v FROM samples_1h
       WHERE ${selection.keys} AND h >= ${hourSql(plan.hours.fromMs)} AND h < ${hourSql(plan.hours.untilMs)}`,
    );
  }
  return `SELECT stack_id, toFloat64(sum(toInt128(v))) AS v FROM (${parts.join(' UNION ALL ')}) GROUP BY stack_id`;
}

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
      WHERE ${selection.serviceKeys}
        AND week >= toDate({firstWeek:UInt16}) AND week <= toDate({lastWeek:UInt16})
    ) AS stack
    ANY RIGHT JOIN (${mergeSql(plan, selection)}) AS merged ON stack.stack_id = merged.stack_id`;
}

/** @param selection over the plan's range */
export function mergeParams(selection: Selection): QueryParams {
  return {
    ...rangeParams(selection),
    firstWeek: Math.max(0, mondayOf(selection.range.fromMs)), // 1970 began on a Thursday
    lastWeek: mondayOf(selection.range.untilMs - 1),
  };
}

/** Condition on (h, slot) for a range of whole slots. */
function slotsOf({ fromMs, untilMs }: TimeRange): string {
  const firstHour = Math.floor(fromMs / HOUR_MS) * HOUR_MS;
  const lastMs = untilMs - SLOT_MS;
  const lastHour = Math.floor(lastMs / HOUR_MS) * HOUR_MS;
  const [first, last] = [hourSql(firstHour), hourSql(lastHour)];
  return `h >= ${first} AND h <= ${last}
    AND (h > ${first} OR slot >= ${(fromMs - firstHour) / SLOT_MS})
    AND (h < ${last} OR slot <= ${(lastMs - lastHour) / SLOT_MS})`;
}

export function hourSql(ms: number): string {
  return `toDateTime(${ms / 1000}, 'UTC')`;
}
