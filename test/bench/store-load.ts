import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import { decodeBlocks, encodeBlock } from '@bunsen/server/store/native-block';
import {
  type BatchSource,
  encodeBatch,
  type ProfileBatch,
  sizeBytesOf,
} from '@bunsen/server/store/profile-batch';
import type { ProfileStore } from '@bunsen/server/store/profile-store';
import type { Store } from '@bunsen/server/store/store';

/** Encoded pushes that may wait for the store: enough for groups as large as the product makes them. */
const IN_FLIGHT_BYTES = 64 * 1024 * 1024;
/** Rows of an insert into the flat table. */
const FLAT_ROWS = 500_000;

/** What was loaded, to compare the answers with. */
export interface Loaded {
  pushes: number;
  rows: number;
  /** Sum of all values, in ns. */
  total: bigint;
}

/**
 * Writes pushes the way the server does, many at a time, and the same rows into the table `flat`.
 * @param onPush told what there is so far, after each push
 */
export async function load(
  store: Store,
  profiles: ProfileStore,
  pushes: Iterable<BatchSource>,
  onPush: (loaded: Loaded) => void,
): Promise<Loaded> {
  const loaded: Loaded = { pushes: 0, rows: 0, total: 0n };
  const writes = new Set<Promise<unknown>>();
  const flat = new FlatRows(store);
  let inFlightBytes = 0;
  let failure: { error: unknown } | undefined;
  for (const push of pushes) {
    const batch = encodeBatch(push, profiles.seen);
    const rows = samplesOf(batch, push.timeMs);
    await flat.add(rows);
    const bytes = sizeBytesOf(batch);
    inFlightBytes += bytes;
    const write = profiles
      .write(batch)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        inFlightBytes -= bytes;
        writes.delete(write);
      });
    writes.add(write);
    loaded.pushes++;
    loaded.rows += rows.stack.length;
    for (const value of rows.value) loaded.total += value;
    onPush(loaded);
    while (inFlightBytes > IN_FLIGHT_BYTES) await Promise.race(writes);
    if (failure) throw failure.error;
    await new Promise(setImmediate); // requests go on meanwhile
  }
  await Promise.all(writes);
  await flat.flush();
  if (failure) throw failure.error;
  return loaded;
}

/** Sample rows of a push as columns, values in ns. */
export interface SampleRows {
  timeMs: number;
  services: string[];
  service: Uint32Array;
  series: BigUint64Array;
  stack: BigUint64Array;
  value: BigInt64Array;
}

/** Reads the rows back from what is inserted, so that they are the same. */
export function samplesOf(batch: ProfileBatch, timeMs: number): SampleRows {
  const [block] = [...decodeBlocks(batch.tables.samples)];
  if (!block) throw new Error('a push without samples');
  const column = <T>(name: string): T => {
    const found = block.columns.find((each) => each.name === name);
    if (!found) throw new Error(`the table samples has no column ${name}`);
    return found as T;
  };
  const service = column<{ dictionary: string[]; codes: Uint32Array }>('service');
  const ids = (name: string) => column<{ values: BigUint64Array }>(name).values;
  const numbers = (name: string) => column<{ values: BigInt64Array }>(name).values;
  const [value, unit] = [numbers('value'), numbers('unit')];
  const last = block.rows - 1; // the mark of the push
  return {
    timeMs,
    services: service.dictionary,
    service: service.codes.subarray(0, last),
    series: ids('series').subarray(0, last),
    stack: ids('stack_id').subarray(0, last),
    value: value.subarray(0, last).map((each, row) => each * (unit[row] as bigint)),
  };
}

/** Gathers rows for the flat table, and inserts them many at a time. */
class FlatRows {
  readonly #store: Store;
  #waiting: SampleRows[] = [];
  #rows = 0;
  #insert: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  async add(rows: SampleRows): Promise<void> {
    this.#waiting.push(rows);
    this.#rows += rows.stack.length;
    if (this.#rows >= FLAT_ROWS) await this.#next();
  }

  async flush(): Promise<void> {
    await this.#next();
    await this.#insert;
  }

  /** Begins an insert when the one before is done: there are rows of two at most. */
  async #next(): Promise<void> {
    await this.#insert;
    const blocks = this.#waiting.map(flatBlock);
    this.#waiting = [];
    this.#rows = 0;
    const columns = ['service', 'type', 'ts', 'series', 'stack_id', 'value'];
    this.#insert = this.#store.insertNative('flat', columns, blocks);
    this.#insert.catch(() => {}); // whoever awaits it next is told
  }
}

function flatBlock({ timeMs, services, service, series, stack, value }: SampleRows): Uint8Array {
  const rows = stack.length;
  return encodeBlock(rows, [
    { name: 'service', type: 'LowCardinality(String)', dictionary: services, codes: service },
    {
      name: 'type',
      type: 'LowCardinality(String)',
      dictionary: [CPU_PROFILE_TYPE],
      codes: new Uint32Array(rows),
    },
    {
      name: 'ts',
      type: "DateTime64(3, 'UTC')",
      values: new BigInt64Array(rows).fill(BigInt(timeMs)),
    },
    { name: 'series', type: 'UInt64', values: series },
    { name: 'stack_id', type: 'UInt64', values: stack },
    { name: 'value', type: 'Int64', values: value },
  ]);
}
