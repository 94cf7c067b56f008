import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deletion, DeletionState } from '@bunsen/profile';
import { mutate } from '../store/mutate.ts';
import { DEFAULT_TENANT } from '../store/profile-batch.ts';
import { type RollupTable, rollupOf } from '../store/rollup-sql.ts';
import type { Rollups } from '../store/rollups.ts';
import type { SeenSet } from '../store/seen-set.ts';
import type { Store } from '../store/store.ts';
import { dateTimeText, secondSql, slotsOf, within } from '../store/time-sql.ts';
import { DAY_MS, type TimeRange } from '../time.ts';
import {
  checkReach,
  deletionRange,
  oldestHours,
  oldestSamples,
  type SentRange,
} from './deletion-range.ts';
import {
  checkSelection,
  PROFILE_TIMES,
  rangeParams,
  type Selection,
  selectionOf,
  seriesIn,
} from './selection.ts';

const RETRY_MS = 5_000;

/**
 * Deletes what a selector matches in a range, from every table. A deletion is noted before it begins,
 * and taken up again after a crash; each of its steps may be repeated.
 *
 * Samples go first. Only then are the rollups of their time opened and made again of what is left,
 * whoever has made them meanwhile. Marks of pushes stay: a push that is repeated later was stored, and
 * does not come back.
 */
export class Deletions {
  readonly #store: Store;
  readonly #rollups: Rollups;
  readonly #seen: SeenSet;
  readonly #onWarning: (message: string) => void;
  readonly #stopped = new AbortController();
  /** One after the other: each rewrites parts. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    store: Store,
    {
      rollups,
      seen,
      onWarning,
    }: { rollups: Rollups; seen: SeenSet; onWarning: (message: string) => void },
  ) {
    this.#store = store;
    this.#rollups = rollups;
    this.#seen = seen;
    this.#onWarning = onWarning;
  }

  /** Takes up what was not finished. */
  async resume(): Promise<void> {
    for (const deletion of await this.list()) {
      if (deletion.state === 'running') void this.#enqueue(deletion);
    }
  }

  /** The latest first. */
  async list(): Promise<Deletion[]> {
    return this.#store.rows<Deletion>(
      `SELECT toString(id) AS id, query, toFloat64(toUnixTimestamp64Milli(range_from)) AS fromMs,
         toFloat64(toUnixTimestamp64Milli(range_until)) AS untilMs,
         toFloat64(toUnixTimestamp64Milli(requested)) AS requestedMs, state
       FROM deletions FINAL WHERE tenant = {tenant:String} ORDER BY requested DESC LIMIT 1000`,
      { params: { tenant: DEFAULT_TENANT } },
    );
  }

  /**
   * Notes a deletion and begins it.
   * @param query `type{matchers}`; without a type, of all types
   * @param sent its times; the answer says what range that is
   * @param waitMs how long to wait for its end
   * @returns what it has come to by then
   * @throws ProfileError or BunsenError if it cannot be done as asked; then nothing is deleted
   */
  async request(query: string, sent: SentRange, waitMs: number): Promise<Deletion> {
    const { retention } = this.#store;
    const nowMs = Date.now();
    const range = deletionRange(sent, retention, nowMs);
    const selection = selectionOf(query, range, false);
    checkReach(selection, sent, retention, nowMs);
    await checkSelection(this.#store, selection, {});
    const deletion: Deletion = {
      id: randomUUID(),
      query,
      ...range,
      requestedMs: nowMs,
      state: 'running',
    };
    await this.#note(deletion);
    const end = this.#enqueue(deletion);
    const state = await Promise.race([end, sleep(waitMs, 'running' as const, { ref: false })]);
    return { ...deletion, state };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#last;
  }

  #enqueue(deletion: Deletion): Promise<DeletionState> {
    const end = this.#last.then(() => this.#run(deletion));
    this.#last = end;
    return end;
  }

  /** Until it is done, or the server ends. */
  async #run(deletion: Deletion): Promise<DeletionState> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#delete(deletion);
        return 'done';
      } catch (error) {
        this.#onWarning(
          `the deletion ${deletion.id} is tried again in ${RETRY_MS / 1000} s: ${(error as Error).message}`,
        );
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
    return 'running'; // taken up by the next start
  }

  async #delete(deletion: Deletion): Promise<void> {
    const { query, fromMs, untilMs } = deletion;
    const selection = selectionOf(query, { fromMs, untilMs }, false);
    const oldestMs = oldestSamples(this.#store.retention, Date.now());
    const recent = { fromMs: Math.max(fromMs, oldestMs), untilMs };
    const old = { fromMs, untilMs: Math.min(untilMs, oldestMs) };
    await this.#deleteRows('samples', slotsOf(selection.range), selection);
    await this.#deleteRows('span_samples', slotsOf(selection.range), selection);
    await this.#deleteRows('profiles', PROFILE_TIMES, selection);
    if (old.fromMs < old.untilMs) await this.#deleteOld(old, selection);
    if (recent.fromMs < recent.untilMs) await this.#rollups.makeAgain(recent);
    await this.#remakeOldDays({ fromMs, untilMs: old.untilMs });
    await this.#deleteSeries(selection);
    await this.#note({ ...deletion, state: 'done' });
  }

  /** From rollups whose samples have expired: `checkReach` has seen to it that they can tell. */
  async #deleteOld(old: TimeRange, selection: Selection): Promise<void> {
    for (const table of ['function_minutes', 'function_hours', 'samples_1h'] as const) {
      await this.#deleteRows(table, within(rollupOf(table).time, old), selection);
    }
    const untilMs = Math.min(old.untilMs, oldestHours(this.#store.retention, Date.now()));
    if (old.fromMs >= untilMs) return;
    for (const table of DAY_TABLES) {
      const days = within(rollupOf(table).time, { fromMs: old.fromMs, untilMs });
      await this.#deleteRows(table, days, selection);
    }
  }

  /** Days of which hours are there, but not all samples. */
  async #remakeOldDays({ fromMs, untilMs }: TimeRange): Promise<void> {
    const days = {
      fromMs:
        Math.floor(Math.max(fromMs, oldestHours(this.#store.retention, Date.now())) / DAY_MS) *
        DAY_MS,
      untilMs: Math.ceil(untilMs / DAY_MS) * DAY_MS,
    };
    if (days.fromMs >= days.untilMs) return;
    for (const table of DAY_TABLES) await this.#rollups.remake(table, days);
  }

  /** Labels of what is gone, by the day: a series has a row for each on which it lived. */
  async #deleteSeries(selection: Selection): Promise<void> {
    const { keys, labels, range } = selection;
    const matches = labels === '' ? keys : `${keys} AND ${labels}`;
    await mutate(
      this.#store,
      `ALTER TABLE series DELETE WHERE ${matches}
         AND day >= toDate(${secondSql(Math.ceil(range.fromMs / DAY_MS) * DAY_MS)})
         AND day < toDate(${secondSql(Math.floor(range.untilMs / DAY_MS) * DAY_MS)})`,
      rangeParams(selection),
    );
    this.#seen.clear(); // should they come again
  }

  async #deleteRows(table: string, inRange: string, selection: Selection): Promise<void> {
    const bySeries = seriesIn(selection);
    await mutate(
      this.#store,
      `ALTER TABLE ${table} DELETE WHERE ${selection.keys} AND ${inRange} ${bySeries}`,
      rangeParams(selection),
    );
  }

  async #note({ id, query, fromMs, untilMs, requestedMs, state }: Deletion): Promise<void> {
    await this.#store.insertJson('deletions', [
      {
        tenant: DEFAULT_TENANT,
        id,
        query,
        range_from: dateTimeText(fromMs),
        range_until: dateTimeText(untilMs),
        requested: dateTimeText(requestedMs),
        state,
      },
    ]);
  }
}

const DAY_TABLES = ['samples_1d', 'function_days'] as const satisfies RollupTable[];
