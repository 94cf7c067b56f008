import { BunsenError } from '../errors.ts';
import {
  insertUntilSure,
  onEveryReplica,
  pushSettings,
  SKIP_DEAD_REPLICAS,
  shardOf,
} from './cluster.ts';
import { localTable } from './cluster-ddl.ts';
import { GroupCommit } from './group-commit.ts';
import {
  DEFAULT_TENANT,
  type ProfileBatch,
  PUSH_TABLES,
  type PushTable,
  sizeBytesOf,
} from './profile-batch.ts';
import type { Rollups } from './rollups.ts';
import { SeenSet } from './seen-set.ts';
import type { Store } from './store.ts';

/** Stacks and series that are remembered as stored: 8 MiB, a week's stacks of some hundred services. */
const SEEN_KEYS = 1 << 20;

/** Pushes of a group: their ids stand in one query, once for each table. */
const GROUP_PUSHES = 500;
/** Blocks of a group: the store holds them, and as much again while it sorts them. */
const GROUP_BYTES = 32 * 1024 * 1024;

/** A group costs the store 60 ms of CPU time whatever it holds, so a busy one writes four a second. */
const GROUPS_APART_MS = 250;

const COLUMNS: Record<PushTable | 'stacks', string[]> = {
  samples: ['tenant', 'service', 'type', 'h', 'stack_id', 'series', 'slot', 'value', 'unit'],
  profiles: ['tenant', 'service', 'type', 'series', 'ts', 'total', 'n'],
  span_samples: [
    'span_id',
    'trace_id',
    'tenant',
    'service',
    'type',
    'h',
    'stack_id',
    'series',
    'slot',
    'value',
    'unit',
  ],
  stacks: ['tenant', 'service', 'week', 'stack_id', 'frames'],
};

const HOUR = `toDateTime({hour:UInt32}, 'UTC')`;

/**
 * Of the hour, as `ts` has times. Beside a time of whole seconds the engine reads `ts < 3600` as
 * `ts <= 3599`, and does not look at parts that have nothing before the last 999 ms (26.7).
 */
function millisecond(number: number): string {
  return `fromUnixTimestamp64Milli(toInt64({hour:UInt32}) * 1000 + ${number}, 'UTC')`;
}

/** Where a table keeps a push's mark: the column with its id, and what holds for rows of its hour. */
const MARKS: Record<PushTable, { id: string; inHour: string }> = {
  samples: { id: 'stack_id', inHour: `h = ${HOUR}` },
  profiles: { id: 'series', inHour: `ts >= ${millisecond(0)} AND ts < ${millisecond(3_600_000)}` },
  span_samples: { id: 'stack_id', inHour: `h = ${HOUR}` },
};

export interface WriteResult {
  /** All of the push was there before. */
  duplicate: boolean;
}

/**
 * Writes pushes, each exactly once, and those that come together in one insert per table.
 *
 * A push goes to several tables, in one part each, which appears wholly or not at all; but a crash
 * can leave it in some of them only. So every part carries the marks of its pushes, and before pushes
 * are written, the tables are asked for theirs: what is marked is there, and is left out. Each table
 * is asked by itself, so a group may hold pushes of which other tables are missing. The mark lives as
 * long as the data, so that it does not matter when or after which crash a request is repeated.
 *
 * A group is of one hour, and so of one partition in every table: its insert is one part.
 *
 * ClickHouse's own deduplication tokens do not do this for tables without replicas: their log is
 * written before the part is put in place, and a crash between the two makes the repeated insert
 * vanish (shown by killing the engine at that rename; README, "Exactly once").
 */
export class ProfileStore {
  readonly #store: Store;
  readonly #groups: GroupCommit<ProfileBatch, WriteResult>;
  /** What the workers need not encode again. */
  readonly seen = new SeenSet(SEEN_KEYS);

  /**
   * @param rollups told of what they do not have
   * @param onGroup told how many pushes were written together
   */
  constructor(store: Store, rollups: Rollups, onGroup: (pushes: number) => void = () => {}) {
    this.#store = store;
    this.#groups = new GroupCommit({
      // An hour has 3600 seconds, and so room for the number of a shard.
      keyOf: (batch) =>
        hourOf(batch) + (store.cluster ? shardOf(batch.pushId, store.cluster.shards) : 0),
      sizeBytesOf,
      maxItems: GROUP_PUSHES,
      maxBytes: GROUP_BYTES,
      apartMs: GROUPS_APART_MS,
      write: async (batches) => {
        // Before and after: a bucket that is being made meanwhile may have the group, or not.
        const touch = () => {
          for (const { timeMs } of batches) rollups.touch(timeMs);
        };
        touch();
        const results = await this.#write(batches).finally(touch);
        onGroup(batches.length);
        return results;
      },
      // What the store refuses as such, it would refuse again; that it is away is nobody's fault.
      onesFault: (error) => !(error instanceof BunsenError),
    });
  }

  /**
   * Resolves when all of the batch is durable. Must not run twice at once for one push.
   * @throws BunsenError `STORE_UNAVAILABLE`; then the same push may be written again
   */
  async write(batch: ProfileBatch): Promise<WriteResult> {
    try {
      return await this.#groups.add(batch);
    } catch (error) {
      if (!(error instanceof BunsenError) || !error.code.startsWith('QUERY_')) throw error;
      // Out of time or memory: nothing is wrong with the push, and its client must not drop it.
      throw new BunsenError('STORE_UNAVAILABLE', `the store is overloaded: ${error.message}`, {
        cause: error,
        retryAfterSeconds: 5,
      });
    }
  }

  /** @param batches of one hour, all different pushes */
  async #write(batches: ProfileBatch[]): Promise<WriteResult[]> {
    const marked = await this.#markedPushes(batches);
    const missing = PUSH_TABLES.map((table) => ({
      table,
      batches: batches.filter(({ pushId, tables }) => tables[table] && !marked[table].has(pushId)),
    })).filter((each) => each.batches.length > 0);
    const incomplete = new Set(missing.flatMap((each) => each.batches));
    // What samples refer to comes first: writing it again does no harm, missing it would.
    await this.#writeReferences([...incomplete]);
    await settleAll(missing.map(({ table, batches }) => this.#insert(table, batches)));
    return batches.map((batch) => ({ duplicate: !incomplete.has(batch) }));
  }

  /** @param batches of one hour, and in a cluster of one shard */
  async #insert(table: PushTable, batches: ProfileBatch[]): Promise<void> {
    const { cluster } = this.#store;
    const blocks = batches.flatMap(({ tables }) => tables[table] ?? []);
    if (!cluster) return this.#store.insertNative(table, COLUMNS[table], blocks);
    const pushIds = batches.map(({ pushId }) => pushId);
    const settings = pushSettings(table, pushIds, cluster);
    await insertUntilSure(() => this.#store.insertNative(table, COLUMNS[table], blocks, settings));
  }

  async #writeReferences(batches: ProfileBatch[]): Promise<void> {
    const stacks = batches.flatMap(({ stacks }) => stacks ?? []);
    const series = batches.flatMap(({ series }) => series);
    await settleAll([
      stacks.length > 0 && this.#store.insertNative('stacks', COLUMNS.stacks, stacks),
      series.length > 0 && this.#store.insertJson('series', series),
    ]);
    for (const { newKeys } of batches) for (const key of newKeys) this.seen.add(key);
  }

  /** @returns for each table, the pushes of one hour that are in it */
  async #markedPushes(batches: ProfileBatch[]): Promise<Record<PushTable, Set<bigint>>> {
    const { cluster } = this.#store;
    const hour = hourOf(batches[0] as ProfileBatch);
    // In the text, not as a parameter: those travel in the URL, which may not be as long.
    const pushes = batches.map(({ pushId }) => pushId).join(', ');
    // A table that none of them goes to need not be asked.
    const asked = PUSH_TABLES.filter((table) => batches.some(({ tables }) => tables[table]));
    const selects = asked.map((table) => {
      const { id, inHour } = MARKS[table];
      return `SELECT '${table}' AS name, ${id} AS push FROM ${cluster ? onEveryReplica(cluster, localTable(table)) : table}
       WHERE tenant = {tenant:String} AND service = '' AND type = ''
         AND ${inHour} AND ${id} IN (${pushes})`;
    });
    const rows = await this.#store.rows<{ name: PushTable; push: string }>(
      cluster
        ? `SELECT DISTINCT * FROM (${selects.join('\nUNION ALL\n')}) ${SKIP_DEAD_REPLICAS}`
        : selects.join('\nUNION ALL\n'),
      { params: { tenant: DEFAULT_TENANT, hour }, forWrite: true },
    );
    const marked = Object.fromEntries(
      PUSH_TABLES.map((table) => [table, new Set<bigint>()]),
    ) as Record<PushTable, Set<bigint>>;
    for (const { name, push } of rows) marked[name].add(BigInt(push));
    return marked;
  }
}

/** Beginning of the hour, in seconds since 1970. */
function hourOf({ timeMs }: ProfileBatch): number {
  return Math.floor(timeMs / 3_600_000) * 3600;
}

/** Waits for all, also after one has failed: nothing of a push may still be going on afterwards. */
async function settleAll(actions: (Promise<void> | undefined | false)[]): Promise<void> {
  const results = await Promise.allSettled(actions);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
