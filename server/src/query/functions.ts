import {
  type FunctionsResponse,
  NO_STACK_FRAME,
  parseFrame,
  parseProfileType,
} from '@bunsen/profile';
import {
  functionsOfStacksSql,
  NO_STACK_ID,
  VERSION,
  VERSION_LABELS,
} from '../store/function-sql.ts';
import { rawMsOf } from '../store/retention.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { ReadOptions, Store } from '../store/store.ts';
import { within } from '../store/time-sql.ts';
import { HOUR_MS, MINUTE_MS, type TimeRange } from '../time.ts';
import {
  FUNCTION_ROLLUPS,
  type MergePlan,
  mergeParams,
  planMerge,
  stacksSql,
  WEEKS,
} from './merge-plan.ts';
import {
  checkSelection,
  rangeParams,
  SERIES_DAYS,
  type Selection,
  selectionOf,
} from './selection.ts';

/** From here on, whole hours: two edges by the minute would take longer than all that is between. */
const WHOLE_HOURS_FROM_MS = 24 * HOUR_MS;

export interface FunctionsRequest {
  query: string;
  range: TimeRange;
  /** A regular expression (RE2) that is found in the name; empty = every function. */
  name: string;
  orderBy: 'self' | 'total';
  limit: number;
  signal?: AbortSignal;
}

interface FunctionRow {
  function: string;
  self: number;
  total: number;
  /** Of all functions, whatever their names: sums of self. */
  whole: number;
}

/**
 * The functions that cost most, exactly. From the sums by function where no label but service and
 * version is matched, and from stacks otherwise.
 * @throws ProfileError or BunsenError if the query is wrong or passes a limit
 */
export async function queryFunctions(
  store: Store,
  status: RollupStatus,
  { query, range, name, orderBy, limit, signal }: FunctionsRequest,
): Promise<FunctionsResponse> {
  const read = { signal };
  const asked = selectionOf(query, range, true);
  if (name !== '') {
    asked.params['name'] = name;
    asked.regexes.push(name);
  }
  const warnings = await checkSelection(store, asked, read);
  const plan = await planFunctions(store, status, asked, read);
  const selection = { ...asked, range: plan.range };
  const options = { params: mergeParams(selection), signal };
  const sums = sumsSql(plan, selection);
  const top = topSql(sums, name !== '', orderBy, limit);
  const rows = await store.rows<FunctionRow>(top, options);
  const whole = `SELECT toFloat64(sum(self)) AS whole FROM (${sums})`; // when none has the name
  const [first] = rows.length > 0 ? rows : await store.rows<{ whole: number }>(whole, options);
  return {
    profileType: asked.profileType,
    unit: parseProfileType(asked.profileType).sampleUnit,
    ...plan.range,
    total: first?.whole ?? 0,
    functions: rows.map(({ function: text, self, total }) => {
      const { name, module } = parseFrame(text || NO_STACK_FRAME);
      return { name, module, self, total };
    }),
    warnings,
  };
}

/** Which tables answer for sums by function. Short ranges are widened to minutes, others to hours. */
export async function planFunctions(
  store: Store,
  status: RollupStatus,
  asked: Selection,
  read: ReadOptions,
): Promise<MergePlan> {
  const { range } = asked;
  const long = range.untilMs - range.fromMs >= WHOLE_HOURS_FROM_MS;
  return planMerge(range, {
    rollups: (await isByVersion(store, asked, read)) ? FUNCTION_ROLLUPS : [],
    slotMs: long ? HOUR_MS : MINUTE_MS,
    status,
    nowMs: Date.now(),
    rawMs: rawMsOf(store.retention),
  });
}

/**
 * Whether the rollups can tell apart what the selection does: every label that it matches is the
 * one that they call the version, in every series.
 */
async function isByVersion(
  store: Store,
  selection: Selection,
  read: ReadOptions,
): Promise<boolean> {
  const { keys, labelNames } = selection;
  if (labelNames.length === 0) return true;
  const versions: readonly string[] = VERSION_LABELS;
  if (labelNames.some((label) => !versions.includes(label))) return false;
  const others = labelNames.map((label) => `labels['${label}'] != ${VERSION}`);
  const rows = await store.rows(
    `SELECT 1 FROM series WHERE ${keys} AND ${SERIES_DAYS} AND (${others.join(' OR ')}) LIMIT 1`,
    { ...read, params: rangeParams(selection) },
  );
  return rows.length === 0;
}

/** SELECT of (function_id, self, total) from the tables of the plan; functions may repeat. */
function sumsSql(plan: MergePlan, selection: Selection): string {
  const { keys, labels, labelsOn } = selection;
  const where = labels === '' ? keys : `${keys} AND ${labelsOn('version')}`;
  const parts = plan.rollups.flatMap(({ rollup, ranges }) =>
    ranges.map(
      (range) => `SELECT function_id, self, total FROM ${rollup.table}
        WHERE ${where} AND ${within(rollup.time, range)}`,
    ),
  );
  if (plan.samples.length > 0) {
    parts.push(functionsOfStacksSql(stacksSql({ ...plan, rollups: [] }, selection)));
  }
  return parts.join(' UNION ALL ');
}

/**
 * SELECT of (function, self, total, whole), a row a function, in order. What sums up to nothing is not
 * there, as of what was deleted a rollup has both signs until it merges them. A function without a
 * name is that of samples without a stack. Names stream past the few rows that need one.
 */
function topSql(sums: string, named: boolean, orderBy: string, limit: number): string {
  const names = `SELECT function_id, function FROM functions WHERE tenant = {tenant:String}
    AND ${WEEKS}`;
  const matches = `match(splitByChar('\x1f', function)[1], {name:String})`;
  const matching = named
    ? `WHERE function_id IN (
        SELECT function_id FROM (
          ${names} UNION ALL SELECT ${NO_STACK_ID} AS function_id, '${NO_STACK_FRAME}' AS function
        ) WHERE ${matches})`
    : '';
  return `SELECT names.function AS function, top.self AS self, top.total AS total, top.whole AS whole
    FROM (${names}) AS names
    ANY RIGHT JOIN (
      SELECT * FROM (
        SELECT function_id, toFloat64(s) AS self, toFloat64(t) AS total,
          toFloat64(sum(s) OVER ()) AS whole
        FROM (
          SELECT function_id, sum(self) AS s, sum(total) AS t FROM (${sums}) GROUP BY function_id
          HAVING s != 0 OR t != 0
        )
      ) ${matching} ORDER BY ${orderBy} DESC, function_id LIMIT ${limit}
    ) AS top ON names.function_id = top.function_id
    ORDER BY ${orderBy} DESC, function LIMIT ${limit}`;
}
