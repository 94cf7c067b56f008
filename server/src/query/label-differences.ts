import {
  type LabelDifferencesResponse,
  NO_STACK_FRAME,
  parseFrame,
  parseProfileType,
} from '@bunsen/profile';
import { functionOf } from '../store/function-sql.ts';
import type { Store } from '../store/store.ts';
import { slotsOf } from '../store/time-sql.ts';
import type { TimeRange } from '../time.ts';
import { mergeParams, WEEKS } from './merge-plan.ts';
import { wholeSlots } from './observations.ts';
import {
  checkSelection,
  keyColumn,
  SERIES_DAYS,
  type Selection,
  selectionOf,
  seriesIn,
} from './selection.ts';
import { warnIfExpired } from './series.ts';

/** Functions that are named of each value. */
const FUNCTIONS = 3;

export interface LabelDifferencesRequest {
  query: string;
  range: TimeRange;
  label: string;
  /** Values of the answer. */
  limit: number;
  signal?: AbortSignal;
}

interface ValueRow {
  label_value: string;
  own: number;
  whole: number;
  distance: number;
  chance: number;
  functions: [text: string, share: number, restShare: number][];
}

/**
 * Values of a label, those first that are least like all others together in what they spend in which
 * function, by more than chance.
 * @throws ProfileError or BunsenError if the query is wrong or passes a limit
 */
export async function queryLabelDifferences(
  store: Store,
  { query, range, label, limit, signal }: LabelDifferencesRequest,
): Promise<LabelDifferencesResponse> {
  const slots = wholeSlots(range);
  const selection = selectionOf(query, slots, true);
  const [warnings, rows] = await Promise.all([
    checkSelection(store, selection, { signal }),
    store.rows<ValueRow>(`${differencesSql(cellsSql(selection, label))} LIMIT ${limit}`, {
      params: { ...mergeParams(selection), label },
      signal,
    }),
  ]);
  warnIfExpired(store, slots, warnings);
  return {
    profileType: selection.profileType,
    label,
    unit: parseProfileType(selection.profileType).sampleUnit,
    ...slots,
    total: rows[0]?.whole ?? 0,
    values: rows.map(({ label_value: value, own, distance, chance, functions }) => ({
      value,
      total: own,
      distance,
      chance,
      functions: functions.map(([text, share, restShare]) => {
        const { name, module } = parseFrame(text);
        return { name, module, share, restShare };
      }),
    })),
    warnings,
  };
}

/**
 * SELECT of (label_value, function, v, n): the self values of each function, and of how many samples
 * they are, as far as values are counts of a period.
 */
function cellsSql(selection: Selection, label: string): string {
  const column = keyColumn(label);
  const samples = (key: string) =>
    `SELECT ${key}, stack_id, sum(toInt128(value * unit)) AS v, sum(toInt128(value)) AS n
     FROM samples WHERE ${selection.keys} AND ${slotsOf(selection.range)} ${seriesIn(selection)}
     GROUP BY ${key.replace(/^.* AS /, '')}, stack_id`;
  const sums = column
    ? samples(`toString(${column}) AS label_value`)
    : `SELECT named.label_value AS label_value, stack_id, v, n
       FROM (${samples('series')}) AS sums
       INNER JOIN (
         SELECT series, any(labels[{label:String}]) AS label_value FROM series
         WHERE ${selection.keys} AND ${SERIES_DAYS} GROUP BY series
       ) AS named ON sums.series = named.series`;
  // One row a stack on the right side of the join, whatever values have it.
  return `SELECT cell.1 AS label_value, function,
      toFloat64(sum(cell.2)) AS v, toFloat64(sum(cell.3)) AS n
    FROM (
      SELECT cells, if(empty(frames), '${NO_STACK_FRAME}', ${functionOf('frames[-1]')}) AS function
      FROM (SELECT stack_id, frames FROM stacks WHERE ${selection.serviceKeys} AND ${WEEKS}) AS stack
      ANY RIGHT JOIN (
        SELECT stack_id, groupArray((label_value, v, n)) AS cells FROM (${sums}) GROUP BY stack_id
      ) AS merged ON stack.stack_id = merged.stack_id
    ) ARRAY JOIN cells AS cell
    GROUP BY label_value, function HAVING v > 0`;
}

/**
 * SELECT of {@link ValueRow}s, in order. `p` and `r` are the shares of a function of the value and of
 * the rest. A function that the value does not have makes no row: all of those together are
 * `1 - sum(r)`.
 *
 * Chance: of `n` samples, the share of a function that has `q` of all is off by
 * `sqrt(2 q (1 - q) / (pi n))` on average, and never by more than `2 q`. `g` is the part of that which
 * the function brings, `all_g` its sum over all functions.
 */
function differencesSql(cells: string): string {
  return `SELECT label_value, any(own) AS own, any(whole) AS whole,
      if(whole > own, least(1, greatest(0, (sum(abs(p - r)) + 1 - sum(r)) / 2)), 0) AS distance,
      if(whole > own, least(1, greatest(0, (sum(least(c * g, 2 * q))
        + least(any(c) * (any(all_g) - sum(g)), 2 * (1 - sum(q)))) / 2)), 0) AS chance,
      arraySlice(arraySort(each -> -abs(each.2 - each.3), groupArray((function, p, r))), 1, ${FUNCTIONS})
        AS functions
    FROM (
      SELECT label_value, function, own, whole, q, g,
        v / own AS p, if(whole > own, (f - v) / (whole - own), 0) AS r,
        sum(g / having) OVER () AS all_g,
        sqrt(2 / pi() * (1 / greatest(own_n, 1) + 1 / greatest(whole_n - own_n, 1))) AS c
      FROM (
        SELECT *, f / whole AS q, sqrt(q * (1 - q)) AS g
        FROM (
          SELECT label_value, function, v,
            sum(v) OVER (PARTITION BY label_value) AS own, sum(v) OVER () AS whole,
            sum(v) OVER (PARTITION BY function) AS f, count() OVER (PARTITION BY function) AS having,
            sum(n) OVER (PARTITION BY label_value) AS own_n, sum(n) OVER () AS whole_n
          FROM (${cells})
        )
      )
    ) GROUP BY label_value ORDER BY distance - chance DESC, own DESC, label_value`;
}
