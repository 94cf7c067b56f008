import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { tempDir } from '../../testing/test-server.ts';
import { WRITE_LINE } from './protocol.ts';
import { Supervisor } from './supervisor.ts';

/** The stock client, and plain HTTP, against the embedded store as a tool sees it. */
let store: Supervisor;
let client: ClickHouseClient;
/** In the line of writes. */
let writer: ClickHouseClient;
const port = 20_000 + (process.pid % 20_000);
const url = `http://127.0.0.1:${port}`;

before(async () => {
  const dataDir = tempDir();
  store = new Supervisor({
    dataDir,
    listen: `127.0.0.1:${port}`,
    memoryBytes: 1 << 30,
    concurrency: { reads: 8, writes: 2 },
    lockWaitMs: 1000,
    listenLimits: { timeMs: 1_000, memoryBytes: 1 << 28, rows: 1e12 },
    onDeath: () => {},
  });
  await store.start();
  const create = (http_headers: Record<string, string>) =>
    createClient({
      url: 'http://store',
      http_agent: store.createAgent(),
      http_headers,
      log: { level: ClickHouseLogLevel.OFF },
    });
  client = create({});
  writer = create(WRITE_LINE);
});

after(async () => {
  await Promise.all([client.close(), writer.close()]);
  await store.close();
});

async function value<T>(query: string, params?: Record<string, unknown>): Promise<T> {
  const result = await client.query({
    query,
    format: 'JSONCompactEachRow',
    ...(params && { query_params: params }),
  });
  return ((await result.json()) as T[][])[0]?.[0] as T;
}

test('a setting holds for its own query only', async () => {
  const threads = `SELECT toString(getSetting('max_threads')) AS v`;
  const own = await value<string>(threads);
  const result = await client.query({
    query: threads,
    format: 'JSONCompactEachRow',
    clickhouse_settings: { max_threads: 1 },
  });
  assert.deepEqual(await result.json(), [['1']]);
  assert.equal(await value<string>(threads), own);
  await assert.rejects(value('SELECT {gone:String}'), { code: '456' });
});

test('parameters arrive as they were given', async () => {
  const texts = [
    "it's",
    'back\\slash',
    'a\nb\tc\rd\0e',
    '"quoted" `ticks` {x:String} -- /* */ ;',
    '\\N',
    '\\\\n',
    'ü λ 🔥',
    '',
    "'; DROP TABLE t; --",
  ];
  for (const text of texts) {
    assert.equal(await value('SELECT {x:String}', { x: text }), text);
  }
  assert.deepEqual(await value('SELECT {x:Array(String)}', { x: texts }), texts);
  assert.deepEqual(await value('SELECT {x:Array(UInt64)}', { x: [1, 2] }), [1, 2]);
  assert.equal(await value('SELECT {x:Nullable(String)}', { x: null }), null);
  assert.equal(
    await value('SELECT toString({x:UInt64})', { x: '18446744073709551615' }),
    '18446744073709551615',
  );
  assert.equal(await value('SELECT {x:Bool}', { x: true }), true);
  assert.equal(await value('SELECT {x:Identifier} FROM (SELECT 7 AS a)', { x: 'a' }), 7);
});

test('after a query that failed, the next one has its own rows only', async () => {
  for (let i = 0; i < 50; i++) {
    await assert.rejects(
      value(
        `SELECT throwIf(number = 90000, 'boom'), number FROM numbers(100000) SETTINGS max_block_size = 100`,
      ),
      { code: '395' },
    );
    const result = await client.query({ query: `SELECT ${i} AS x`, format: 'JSONEachRow' });
    assert.equal(await result.text(), `{"x":${i}}\n`);
  }
});

test('errors are those of ClickHouse', async () => {
  await assert.rejects(client.query({ query: 'SELEC 1' }), { code: '62', type: 'SYNTAX_ERROR' });
  await assert.rejects(client.query({ query: 'SELECT * FROM nothing' }), { code: '60' });
  await assert.rejects(
    client.query({ query: 'SELECT 1', clickhouse_settings: { no_such_setting: 1 } }),
    { code: '115' },
  );
  const response = await fetch(url, { method: 'POST', body: 'SELECT * FROM nothing' });
  assert.equal(response.status, 404);
  assert.equal(response.headers.get('x-clickhouse-exception-code'), '60');
  assert.match(await response.text(), /^Code: 60\. DB::Exception: .*\(UNKNOWN_TABLE\)/s);
});

test('plain HTTP: ping, GET that may not write, formats, gzip', async () => {
  assert.equal(await (await fetch(`${url}/ping`)).text(), 'Ok.\n');
  assert.equal(await (await fetch(`${url}/?query=SELECT+1`)).text(), '1\n');
  const create = 'CREATE TABLE by_get (a UInt8) ENGINE = Memory';
  const refused = await fetch(`${url}/?query=${encodeURIComponent(create)}`);
  assert.equal(refused.headers.get('x-clickhouse-exception-code'), '164');
  const json = await fetch(`${url}/?default_format=JSONEachRow`, {
    method: 'POST',
    body: 'SELECT 1 AS a',
  });
  assert.equal(await json.text(), '{"a":1}\n');
  const zipped = await fetch(`${url}/?enable_http_compression=1`, {
    method: 'POST',
    headers: { 'content-encoding': 'gzip', 'accept-encoding': 'gzip' },
    body: gzipSync('SELECT number FROM numbers(3)'),
  });
  assert.equal(zipped.headers.get('content-encoding'), 'gzip');
  assert.equal(await zipped.text(), '0\n1\n2\n');
  const session = await fetch(`${url}/?session_id=a&query=SELECT+1`);
  assert.equal(session.status, 501);
});

test('queries of other tools have limits, which they may set themselves; the own ones have none', async () => {
  const failure = async (query: string, settings = '') => {
    const response = await fetch(`${url}/?query=${encodeURIComponent(query)}${settings}`);
    assert.equal(response.headers.get('x-clickhouse-exception-code') !== null, !response.ok);
    return response.ok ? '' : await response.text();
  };
  const endless = 'SELECT sum(sipHash64(number)) FROM numbers(100000000000)';
  assert.match(await failure(endless), /TIMEOUT_EXCEEDED/);
  assert.match(await failure(endless, '&max_execution_time=0.2'), /maximum: 200 ms.*TIMEOUT/);
  const large = 'SELECT length(groupArray(number)) FROM numbers(20000000)';
  const patient = '&max_execution_time=0';
  assert.match(await failure(large, patient), /MEMORY_LIMIT_EXCEEDED/);
  assert.equal(await failure(large, `${patient}&max_memory_usage=0`), '');
  const long = `SELECT repeat('x', 1000000) FROM numbers(300) SETTINGS max_block_size = 1`;
  assert.match(await failure(long, patient), /max bytes.*TOO_MANY_ROWS_OR_BYTES/);
  const settings = ['max_execution_time', 'max_memory_usage', 'max_result_bytes'];
  for (const name of settings) {
    assert.equal(await value(`SELECT toString(getSetting('${name}'))`), '0', name);
  }
});

test('rows of any bytes are inserted as they are', async () => {
  await client.command({
    query: 'CREATE TABLE bunsen.bytes (n UInt32, b String) ENGINE = MergeTree ORDER BY n',
  });
  const rows: Buffer[] = [];
  for (let n = 0; n < 150; n++) {
    const bytes = randomBytes(1 + (n % 120));
    rows.push(bytes);
    const row = Buffer.concat([
      Buffer.from(Uint32Array.of(n).buffer),
      Buffer.of(bytes.length),
      bytes,
    ]);
    const { stream } = await client.exec({
      query: 'INSERT INTO bunsen.bytes (n, b) FORMAT RowBinary',
      values: Readable.from([row], { objectMode: false }),
    });
    await buffer(stream);
  }
  const result = await client.query({
    query: 'SELECT hex(b) AS b FROM bunsen.bytes ORDER BY n',
    format: 'JSONEachRow',
  });
  const back = ((await result.json()) as { b: string }[]).map(({ b }) => b.toLowerCase());
  assert.deepEqual(
    back,
    rows.map((row) => row.toString('hex')),
  );
  await client.insert({
    table: 'bunsen.bytes',
    values: [{ n: 1000, b: 'x' }],
    format: 'JSONEachRow',
  });
  assert.equal(await value('SELECT toUInt32(count()) FROM bunsen.bytes'), 151);
});

test('a query ends when its client goes', async () => {
  const abort = new AbortController();
  const query = client.query({
    query: 'SELECT sum(sipHash64(number)) FROM numbers(100000000000)',
    abort_signal: abort.signal,
  });
  await sleep(300);
  abort.abort();
  await assert.rejects(query);
  await until(async () => (await running('%sipHash64(number)%')) === 0);
});

test('a burst of queries does not hold up writes, nor what is asked for one', async () => {
  await client.command({
    query: 'CREATE TABLE bunsen.lines (n UInt32) ENGINE = MergeTree ORDER BY n',
  });
  const abort = new AbortController();
  const endless = 'SELECT sum(sipHash64(number, 7)) FROM numbers(100000000000)';
  // More than run at once: the rest waits in line.
  const burst = Array.from({ length: 20 }, () =>
    client.query({
      query: endless,
      abort_signal: abort.signal,
      clickhouse_settings: { max_threads: 1 },
    }),
  );
  const refused = Promise.allSettled(burst);
  await until(async () => (await running('%sipHash64(number, 7)%')) === 8);
  await client.insert({ table: 'bunsen.lines', values: [{ n: 1 }], format: 'JSONEachRow' });
  const written = await writer.query({
    query: 'SELECT n FROM bunsen.lines',
    format: 'TabSeparated',
  });
  assert.equal(await written.text(), '1\n');
  assert.equal(await running('%sipHash64(number, 7)%'), 8); // they did not end meanwhile
  abort.abort();
  for (const { status } of await refused) assert.equal(status, 'rejected');
  await until(async () => (await running('%sipHash64(number, 7)%')) === 0);
});

/** Asked in the line of writes, as the other one may be full. */
async function running(like: string): Promise<number> {
  const query = `SELECT count() FROM system.processes WHERE query LIKE '${like}' AND query NOT LIKE '%system.processes%'`;
  const result = await writer.query({ query, format: 'TabSeparated' });
  return Number(await result.text());
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await condition()); i++) {
    assert.ok(i < 100, 'it is not so 10 s later');
    await sleep(100);
  }
}

test('queries run side by side', async () => {
  const start = performance.now();
  await Promise.all(Array.from({ length: 6 }, () => value('SELECT sleep(0.5)')));
  assert.ok(performance.now() - start < 2000);
});
