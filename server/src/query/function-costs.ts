import { type FunctionCostsResponse, formatFrame, parseProfileType } from '@bunsen/profile';
import { functionId, functionsOfStacksSql, VERSION } from '../store/function-sql.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { Store } from '../store/store.ts';
import { slotsOf, within } from '../store/time-sql.ts';
import type { TimeRange } from '../time.ts';
import { planFunctions } from './functions.ts';
import { type MergePlan, mergeParams } from './merge-plan.ts';
import { checkSelection, SERIES_DAYS, type Selection, selectionOf, seriesIn } from './selection.ts';

const MAX_COSTS = 10_000;

export interface FunctionCostsRequest {
  query: string;
  range: TimeRange;
  name: string;
  /** undefined = any */
  module: string | undefined;
  signal?: AbortSignal;
}

/**
 * What one function costs in each version of each service that has it, exactly.
 * @throws ProfileError or BunsenError if the query is wrong or passes a limit
 */
export async function queryFunctionCosts(
  store: Store,
  status: RollupStatus,
  { query, range, name, module, signal }: FunctionCostsRequest,
): Promise<FunctionCostsResponse> {
  const read = { signal };
  const asked = selectionOf(query, range, true);
  const warnings = await checkSelection(store, asked, read);
  const plan = await planFunctions(store, status, asked, read);
  const selection = { ...asked, range: plan.range };
  const params = {
    ...mergeParams(selection),
    function: formatFrame({ name, module: module ?? '' }),
  };
  const costs = await store.rows<FunctionCostsResponse['costs'][number]>(
    costsSql(plan, selection, module === undefined),
    { params, signal },
  );
  if (costs.length > MAX_COSTS) {
    costs.length = MAX_COSTS;
    warnings.push(`more than ${MAX_COSTS} services and versions have it: the largest are listed`);
  }
  return {
    profileType: asked.profileType,
    unit: parseProfileType(asked.profileType).sampleUnit,
    ...plan.range,
    costs,
    warnings,
  };
}

function costsSql(plan: MergePlan, selection: Selection, anyModule: boolean): string {
  const own = `function_id = ${functionId('{function:String}')}`;
  const named = `function_id IN (SELECT function_id FROM functions
    WHERE tenant = {tenant:String} AND splitByChar('\x1f', function)[1] = {function:String}
      AND week >= toDate({firstWeek:UInt16}) AND week <= toDate({lastWeek:UInt16}))`;
  return `SELECT service, version, toFloat64(s) AS self, toFloat64(t) AS total, toFloat64(w) AS whole
    FROM (
      SELECT *, sum(t) OVER (PARTITION BY service) AS in_service
      FROM (
        SELECT service, version, sumIf(self, meant) AS s, sumIf(total, meant) AS t, sum(self) AS w
        FROM (
          SELECT service, version, self, total, ${anyModule ? `${own} OR ${named}` : own} AS meant
          FROM (${sumsSql(plan, selection)})
        )
        GROUP BY service, version
        HAVING s != 0 OR t != 0 OR w != 0
      )
    )
    WHERE in_service != 0
    ORDER BY in_service DESC, service, t DESC, version LIMIT ${MAX_COSTS + 1}`;
}

/** SELECT of (service, version, function_id, self, total) from the tables of the plan; rows may repeat. */
function sumsSql(plan: MergePlan, selection: Selection): string {
  const { keys, labels, labelsOn } = selection;
  const where = labels === '' ? keys : `${keys} AND ${labelsOn('version')}`;
  const parts = plan.rollups.flatMap(({ rollup, ranges }) =>
    ranges.map(
      (range) => `SELECT service, version, function_id, self, total FROM ${rollup.table}
        WHERE ${where} AND ${within(rollup.time, range)}`,
    ),
  );
  if (plan.samples.length > 0) {
    const stacks = stacksByVersionSql(plan.samples, selection);
    parts.push(functionsOfStacksSql(stacks, ['service', 'version']));
  }
  return parts.join(' UNION ALL ');
}

/** SELECT of (service, version, frames, v): stacks of samples with their sums, as the rollups make them. */
function stacksByVersionSql(ranges: TimeRange[], selection: Selection): string {
  const { keys, serviceKeys } = selection;
  const samples = ranges.map(
    (range) => `SELECT service, series, stack_id, value * unit AS value FROM samples
      WHERE ${keys} AND ${slotsOf(range)} ${seriesIn(selection)}`,
  );
  const sums = `SELECT service, version, stack_id, sum(toInt128(value)) AS v
    FROM (${samples.join(' UNION ALL ')}) AS sample
    ANY LEFT JOIN (
      SELECT series, ${VERSION} AS version FROM series WHERE ${keys} AND ${SERIES_DAYS}
    ) AS named USING (series)
    GROUP BY service, version, stack_id`;
  return `SELECT service, version, frames, v
    FROM (
      SELECT stack_id, frames FROM stacks
      WHERE ${serviceKeys}
        AND week >= toDate({firstWeek:UInt16}) AND week <= toDate({lastWeek:UInt16})
    ) AS stack
    ANY RIGHT JOIN (${sums}) AS sums USING (stack_id)`;
}
