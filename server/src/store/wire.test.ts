/**
 * The stock client, and our own Native format, against a real ClickHouse server: the embedded store
 * answers through an HTTP front of ours (embedded/front.ts), which might be wrong in the same way as
 * what speaks to it. The server is Debian's, which is old: it lacks query parameters, codecs, TTL,
 * Map and DateTime64.
 */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { buildApp } from '../app.ts';
import { readConfig } from '../config.ts';
import { debianClickHouse, startDebianClickHouse } from '../testing/debian-clickhouse.ts';
import { type Column, decodeBlocks, encodeBlock } from './native-block.ts';

const debian = debianClickHouse();
const skip =
  'missing' in debian
    ? `SKIPPED: no ClickHouse server from Debian's packages: ${debian.missing}`
    : false;
if (skip) console.error(`⚠ wire.test: ${skip}`);

let url = '';
let client: ClickHouseClient;
let stop: (() => Promise<void>) | undefined;
before(async () => {
  if ('missing' in debian) return;
  ({ url, stop } = await startDebianClickHouse(debian.root));
  client = createClient({
    url,
    compression: { request: true, response: true },
    log: { level: ClickHouseLogLevel.OFF },
  });
});
after(async () => {
  await client?.close();
  await stop?.();
});

test('ping, and the version', { skip }, async () => {
  assert.deepEqual(await client.ping(), { success: true });
  const result = await client.query({ query: 'SELECT version()', format: 'TabSeparated' });
  assert.match(await result.text(), /^18\.16\./);
});

test('rows in and out as JSON, gzipped both ways', { skip }, async () => {
  await client.command({
    query: 'CREATE TABLE json (id UInt64, name String) ENGINE = MergeTree ORDER BY id',
  });
  const names = ["a 'quote'", 'back\\slash', 'line\nend', 'ü→😀', ''];
  const rows = Array.from({ length: 5000 }, (_, i) => ({
    id: String(2n ** 64n - 1n - BigInt(i)),
    name: names[i % names.length] as string,
  }));
  await client.insert({ table: 'json', values: rows, format: 'JSONEachRow' });
  const result = await client.query({
    query: 'SELECT id, name FROM json ORDER BY id DESC',
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
  });
  assert.deepEqual(await result.json(), rows);
});

test('our blocks in, and its blocks back through our decoder', { skip }, async () => {
  await client.command({
    query: `CREATE TABLE blocks (a UInt64, b Int64, c UInt32, d UInt16, e Float64, at DateTime,
      day Date, name LowCardinality(String)) ENGINE = MergeTree ORDER BY c`,
    clickhouse_settings: { allow_experimental_low_cardinality_type: 1 },
  });
  const blockOf = (first: number, rows: number): Column[] => {
    const numbers = Array.from({ length: rows }, (_, i) => first + i);
    return [
      {
        name: 'a',
        type: 'UInt64',
        values: BigUint64Array.from(numbers, (n) => 2n ** 64n - 1n - BigInt(n)),
      },
      {
        name: 'b',
        type: 'Int64',
        values: BigInt64Array.from(numbers, (n) => -BigInt(n) * 10n ** 14n),
      },
      { name: 'c', type: 'UInt32', values: Uint32Array.from(numbers) },
      { name: 'd', type: 'UInt16', values: Uint16Array.from(numbers, (n) => n * 7) },
      { name: 'e', type: 'Float64', values: Float64Array.from(numbers, (n) => n / 3) },
      { name: 'at', type: 'DateTime', values: Uint32Array.from(numbers, (n) => 1_800_000_000 + n) },
      { name: 'day', type: 'Date', values: Uint16Array.from(numbers, (n) => 20_000 + (n % 300)) },
      {
        name: 'name',
        type: 'LowCardinality(String)',
        dictionary: ['', 'main', 'ü→😀'],
        codes: Uint32Array.from(numbers, (n) => n % 3),
      },
    ];
  };
  const blocks = [encodeBlock(700, blockOf(0, 700)), encodeBlock(300, blockOf(700, 300))];
  const { stream } = await client.exec({
    query: 'INSERT INTO blocks (a, b, c, d, e, at, day, name) FORMAT Native',
    values: Readable.from(blocks, { objectMode: false }),
  });
  await buffer(stream);

  const result = await client.exec({
    query: 'SELECT a, b, c, d, e, at, name FROM blocks ORDER BY c FORMAT Native',
  });
  const read = [...decodeBlocks(await buffer(result.stream))];
  const expected = blockOf(0, 1000);
  const valuesOf = (columns: Column[], name: string): unknown[] => {
    const column = columns.find((each) => each.name === name) as Column;
    if (column.type === 'LowCardinality(String)') {
      return [...column.codes].map((code) => column.dictionary[code]);
    }
    assert.ok('values' in column);
    return [...(column.values as Iterable<unknown>)];
  };
  for (const name of ['a', 'b', 'c', 'd', 'e', 'at', 'name']) {
    assert.deepEqual(
      read.flatMap(({ columns }) => valuesOf(columns, name)),
      valuesOf(expected, name),
      name,
    );
  }
  const days = await client.query({
    query: 'SELECT count() AS n FROM blocks WHERE toUInt16(day) = 20000 + c % 300',
    format: 'JSONEachRow',
  });
  assert.deepEqual(await days.json(), [{ n: '1000' }]);
});

test('an empty result is no block, or one without rows', { skip }, async () => {
  const result = await client.exec({
    query: 'SELECT toUInt64(number) AS n FROM numbers(10) WHERE number > 10 FORMAT Native',
  });
  const blocks = [...decodeBlocks(await buffer(result.stream))];
  assert.equal(
    blocks.reduce((sum, { rows }) => sum + rows, 0),
    0,
  );
});

test('a block that is cut short is refused, and nothing of it is there', { skip }, async () => {
  await client.command({ query: 'CREATE TABLE cut (n UInt64) ENGINE = MergeTree ORDER BY n' });
  const block = encodeBlock(100, [
    {
      name: 'n',
      type: 'UInt64',
      values: BigUint64Array.from({ length: 100 }, (_, i) => BigInt(i)),
    },
  ]);
  await assert.rejects(async () => {
    const { stream } = await client.exec({
      query: 'INSERT INTO cut (n) FORMAT Native',
      values: Readable.from([block.subarray(0, 500)], { objectMode: false }),
    });
    await buffer(stream);
  });
  const result = await client.query({
    query: 'SELECT count() AS n FROM cut',
    format: 'JSONEachRow',
  });
  assert.deepEqual(await result.json(), [{ n: '0' }]);
});

test('settings reach the query', { skip }, async () => {
  const result = await client.query({
    query: 'SELECT max(blockSize()) AS rows FROM numbers(1000)',
    format: 'JSONEachRow',
    clickhouse_settings: { max_block_size: '5', output_format_json_quote_64bit_integers: 1 },
  });
  assert.deepEqual(await result.json(), [{ rows: '5' }]);
});

test('a query that is given up leaves the client usable', { skip }, async () => {
  const controller = new AbortController();
  const query = client.query({
    query: 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1',
    abort_signal: controller.signal,
    clickhouse_settings: { max_execution_time: 20 },
  });
  setTimeout(() => controller.abort(), 300);
  await assert.rejects(query, /abort/i);
  const result = await client.query({ query: 'SELECT 1 AS one', format: 'JSONEachRow' });
  assert.deepEqual(await result.json(), [{ one: 1 }]);
});

test('the server refuses a ClickHouse that is too old, and names the version', {
  skip,
}, async () => {
  const config = readConfig({ CLICKHOUSE_URL: `${url}/default`, BUNSEN_LOG_LEVEL: 'silent' });
  await assert.rejects(buildApp(config), {
    name: 'ConfigError',
    message: new RegExp(`${url}/default is version 18\\.16\\.\\d+; Bunsen needs 24\\.3 or newer`),
  });
});
