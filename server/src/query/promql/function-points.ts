import { type Matcher, NO_STACK_FRAME, SERVICE_NAME, SLOT_MS } from '@bunsen/profile';
import { functionOf, NO_STACK_ID } from '../../store/function-sql.ts';
import type { QueryParams } from '../../store/store.ts';
import { slotsOf, within } from '../../store/time-sql.ts';
import type { MergePlan } from '../merge-plan.ts';
import { anchored, condition, type Selection, seriesIn } from '../selection.ts';
import type { Buckets } from './windows.ts';

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

/** What tells functions apart in series by these labels, as text of the same form; see `labelsOf`. */
export function functionKey(groupBy: string[] | undefined): string {
  if (!groupBy) return 'function';
  const parts = FUNCTION_LABELS.map((label) =>
    groupBy.includes(label) ? partOf(label, 'function') : `''`,
  );
  return `replaceRegexpOne(concat(${parts.join(`, '\\x1f', `)}), '^\\x1f$', '')`;
}

/** Whether sums by function can tell apart what is asked for: they know services alone. */
export function areRolledUp(ofSeries: Matcher[], groupBy: string[] | undefined): boolean {
  const known = [SERVICE_NAME, ...FUNCTION_LABELS];
  return (
    groupBy?.every((name) => known.includes(name)) === true &&
    ofSeries.every(({ name }) => name === SERVICE_NAME)
  );
}

/**
 * SELECT of (series, service, function, bucket, value, profiles): totals of functions, those of a
 * stack counted once, from the tables of the plan. Rows from rollups are of no series.
 */
export function functionRowsSql(
  plan: MergePlan,
  selection: Selection,
  functions: FunctionMatchers,
  { originMs, widthMs }: Buckets,
): string {
  const bucketOf = (ms: string) => `floor((${ms} - ${originMs}) / ${widthMs})`;
  const parts = plan.rollups.flatMap(({ rollup, ranges }) =>
    ranges.map(
      (range) => `SELECT toUInt64(0) AS series, service, names.function AS function,
          ${bucketOf(`toUnixTimestamp(${rollup.time}) * 1000`)} AS bucket, toInt128(total) AS value
        FROM (
          SELECT service, function_id, ${rollup.time}, total FROM ${rollup.table}
          WHERE ${selection.keys} AND ${within(rollup.time, range)}
            AND function_id IN (SELECT function_id FROM (${namesSql(functions)}))
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
