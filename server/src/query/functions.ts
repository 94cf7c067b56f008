import {
  type FunctionsResponse,
  NO_STACK_FRAME,
  parseFrame,
  parseProfileType,
} from '@bunsen/profile';
import { VERSION_LABELS } from '../store/function-batch.ts';
import type { ReadOptions, Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import {
  hourSql,
  type MergePlan,
  mergeParams,
  mergeSql,
  planMerge,
  stacksSql,
} from './merge-plan.ts';
import {
  checkSelection,
  rangeParams,
  SERIES_DAYS,
  type Selection,
  selectionOf,
} from './selection.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
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

/** Where the sums of functions come from. */
interface Source {
  range: TimeRange;
  /** SELECT of (function, self, total, whole), a row a function, at most `limit`, in order. */
  functions: string;
  /** SELECT of `whole`, one row: for when no function has the name. */
  whole: string;
}

/**
 * The functions that cost most, exactly. From the sums by function where no label but service and
 * version is matched, and from stacks otherwise.
 * @throws ProfileError or BunsenError if the query is wrong or passes a limit
 */
export async function queryFunctions(
  store: Store,
  { query, range, name, orderBy, limit, signal }: FunctionsRequest,
): Promise<FunctionsResponse> {
  const read = { signal };
  const asked = selectionOf(query, range, true);
  if (name !== '') {
    asked.params['name'] = name;
    asked.regexes.push(name);
  }
  const warnings = await checkSelection(store, asked, read);
  const order = `ORDER BY ${orderBy} DESC, function LIMIT ${limit}`;
  const source = (await hasFunctionSums(store, asked, read))
    ? fromSums(asked, name !== '', orderBy, limit, order)
    : fromStacks(asked, name !== '', order);
  const selection = { ...asked, range: source.range };
  const options = { params: mergeParams(selection), signal };
  const rows = await store.rows<FunctionRow>(source.functions, options);
  const [first] =
    rows.length === 0 ? await store.rows<{ whole: number }>(source.whole, options) : rows;
  return {
    profileType: asked.profileType,
    unit: parseProfileType(asked.profileType).sampleUnit,
    ...source.range,
    total: first?.whole ?? 0,
    functions: rows.map(({ function: text, self, total }) => {
      const { name, module } = parseFrame(text);
      return { name, module, self, total };
    }),
    warnings,
  };
}

/** The label of {@link VERSION_LABELS} that stands in the column `version` of the function tables. */
const VERSION = VERSION_LABELS.reduceRight(
  (rest, label) =>
    rest === ''
      ? `labels['${label}']`
      : `if(labels['${label}'] != '', labels['${label}'], ${rest})`,
  '',
);

/**
 * Whether the function tables have all that the selection is about: it is later than they are, and
 * every label that it matches is the one that they call the version, in every series.
 */
async function hasFunctionSums(
  store: Store,
  selection: Selection,
  read: ReadOptions,
): Promise<boolean> {
  const { keys, labelNames, range } = selection;
  if (
    labelNames.some((label) => !VERSION_LABELS.includes(label as (typeof VERSION_LABELS)[number]))
  ) {
    return false;
  }
  const others = labelNames.map((label) => `labels['${label}'] != ${VERSION}`);
  const [row] = await store.rows<{ missing: boolean; others: boolean }>(
    `SELECT (SELECT max(ts) FROM functions_missing_until) >= fromUnixTimestamp64Milli({fromMs:Int64} - ${HOUR_MS}, 'UTC') AS missing,
       ${others.length === 0 ? 'false' : `(SELECT count() FROM series WHERE ${keys} AND ${SERIES_DAYS} AND (${others.join(' OR ')})) > 0`} AS others`,
    { ...read, params: rangeParams({ ...selection, range }) },
  );
  return !row?.missing && !row?.others;
}

function fromSums(
  selection: Selection,
  named: boolean,
  orderBy: string,
  limit: number,
  order: string,
): Source {
  const { range } = selection;
  const long = range.untilMs - range.fromMs >= WHOLE_HOURS_FROM_MS;
  const plan = planMerge(range, false, Date.now(), long ? HOUR_MS : MINUTE_MS);
  const rows = sumRows(plan, selection);
  const week = `tenant = {tenant:String}
    AND week >= toDate({firstWeek:UInt16}) AND week <= toDate({lastWeek:UInt16})`;
  const matching = named
    ? `WHERE function_id IN (
        SELECT function_id FROM functions WHERE ${week}
          AND match(splitByChar('\\x1f', function)[1], {name:String}))`
    : '';
  return {
    range: plan.range,
    // Names stream past the few rows that need one, as stacks do in stacksSql.
    functions: `
      SELECT names.function AS function, top.self AS self, top.total AS total, top.whole AS whole
      FROM (SELECT function_id, function FROM functions WHERE ${week}) AS names
      ANY RIGHT JOIN (
        SELECT * FROM (
          SELECT function_id, toFloat64(s) AS self, toFloat64(t) AS total,
            toFloat64(sum(s) OVER ()) AS whole
          FROM (
            SELECT function_id, sum(self) AS s, sum(total) AS t FROM (${rows}) GROUP BY function_id
          )
        ) ${matching} ORDER BY ${orderBy} DESC, function_id LIMIT ${limit}
      ) AS top ON names.function_id = top.function_id
      ${order}`,
    whole: `SELECT toFloat64(sum(self)) AS whole FROM (${rows})`,
  };
}

/** SELECT of (function_id, self, total) from the tables of the plan. */
function sumRows({ hours, edges }: MergePlan, { keys, labels, labelsOn }: Selection): string {
  const where = labels === '' ? keys : `${keys} AND ${labelsOn('version')}`;
  const select = (table: string, time: string, { fromMs, untilMs }: TimeRange) =>
    `SELECT function_id, self, total FROM ${table}
     WHERE ${where} AND ${time} >= ${hourSql(fromMs)} AND ${time} < ${hourSql(untilMs)}`;
  return [
    ...(hours ? [select('function_hours', 'h', hours)] : []),
    ...edges.map((edge) => select('function_minutes', 'minute', edge)),
  ].join(' UNION ALL ');
}

/** `functionOfFrame` of @bunsen/profile: the name, and the module if there is one. */
const FUNCTION_OF_FRAME = `extract(toString(frame), '^[^\\x1f]*(?:\\x1f[^\\x1f]+)?')`;

function fromStacks(selection: Selection, named: boolean, order: string): Source {
  const plan = planMerge(selection.range, selection.labels !== '', Date.now());
  const planned = { ...selection, range: plan.range };
  return {
    range: plan.range,
    functions: `
      SELECT * FROM (
       SELECT function, toFloat64(s) AS self, toFloat64(t) AS total,
        toFloat64(sum(s) OVER ()) AS whole
       FROM (
        SELECT function, sumIf(v, function = functions[-1]) AS s, sum(v) AS t
       FROM (
        SELECT v, if(empty(frames), ['${NO_STACK_FRAME}'], arrayMap(frame -> ${FUNCTION_OF_FRAME}, frames)) AS functions
        FROM (${stacksSql(plan, planned)})
      )
        ARRAY JOIN arrayDistinct(functions) AS function
        GROUP BY function
       )
      ) ${named ? `WHERE match(splitByChar('\\x1f', function)[1], {name:String})` : ''} ${order}`,
    whole: `SELECT toFloat64(sum(v)) AS whole FROM (${mergeSql(plan, planned)})`,
  };
}
