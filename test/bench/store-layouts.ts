import type { Store } from '@bunsen/server/store/store';

/**
 * The naive way: a row per sample in the order of time, and nothing else. Its 64-bit stack ids refer
 * to Bunsen's own table of stacks.
 */
export const FLAT_TABLE = `CREATE TABLE flat (
  service LowCardinality(String),
  type LowCardinality(String),
  ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  series UInt64 CODEC(ZSTD(1)),
  stack_id UInt64 CODEC(ZSTD(1)),
  value Int64 CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (service, type, ts)`;

/**
 * Coroot's tables of samples and of stacks, as its documentation and sources publish them: columns,
 * types, codecs, order and partitions.
 */
const COROOT_TABLES = [
  `CREATE TABLE coroot_samples (
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Type LowCardinality(String) CODEC(ZSTD(1)),
    Start DateTime64(9) CODEC(Delta, ZSTD(1)),
    End DateTime64(9) CODEC(Delta, ZSTD(1)),
    Labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StackHash UInt64 CODEC(ZSTD(1)),
    Value Int64 CODEC(ZSTD(1))
  ) ENGINE = MergeTree PARTITION BY toDate(Start)
  ORDER BY (ServiceName, Type, toUnixTimestamp(Start), toUnixTimestamp(End))`,
  `CREATE TABLE coroot_stacks (
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Hash UInt64 CODEC(ZSTD(1)),
    LastSeen DateTime64(9) CODEC(Delta, ZSTD(1)),
    Stack Array(String) CODEC(ZSTD(1))
  ) ENGINE = ReplacingMergeTree PARTITION BY toDate(LastSeen) ORDER BY (ServiceName, Hash)`,
];

export async function createCoroot(store: Store): Promise<void> {
  for (const sql of COROOT_TABLES) await store.command(sql);
}

/** Coroot's tables get the rows of `flat` before a time that they lack, labels spelled out, and every stack once. */
export async function fillCoroot(store: Store, beforeMs: number): Promise<void> {
  await store.command(
    `INSERT INTO coroot_samples
     SELECT service, type, ts, ts + INTERVAL 15 SECOND, labels, stack_id, value
     FROM flat INNER JOIN (SELECT series, any(labels) AS labels FROM series GROUP BY series) AS named
     USING series
     WHERE ts < fromUnixTimestamp64Milli(${beforeMs})
       AND ts < (SELECT if(count() = 0, toDateTime64('2100-01-01', 3), min(Start)) FROM coroot_samples)`,
  );
  await store.command(
    `INSERT INTO coroot_stacks
     SELECT service, stack_id, (SELECT max(ts) FROM flat), any(frames)
     FROM stacks WHERE (service, stack_id) NOT IN (SELECT ServiceName, Hash FROM coroot_stacks)
     GROUP BY service, stack_id`,
  );
}

/** Merges every partition of every table into one part, so that sizes can be compared. */
export async function optimize(store: Store, say: (what: string) => void): Promise<void> {
  const tables = await store.rows<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
     ORDER BY name`,
  );
  for (const { name } of tables) {
    say(`merging ${name}`);
    // A merge that is going on already makes it do nothing, without a word.
    for (;;) {
      await store.command(
        `OPTIMIZE TABLE ${name} FINAL SETTINGS optimize_skip_merged_partitions = 1`,
      );
      const [left] = await store.rows<{ partitions: string }>(
        `SELECT count() AS partitions FROM (
           SELECT partition FROM system.parts
           WHERE database = currentDatabase() AND table = '${name}' AND active
           GROUP BY partition HAVING count() > 1)`,
      );
      if (left?.partitions === '0') break;
    }
  }
}

export interface TableSize {
  table: string;
  rows: number;
  /** On disk, with marks and indices. */
  bytes: number;
  /** Largest first. Empty where the parts are too small to have columns of their own. */
  columns: { column: string; bytes: number }[];
}

export async function sizesOf(store: Store): Promise<Map<string, TableSize>> {
  const tables = await store.rows<{ table: string; rows: string; bytes: string }>(
    `SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE database = currentDatabase() AND active GROUP BY table`,
  );
  const columns = await store.rows<{ table: string; column: string; bytes: string }>(
    `SELECT table, column, sum(column_data_compressed_bytes) AS bytes FROM system.parts_columns
     WHERE database = currentDatabase() AND active GROUP BY table, column ORDER BY bytes DESC`,
  );
  return new Map(
    tables.map(({ table, rows, bytes }) => [
      table,
      {
        table,
        rows: Number(rows),
        bytes: Number(bytes),
        columns: columns
          .filter((each) => each.table === table)
          .map((each) => ({ column: each.column, bytes: Number(each.bytes) })),
      },
    ]),
  );
}
