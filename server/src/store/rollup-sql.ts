import { SLOT_MS } from '@bunsen/profile';
import { DAY_MS, HOUR_MS, MINUTE_MS, type TimeRange } from '../time.ts';
import { functionsOfStacksSql, VERSION } from './function-sql.ts';
import { secondSql, slotsOf, within } from './time-sql.ts';

/** A table with sums of another one. Each bucket of time is made by itself. */
export interface Rollup {
  table: RollupTable;
  /** Width of a bucket; `time` is the column with its beginning. */
  bucketMs: number;
  time: string;
  /** What tells rows apart; the bucket is one of them. */
  keys: string[];
  sums: string[];
  /** The rollup whose rows are summed; undefined = the samples. */
  from: RollupTable | undefined;
  /** SELECT of (...keys, ...sums) for whole buckets; rows may repeat keys. */
  source: (range: TimeRange) => string;
}

export const ROLLUP_TABLES = [
  'samples_1h',
  'samples_1d',
  'function_minutes',
  'function_hours',
  'function_days',
] as const;
export type RollupTable = (typeof ROLLUP_TABLES)[number];

const SERIES_KEYS = ['tenant', 'service', 'type'];
const STACK_KEYS = [...SERIES_KEYS, 'stack_id'];
const FUNCTION_KEYS = [...SERIES_KEYS, 'function_id', 'version'];

/** Each after the one that it is made from. */
export const ROLLUPS: readonly Rollup[] = [
  {
    table: 'samples_1h',
    bucketMs: HOUR_MS,
    time: 'h',
    keys: [...STACK_KEYS, 'h'],
    sums: ['total'],
    from: undefined,
    source: (range) => `SELECT tenant, service, type, h, stack_id, sum(value * unit) AS total
      FROM samples WHERE type != '' AND ${within('h', range)}
      GROUP BY tenant, service, type, h, stack_id SETTINGS optimize_aggregation_in_order = 1`,
  },
  {
    table: 'samples_1d',
    bucketMs: DAY_MS,
    time: 'day',
    keys: [...STACK_KEYS, 'day'],
    sums: ['total'],
    from: 'samples_1h',
    source: (range) => `SELECT tenant, service, type, stack_id, toStartOfDay(h) AS day, total
      FROM samples_1h WHERE type != '' AND ${within('h', range)}`,
  },
  {
    table: 'function_minutes',
    bucketMs: MINUTE_MS,
    time: 'minute',
    keys: [...FUNCTION_KEYS, 'minute'],
    sums: ['self', 'total'],
    from: undefined,
    source: functionMinutes,
  },
  {
    table: 'function_hours',
    bucketMs: HOUR_MS,
    time: 'h',
    keys: [...FUNCTION_KEYS, 'h'],
    sums: ['self', 'total'],
    from: 'function_minutes',
    source: (range) => `SELECT ${FUNCTION_KEYS}, toStartOfHour(minute) AS h, self, total
      FROM function_minutes WHERE ${within('minute', range)}`,
  },
  {
    table: 'function_days',
    bucketMs: DAY_MS,
    time: 'day',
    keys: [...FUNCTION_KEYS, 'day'],
    sums: ['self', 'total'],
    from: 'function_hours',
    source: (range) => `SELECT ${FUNCTION_KEYS}, toStartOfDay(h) AS day, self, total
      FROM function_hours WHERE ${within('h', range)}`,
  },
];

/**
 * Summed by stack before stacks are taken apart, as a fleet repeats them. Joins are by id alone, which
 * is a hash of what the row says. The stacks stream past the sums; RIGHT keeps a sum whose stack is missing, and ANY takes one of a stack's rows where it was
 * written twice.
 * @param range inside of one day
 */
function functionMinutes(range: TimeRange): string {
  const day = `toDate(${secondSql(range.fromMs)})`;
  const sums = `SELECT tenant, service, type, version, minute, stack_id, sum(value * unit) AS v
    FROM (
      SELECT tenant, service, type, series, stack_id, value, unit,
        h + intDiv(slot, ${MINUTE_MS / SLOT_MS}) * 60 AS minute
      FROM samples WHERE type != '' AND ${slotsOf(range)}
    ) AS sample
    ANY LEFT JOIN (
      SELECT series, ${VERSION} AS version FROM series WHERE day = ${day}
    ) AS named USING (series)
    GROUP BY tenant, service, type, version, minute, stack_id`;
  // Grouping by two numbers takes a third of the time of grouping by the texts that they stand for.
  const keys = [...SERIES_KEYS, 'version', 'minute'];
  const stacks = `SELECT ${keys.join(', ')}, cityHash64(${keys.join(', ')}) AS keys_hash, v, frames
    FROM (SELECT stack_id, frames FROM stacks WHERE week = toMonday(${day})) AS stack
    ANY RIGHT JOIN (${sums}) AS sums USING (stack_id)`;
  return `SELECT ${keys.map((key) => `any(${key}) AS ${key}`).join(', ')}, function_id,
      sum(self) AS self, sum(total) AS total
    FROM (${functionsOfStacksSql(stacks, ['keys_hash', ...keys])})
    GROUP BY keys_hash, function_id`;
}

/**
 * INSERT that makes buckets equal to their source, whatever was there: it adds what is missing and
 * takes away what is too much. So it may be repeated, and a bucket that was made too early, twice or
 * in part is mended by making it again.
 * @param range whole buckets
 */
export function reconcileSql(
  { table, keys, sums, time, source }: Rollup,
  range: TimeRange,
): string {
  const names = (prefix: string) => sums.map((sum) => `${prefix}${sum} AS d_${sum}`).join(', ');
  return `INSERT INTO ${table} (${[...keys, ...sums].join(', ')})
    SELECT ${keys.join(', ')}, ${sums.map((sum) => `sum(d_${sum}) AS s_${sum}`).join(', ')}
    FROM (
      SELECT ${keys.join(', ')}, ${names('')} FROM (${source(range)})
      UNION ALL
      SELECT ${keys.join(', ')}, ${names('-')} FROM ${table} WHERE ${within(time, range)}
    )
    GROUP BY ${keys.join(', ')}
    HAVING ${sums.map((sum) => `s_${sum} != 0`).join(' OR ')}`;
}

export function rollupOf(table: RollupTable): Rollup {
  return ROLLUPS.find((rollup) => rollup.table === table) as Rollup;
}
