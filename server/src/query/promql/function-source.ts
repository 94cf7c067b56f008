import { type Matcher, NO_STACK_FRAME, SERVICE_NAME, SLOT_MS } from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import { functionOf, NO_STACK_ID } from '../../store/function-sql.ts';
import { rawMsOf } from '../../store/retention.ts';
import { type RollupTable, rollupOf } from '../../store/rollup-sql.ts';
import type { QueryParams } from '../../store/store.ts';
import { slotsOf, within } from '../../store/time-sql.ts';
import { MINUTE_MS } from '../../time.ts';
import { FUNCTION_ROLLUPS, type MergePlan, planMerge } from '../merge-plan.ts';
import { anchored, condition, type Selection, seriesIn } from '../selection.ts';
import { isByService, type PointsRequest, type RowSource, type Sources } from './row-source.ts';
import { type Buckets, type Statistic, slotBuckets } from './windows.ts';

/** Labels of a series that is a function's: they have it as soon as one of them is matched. */
export const FUNCTION_LABELS: readonly string[] = ['function', 'module'];

export interface FunctionMatchers {
  /** Condition on a function's name and module as they are stored. */
  conditionOn: (expression: string) => string;
  params: QueryParams;
  regexes: string[];
}

/** @returns undefined if no matcher is about functions */
export function functionMatchers(matchers: Matcher[]): FunctionMatchers | undefined {
  const own = matchers.filter(({ name }) => FUNCTION_LABELS.includes(name));
  if (own.length === 0) return undefined;
  const isRegex = ({ operator }: Matcher) => operator === '=~' || operator === '!~';
  return {
    conditionOn: (expression) =>
      own
        .map((matcher, i) => condition(partOf(matcher.name, expression), matcher, `function${i}`))
        .join(' AND '),
    params: Object.fromEntries(
      own.map((matcher, i) => [
        `function${i}`,
        isRegex(matcher) ? anchored(matcher.value) : matcher.value,
      ]),
    ),
    regexes: own.filter(isRegex).map(({ value }) => value),
  };
}

function partOf(label: string, text: string): string {
  return `splitByChar('\\x1f', ${text})[${FUNCTION_LABELS.indexOf(label) + 1}]`;
}

/**
 * From the sums by function where they can tell apart what is asked for, and from samples otherwise.
 * @throws BunsenError `PROMQL_UNSUPPORTED` for what is not known about functions
 */
export function functionSource(
  { store, status }: Sources,
  { matchers, grid, rangeMs, offsetMs, statistic, groupBy }: PointsRequest,
  functions: FunctionMatchers,
): RowSource {
  checkFunctionRange(statistic, rangeMs);
  const names = groupBy?.filter((name) => !FUNCTION_LABELS.includes(name));
  const known = [SERVICE_NAME, ...FUNCTION_LABELS];
  const rolledUp = isByService(names) && matchers.every(({ name }) => known.includes(name));
  const slotMs = rolledUp && rangeMs % MINUTE_MS === 0 ? MINUTE_MS : SLOT_MS;
  const buckets = slotBuckets({ ...grid, startMs: grid.startMs - offsetMs }, rangeMs, slotMs);
  const rollups = rolledUp ? FUNCTION_ROLLUPS.filter((table) => divides(table, buckets)) : [];
  const plan = {
    rollups,
    slotMs,
    status,
    nowMs: Date.now(),
    rawMs: rawMsOf(store.retention),
  };
  const isPartial =
    buckets.originMs < plan.nowMs - plan.rawMs && !rollups.includes('function_hours');
  return {
    buckets,
    rowsSql: (selection) =>
      functionRowsSql(planMerge(selection.range, plan), selection, functions, buckets),
    names,
    functionKey: functionKey(groupBy),
    regexes: functions.regexes,
    params: functions.params,
    warnings: isPartial
      ? [
          `functions are known by the hour beyond ${store.retention.rawDays} days, and by service alone: for those times sum by service_name, with a step and a range of whole hours`,
        ]
      : [],
  };
}

/** What is known about functions: sums, by the slot. */
function checkFunctionRange(statistic: Statistic, rangeMs: number): void {
  if (statistic !== 'sum') {
    throw new BunsenError(
      'PROMQL_UNSUPPORTED',
      'values of functions are sums: select them inside of rate, increase or sum_over_time',
    );
  }
  if (rangeMs % SLOT_MS !== 0) {
    throw new BunsenError(
      'PROMQL_UNSUPPORTED',
      `a range of ${rangeMs / 1000}s of a function: it must be a multiple of ${SLOT_MS / 1000}s, by which functions are known`,
    );
  }
}

/** Whether a rollup's buckets make up ours. */
function divides(table: RollupTable, { originMs, widthMs }: Buckets): boolean {
  const { bucketMs } = rollupOf(table);
  return widthMs % bucketMs === 0 && originMs % bucketMs === 0;
}

/** Name and module of `function`, as far as series are told apart by them; see `labelsOf`. */
function functionKey(groupBy: string[] | undefined): string {
  if (!groupBy) return 'function';
  const parts = FUNCTION_LABELS.map((label) =>
    groupBy.includes(label) ? partOf(label, 'function') : `''`,
  );
  return `replaceRegexpOne(concat(${parts.join(`, '\\x1f', `)}), '^\\x1f$', '')`;
}

/**
 * SELECT of (series, service, function, bucket, value, profiles): totals of functions, those of a
 * stack counted once, from the tables of the plan. Rows from rollups are of no series, and not of what
 * was deleted, which they may have with both signs until they are merged.
 */
function functionRowsSql(
  plan: MergePlan,
  selection: Selection,
  functions: FunctionMatchers,
  { originMs, widthMs }: Buckets,
): string {
  const bucketOf = (ms: string) => `floor((${ms} - ${originMs}) / ${widthMs})`;
  const parts = plan.rollups.flatMap(({ rollup, ranges }) =>
    ranges.map(
      (range) => `SELECT toUInt64(0) AS series, service, names.function AS function,
          ${bucketOf(`toUnixTimestamp(${rollup.time}) * 1000`)} AS bucket, amount AS value
        FROM (
          SELECT service, function_id, ${rollup.time}, sum(toInt128(total)) AS amount FROM ${rollup.table}
          WHERE ${selection.keys} AND ${within(rollup.time, range)}
            AND function_id IN (SELECT function_id FROM (${namesSql(functions)}))
          GROUP BY service, function_id, ${rollup.time}
          HAVING amount != 0
        ) AS sums
        INNER JOIN (${namesSql(functions)}) AS names USING function_id`,
    ),
  );
  const slot = `toUnixTimestamp(h) * 1000 + slot * ${SLOT_MS}`;
  for (const range of plan.samples) {
    parts.push(`SELECT series, service, function, bucket, value
      FROM (
        SELECT series, service, stack_id, ${bucketOf(slot)} AS bucket, sum(toInt128(value * unit)) AS value
        FROM samples WHERE ${selection.keys} AND ${slotsOf(range)} ${seriesIn(selection)}
        GROUP BY series, service, stack_id, bucket
      ) AS sample
      ANY LEFT JOIN (${stacksSql(selection, functions)}) AS stack USING stack_id
      ARRAY JOIN functions AS function`);
  }
  return `SELECT series, service, function, bucket, value, 0 AS profiles
    FROM (${parts.join(' UNION ALL ')})`;
}

/** SELECT of (function_id, function) of those that match. */
function namesSql({ conditionOn }: FunctionMatchers): string {
  return `SELECT DISTINCT function_id, function
    FROM (
      SELECT function_id, function FROM functions WHERE tenant = {tenant:String}
        AND week >= toDate({firstWeek:UInt16}) AND week <= toDate({lastWeek:UInt16})
      UNION ALL SELECT ${NO_STACK_ID} AS function_id, '${NO_STACK_FRAME}' AS function
    )
    WHERE ${conditionOn('function')}`;
}

/** SELECT of (stack_id, functions): the stacks that have functions that match, and those. */
function stacksSql({ serviceKeys }: Selection, { conditionOn }: FunctionMatchers): string {
  const all = `if(empty(frames), ['${NO_STACK_FRAME}'], arrayMap(frame -> ${functionOf('toString(frame)')}, frames))`;
  return `SELECT stack_id, arrayFilter(f -> ${conditionOn('f')}, arrayDistinct(${all})) AS functions
    FROM stacks WHERE ${serviceKeys}
      AND week >= toDate({firstWeek:UInt16}) AND week <= toDate({lastWeek:UInt16})
      AND notEmpty(functions)`;
}
