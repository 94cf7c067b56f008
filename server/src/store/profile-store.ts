import { BunsenError } from '../errors.ts';
import { DEFAULT_TENANT, type ProfileBatch, PUSH_TABLES, type PushTable } from './profile-batch.ts';
import { SeenSet } from './seen-set.ts';
import type { Store } from './store.ts';

/** Stacks and series that are remembered as stored: 8 MiB, a week's stacks of some hundred services. */
const SEEN_KEYS = 1 << 20;

const SAMPLE_KEYS = ['tenant', 'service', 'type', 'h', 'stack_id'];
const FUNCTION_COLUMNS = ['tenant', 'service', 'type', 'function_id', 'version', 'self', 'total'];
const COLUMNS: Record<PushTable | 'stacks' | 'functions', string[]> = {
  samples: [...SAMPLE_KEYS, 'series', 'slot', 'value', 'unit'],
  samples_1h: [...SAMPLE_KEYS, 'total'],
  profiles: ['tenant', 'service', 'type', 'series', 'ts', 'total', 'n'],
  function_minutes: [...FUNCTION_COLUMNS, 'minute'],
  function_hours: [...FUNCTION_COLUMNS, 'h'],
  stacks: ['tenant', 'service', 'week', 'stack_id', 'frames'],
  functions: ['tenant', 'week', 'function_id', 'function'],
};

/**
 * Writes pushes, each exactly once.
 *
 * A push goes to five tables, in one part each, which appears wholly or not at all; but a crash can
 * leave it in some of them only. So every part carries a mark of its push, and before a push is
 * written, the tables are asked for it: what is marked is there, and is left out. The mark lives as
 * long as the data, so that it does not matter when or after which crash a request is repeated.
 *
 * ClickHouse's own deduplication tokens do not do this for tables without replicas: their log is
 * written before the part is put in place, and a crash between the two makes the repeated insert
 * vanish (shown by killing the engine at that rename; README, "Exactly once").
 */
export class ProfileStore {
  readonly #store: Store;
  /** What the workers need not encode again. */
  readonly seen = new SeenSet(SEEN_KEYS);

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Resolves when all of the batch is durable. Must not run twice at once for one push.
   * @returns whether all of it was there before
   * @throws BunsenError `STORE_UNAVAILABLE`; then the same push may be written again
   */
  async write(batch: ProfileBatch): Promise<{ duplicate: boolean }> {
    try {
      return await this.#write(batch);
    } catch (error) {
      if (!(error instanceof BunsenError) || !error.code.startsWith('QUERY_')) throw error;
      // Out of time or memory: nothing is wrong with the push, and its client must not drop it.
      throw new BunsenError('STORE_UNAVAILABLE', `the store is overloaded: ${error.message}`, {
        cause: error,
        retryAfterSeconds: 5,
      });
    }
  }

  async #write(batch: ProfileBatch): Promise<{ duplicate: boolean }> {
    const marked = await this.#markedTables(batch);
    const missing = PUSH_TABLES.filter((table) => !marked.has(table));
    if (missing.length === 0) return { duplicate: true };
    // What samples refer to comes first: writing it again does no harm, missing it would.
    await settleAll([
      batch.stacks && this.#store.insertNative('stacks', COLUMNS.stacks, batch.stacks),
      batch.functions && this.#store.insertNative('functions', COLUMNS.functions, batch.functions),
      batch.series.length > 0 && this.#store.insertJson('series', batch.series),
    ]);
    for (const key of batch.newKeys) this.seen.add(key);
    await settleAll(
      missing.map((table) => this.#store.insertNative(table, COLUMNS[table], batch.tables[table])),
    );
    return { duplicate: false };
  }

  async #markedTables({ pushId, hour }: ProfileBatch): Promise<Set<PushTable>> {
    const mark = `tenant = {tenant:String} AND service = '' AND type = ''`;
    const at = `toDateTime({hour:UInt32}, 'UTC')`;
    const rows = await this.#store.rows<{ name: PushTable }>(
      `SELECT 'samples' AS name FROM samples WHERE ${mark} AND h = ${at} AND stack_id = {push:UInt64}
       UNION ALL
       SELECT 'samples_1h' FROM samples_1h WHERE ${mark} AND h = ${at} AND stack_id = {push:UInt64}
       UNION ALL
       SELECT 'profiles' FROM profiles WHERE ${mark} AND series = {push:UInt64}
         AND ts >= ${at} AND ts < ${at} + INTERVAL 1 HOUR
       UNION ALL
       SELECT 'function_minutes' FROM function_minutes WHERE ${mark} AND function_id = {push:UInt64}
         AND minute >= ${at} AND minute < ${at} + INTERVAL 1 HOUR
       UNION ALL
       SELECT 'function_hours' FROM function_hours WHERE ${mark} AND function_id = {push:UInt64} AND h = ${at}`,
      { params: { tenant: DEFAULT_TENANT, hour, push: String(pushId) } },
    );
    return new Set(rows.map(({ name }) => name));
  }
}

/** Waits for all, also after one has failed: nothing of a push may still be going on afterwards. */
async function settleAll(actions: (Promise<void> | undefined | false)[]): Promise<void> {
  const results = await Promise.allSettled(actions);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
