import { onEveryReplica, SKIP_DEAD_REPLICAS } from './cluster.ts';
import { clusterStatements, localTable, quote } from './cluster-ddl.ts';
import type { Store } from './store.ts';

/** How long samples are kept. */
export function rawMsOf({ rawDays }: Retention): number {
  return rawDays * 86_400_000;
}

/** How long what is kept, in days; each at least as long as the one before. */
export interface Retention {
  /** Samples and other rows of a single time. */
  rawDays: number;
  /** Sums by the hour, and the totals of profiles. */
  hourlyDays: number;
  /** Sums by the day. */
  dailyDays: number;
}

/**
 * A stack is written once a week, so what refers to it may be six days younger; and a month's part of
 * daily sums goes as a whole, so that its first day lives a month longer than the last.
 */
const REFERENCE_DAYS = 7 + 31;

/**
 * Days that each table keeps its rows. What a row refers to, such as its stack, must be there as long
 * as the row is: those tables outlive all that refers to them.
 */
function daysOf({ rawDays, hourlyDays, dailyDays }: Retention): Record<string, number> {
  return {
    samples: rawDays,
    span_samples: rawDays,
    function_minutes: rawDays,
    samples_1h: hourlyDays,
    function_hours: hourlyDays,
    profiles: hourlyDays,
    adhoc_profiles: hourlyDays,
    agent_reports: rawDays,
    samples_1d: dailyDays,
    function_days: dailyDays,
    rollup_state: dailyDays,
    series: hourlyDays + REFERENCE_DAYS,
    stacks: dailyDays + REFERENCE_DAYS,
    functions: dailyDays + REFERENCE_DAYS,
  };
}

/**
 * Makes the tables keep their rows as long as the options say. Parts that there are get the new time
 * too: without that (`materialize_ttl_after_modify = 0`) they would keep the one that they were
 * written with, and a longer retention would still lose them. It is cheap, as the parts' times are
 * computed anew and no row is written (`materialize_ttl_recalculate_only`).
 * @returns a line for each table that was changed
 * @throws Error if a table expires by a rule that is not known here
 */
export async function applyRetention(store: Store): Promise<string[]> {
  const { cluster } = store;
  const wanted = daysOf(store.retention);
  const changes: string[] = [];
  for (const { table, engine } of await expiringTables(store)) {
    const ttl = /\bTTL (.+?) \+ toIntervalDay\((\d+)\)(?: SETTINGS|$)/.exec(engine);
    const days = wanted[table];
    if (!ttl || days === undefined) {
      throw new Error(`it is not known how long the table ${table} is to be kept: ${engine}`);
    }
    if (Number(ttl[2]) === days) continue;
    for (const statement of [
      `ALTER TABLE ${table} MODIFY SETTING materialize_ttl_recalculate_only = 1`,
      `ALTER TABLE ${table} MODIFY TTL ${ttl[1]} + toIntervalDay(${days})`,
    ]) {
      for (const each of cluster ? clusterStatements(statement, cluster) : [statement]) {
        await store.command(each);
      }
    }
    changes.push(`${table} keeps its rows ${days} days now, before it was ${ttl[2]}`);
  }
  return changes;
}

const HAS_TTL = `position(engine_full, ' TTL ') > 0`;

/** Tables with a TTL, by plain name; of a cluster, once for each engine that a replica has it with. */
async function expiringTables(store: Store): Promise<{ table: string; engine: string }[]> {
  const { cluster } = store;
  const suffix = localTable('');
  const rows = await store.rows<{ name: string; engine: string }>(
    cluster
      ? `SELECT DISTINCT name, engine_full AS engine
         FROM ${onEveryReplica({ ...cluster, database: 'system' }, 'tables')}
         WHERE database = ${quote(cluster.database)} AND ${HAS_TTL} ORDER BY name ${SKIP_DEAD_REPLICAS}`
      : `SELECT name, engine_full AS engine FROM system.tables
         WHERE database = currentDatabase() AND ${HAS_TTL} ORDER BY name`,
  );
  return rows.map(({ name, engine }) => ({
    table: cluster && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name,
    engine,
  }));
}
