import { setTimeout as sleep } from 'node:timers/promises';
import { SLOT_MS } from '@bunsen/profile';
import { DAY_MS, HOUR_MS, MINUTE_MS, type TimeRange } from '../time.ts';
import { BucketSet } from './bucket-set.ts';
import { DEFAULT_TENANT } from './profile-batch.ts';
import { rawMsOf } from './retention.ts';
import { ROLLUPS, type Rollup, type RollupTable, reconcileSql, rollupOf } from './rollup-sql.ts';
import type { Store } from './store.ts';
import { within } from './time-sql.ts';

/** On average: never in step with another server, or both would make the same at once, over and over. */
const EVERY_MS = 15_000;
/** An agent sends a window of 15 s when it is over: a minute is complete soon after its end. */
const COMPLETE_AFTER_MS = 45_000;
/** What is late is summed up again at most so often; meanwhile its bucket is read from the samples. */
const LATE_EVERY_MS = 5 * MINUTE_MS;
const LATE_AFTER_MS = 10 * MINUTE_MS;
/** Another server's pushes are known when the store has been asked: until then, a bucket is open. */
const OTHERS_MS = 2 * MINUTE_MS;
/** Sample rows that are summed in one statement: what it holds in memory grows with them. */
const STATEMENT_ROWS = 4_000_000;

/** What queries ask: whether a bucket of a rollup has all that its samples have. */
export interface RollupStatus {
  isSettled: (table: RollupTable, bucketMs: number) => boolean;
}

/**
 * Keeps the rollups equal to the samples. A bucket is made when its time is over, and again when
 * something has come late; until then queries read what it is made of.
 *
 * The store itself knows what is missing: samples have a mark of each push, and `rollup_state` says
 * of how many pushes a bucket was made. So nothing is lost by a crash, and a bucket that was made
 * twice, by two servers, is found and mended.
 */
export class Rollups implements RollupStatus {
  readonly #store: Store;
  readonly #onWarning: (message: string) => void;
  readonly #open = new Map(
    ROLLUPS.map(({ table, bucketMs }) => [table, new BucketSet(bucketMs)] as const),
  );
  readonly #stopped = new AbortController();
  /** When the store was last asked what is missing; 0 = never. */
  #askedMs = 0;
  #lateMs = 0;
  #running: Promise<void> = Promise.resolve();
  #loop: Promise<void> | undefined;

  constructor(store: Store, onWarning: (message: string) => void) {
    this.#store = store;
    this.#onWarning = onWarning;
  }

  /** Must be told of a push before and after it is written. */
  touch(timeMs: number): void {
    for (const open of this.#open.values()) open.add(timeMs);
  }

  isSettled(table: RollupTable, bucketMs: number): boolean {
    const open = this.#openOf(table);
    return bucketMs + open.widthMs <= this.#askedMs - OTHERS_MS && !open.has(bucketMs);
  }

  /** Buckets that are not up to date, by table: also those whose time is not over. */
  openBuckets(): { table: RollupTable; buckets: number }[] {
    return ROLLUPS.map(({ table }) => ({ table, buckets: this.#openOf(table).size }));
  }

  /** Asks the store what is missing; before that, nothing may be queried. */
  async load(): Promise<void> {
    await this.#ask();
  }

  /** From here on, it makes what is due by itself. */
  start(): void {
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    let failing = false;
    while (!signal.aborted) {
      try {
        await this.makeDue();
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted) {
          this.#onWarning(`rollups could not be made: ${(error as Error).message}`);
        }
        failing = true;
      }
      await sleep(EVERY_MS * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  /** Makes the buckets that are over, and have not been waited for long enough, of their pushes. */
  makeDue(): Promise<void> {
    const nowMs = Date.now();
    const late = nowMs - this.#lateMs >= LATE_EVERY_MS;
    if (late) this.#lateMs = nowMs;
    return this.#make(({ untilMs }) => {
      const agoMs = nowMs - untilMs;
      return agoMs >= COMPLETE_AFTER_MS && (late || agoMs < LATE_AFTER_MS);
    });
  }

  /** Makes every bucket that is not up to date, also those whose time is not over. */
  makeAll(): Promise<void> {
    return this.#make(() => true);
  }

  /**
   * Makes the buckets of a range again after samples of it have changed, though they may have all
   * pushes. It waits for a making that is under way, which may have read what was there before.
   */
  makeAgain(range: TimeRange): Promise<void> {
    return this.#alone(async () => {
      await this.#reopen(range);
      await this.#makeNow(
        ({ fromMs, untilMs }) => untilMs > range.fromMs && fromMs < range.untilMs,
      );
    });
  }

  /** Makes buckets of hours that are there, though their samples may not. @param range whole buckets */
  remake(table: RollupTable, range: TimeRange): Promise<void> {
    return this.#alone(() => this.#store.command(reconcileSql(rollupOf(table), range)));
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
    await this.#running.catch(() => {});
  }

  #make(isDue: (bucket: TimeRange) => boolean): Promise<void> {
    return this.#alone(() => this.#makeNow(isDue));
  }

  /** One at a time: what is noted of a bucket is of what was there when its making began. */
  #alone(work: () => Promise<void>): Promise<void> {
    const run = this.#running.catch(() => {}).then(work);
    this.#running = run;
    return run;
  }

  /** Buckets of the range are not up to date from now on. */
  async #reopen({ fromMs, untilMs }: TimeRange): Promise<void> {
    const untilMost = Math.min(untilMs, Date.now() + DAY_MS);
    const conditions = ROLLUPS.map(({ table, bucketMs }) => {
      const first = Math.floor(fromMs / bucketMs) * bucketMs;
      for (let ms = first; ms < untilMost; ms += bucketMs) this.#openOf(table).add(ms);
      return `(name = '${table}' AND bucket >= ${first / 1000} AND bucket < ${Math.ceil(untilMs / 1000)})`;
    });
    await this.#store.command(
      `INSERT INTO rollup_state (tenant, name, bucket, pushes)
       SELECT tenant, name, bucket, 0 FROM rollup_state FINAL WHERE ${conditions.join(' OR ')}`,
    );
  }

  async #makeNow(isDue: (bucket: TimeRange) => boolean): Promise<void> {
    const missing = await this.#ask();
    for (const rollup of ROLLUPS) {
      const { table, bucketMs, from } = rollup;
      const open = this.#openOf(table);
      const asked = missing.get(table) ?? new Map<number, Missing>();
      const due = [...asked.keys()]
        .filter(
          (bucket) =>
            isDue({ fromMs: bucket, untilMs: bucket + bucketMs }) &&
            !(from && this.#openOf(from).hasWithin(bucket, bucket + bucketMs)),
        )
        .sort((a, b) => a - b);
      for (const buckets of await this.#statements(rollup, due)) {
        if (this.#stopped.signal.aborted) return;
        const before = open.now;
        const made = await this.#makeBuckets(rollup, buckets, asked);
        for (const bucket of made) open.settle(bucket, before);
      }
    }
  }

  /**
   * A bucket of which another server has noted something meanwhile stays open: what was read may have
   * been deleted since, or both have added the same. So do those that it may have made of it.
   * @returns those that are up to date
   */
  async #makeBuckets(
    rollup: Rollup,
    buckets: number[],
    asked: Map<number, Missing>,
  ): Promise<number[]> {
    const { table, bucketMs } = rollup;
    const range = {
      fromMs: buckets[0] as number,
      untilMs: (buckets.at(-1) as number) + bucketMs,
    };
    await this.#store.command(reconcileSql(rollup, range));
    const noted = await this.#lastNotes(table, range);
    const made = buckets.filter(
      (bucket) => asked.get(bucket)?.noted === (noted.get(bucket) ?? NEVER),
    );
    await this.#store.insertJson(
      'rollup_state',
      made.map((bucket) => ({
        tenant: DEFAULT_TENANT,
        name: table,
        bucket: bucket / 1000,
        pushes: asked.get(bucket)?.pushes,
      })),
    );
    if (made.length < buckets.length) await this.#reopen(range);
    return made;
  }

  /** When something was last noted of buckets. */
  async #lastNotes(table: RollupTable, range: TimeRange): Promise<Map<number, string>> {
    const rows = await this.#store.rows<{ start: number; noted: string }>(
      `SELECT toUnixTimestamp(bucket) AS start, toString(max(at)) AS noted FROM rollup_state
       WHERE tenant = {tenant:String} AND name = {table:String} AND ${within('bucket', range)}
       GROUP BY bucket`,
      { params: { tenant: DEFAULT_TENANT, table }, forWrite: true },
    );
    return new Map(rows.map(({ start, noted }) => [start * 1000, noted]));
  }

  /**
   * Buckets that one statement makes: minutes of one day, of not too many rows. What lies between
   * them is made again, which costs less than a statement each: all of them look at all stacks.
   */
  async #statements({ bucketMs }: Rollup, due: number[]): Promise<number[][]> {
    if (bucketMs !== MINUTE_MS || due.length < 2) return due.map((bucket) => [bucket]);
    const rows = await this.#sampleRows(due[0] as number, (due.at(-1) as number) + MINUTE_MS);
    const statements: number[][] = [];
    let sum = Number.POSITIVE_INFINITY;
    let last = 0;
    for (const minute of due) {
      if (Math.floor(minute / DAY_MS) !== Math.floor(last / DAY_MS)) sum = Number.POSITIVE_INFINITY;
      for (let ms = last + MINUTE_MS; ms <= minute && sum <= STATEMENT_ROWS; ms += MINUTE_MS) {
        sum += rows.get(ms) ?? 0;
      }
      if (sum > STATEMENT_ROWS) {
        statements.push([]);
        sum = rows.get(minute) ?? 0;
      }
      statements.at(-1)?.push(minute);
      last = minute;
    }
    return statements;
  }

  /** Sample rows by minute. */
  async #sampleRows(fromMs: number, untilMs: number): Promise<Map<number, number>> {
    const rows = await this.#store.rows<{ minute: number; n: number }>(
      `SELECT toUnixTimestamp(toStartOfMinute(ts)) AS minute, toFloat64(sum(n)) AS n FROM profiles
       WHERE tenant = {tenant:String} AND ts >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC')
         AND ts < fromUnixTimestamp64Milli({untilMs:Int64}, 'UTC') GROUP BY minute`,
      { params: { tenant: DEFAULT_TENANT, fromMs, untilMs }, forWrite: true },
    );
    return new Map(rows.map(({ minute, n }) => [minute * 1000, n]));
  }

  /**
   * Asks the store which buckets were made of another number of pushes than there are.
   * @returns those, by their beginning
   */
  async #ask(): Promise<Map<RollupTable, Map<number, Missing>>> {
    const askedMs = Date.now();
    const before = new Map(ROLLUPS.map(({ table }) => [table, this.#openOf(table).now]));
    const oldestMs = askedMs - rawMsOf(this.#store.retention);
    const rows = await this.#store.rows<Missing & { name: RollupTable; bucket: number }>(
      MISSING_SQL,
      {
        params: { tenant: DEFAULT_TENANT, oldest: Math.ceil(oldestMs / HOUR_MS) * 3600 },
        forWrite: true,
      },
    );
    const missing = new Map(ROLLUPS.map(({ table }) => [table, new Map<number, Missing>()]));
    for (const { name, bucket, pushes, noted } of rows) {
      // A bucket of which some samples may have expired stays as it is.
      if (bucket * 1000 >= oldestMs) missing.get(name)?.set(bucket * 1000, { pushes, noted });
    }
    for (const [table, buckets] of missing) {
      const open = this.#openOf(table);
      for (const bucket of open.buckets) {
        if (!buckets.has(bucket)) open.settle(bucket, before.get(table) as number);
      }
      for (const bucket of buckets.keys()) if (!open.has(bucket)) open.add(bucket);
    }
    this.#askedMs = askedMs;
    return missing;
  }

  #openOf(table: RollupTable): BucketSet {
    return this.#open.get(table) as BucketSet;
  }
}

/** A bucket that was made of another number of pushes than there are. */
interface Missing {
  /** That there are. */
  pushes: number;
  /** When something was last noted of it, by any server. */
  noted: string;
}

/** Of a bucket that was never noted. */
const NEVER = '1970-01-01 00:00:00.000000';

/** SELECT of (name, bucket, pushes, noted): a row for each {@link Missing}. */
const MISSING_SQL = `
  SELECT name, toUnixTimestamp(bucket) AS bucket, toUInt32(sum(there)) AS pushes,
    toString(max(noted_at)) AS noted
  FROM (
    SELECT tupleElement(made_of, 1) AS name, tupleElement(made_of, 2) AS bucket, there, 0 AS made,
      toDateTime64(0, 6, 'UTC') AS noted_at
    FROM (
      SELECT h + intDiv(slot, ${MINUTE_MS / SLOT_MS}) * 60 AS minute, count() AS there FROM samples
      WHERE tenant = {tenant:String} AND service = '' AND type = '' AND h >= {oldest:UInt32}
      GROUP BY minute
    )
    ARRAY JOIN [${ROLLUPS.map(
      ({ table, bucketMs }) =>
        `('${table}', toStartOfInterval(minute, INTERVAL ${bucketMs / 1000} SECOND))`,
    ).join(', ')}] AS made_of
    UNION ALL
    SELECT name, bucket, 0 AS there, argMax(pushes, at) AS made, max(at) AS noted_at FROM rollup_state
    WHERE tenant = {tenant:String} AND bucket >= {oldest:UInt32} GROUP BY name, bucket
  )
  GROUP BY name, bucket HAVING sum(there) != sum(made)`;
