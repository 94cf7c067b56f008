import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { createClient } from '@clickhouse/client';
import { tempDir } from '../../testing/test-server.ts';
import { FIXED_SETTINGS, TABLE_ENGINES } from './access.ts';
import { TABLE_FUNCTIONS } from './guard.ts';
import { Supervisor } from './supervisor.ts';

/** What the listener for people refuses, asked as an attacker would; and what it still does. */
let store: Supervisor;
const port = 20_000 + (process.pid % 20_000);
const url = `http://127.0.0.1:${port}`;
const folder = mkdtempSync(join(tempDir(), 'host-'));
/** A file of the host that nobody may read, and one that nobody may write. */
const secret = join(folder, 'secret.txt');
const target = join(folder, 'target.txt');
/** Another service on this machine, which must not be reached. */
let visits = 0;
const inside = createServer((_request, response) => {
  visits++;
  response.end('SECRET\n');
});
let insideUrl = '';

before(async () => {
  writeFileSync(secret, 'SECRET\n');
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
  insideUrl = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/`;
  store = new Supervisor({
    dataDir: tempDir(),
    listen: `127.0.0.1:${port}`,
    memoryBytes: 1 << 30,
    concurrency: { reads: 8, writes: 2 },
    lockWaitMs: 1000,
    listenLimits: { timeMs: 10_000, memoryBytes: 1 << 28, rows: 1000 },
    onDeath: () => {},
  });
  await store.start();
});

after(async () => {
  await store.close();
  inside.close();
});

interface Answer {
  status: number;
  code: string | null;
  body: string;
}

async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  return { status, code: headers.get('x-clickhouse-exception-code'), body: await response.text() };
}

async function get(query: string, params: Record<string, string> = {}): Promise<Answer> {
  return answerOf(await fetch(`${url}/?${new URLSearchParams({ query, ...params })}`));
}

async function post(query: string, params: Record<string, string> = {}): Promise<Answer> {
  const search = new URLSearchParams(params);
  return answerOf(await fetch(`${url}/?${search}`, { method: 'POST', body: query }));
}

/** As the server asks, through its own socket. */
async function own(query: string): Promise<string> {
  const client = createClient({ url: 'http://store', http_agent: store.createAgent() });
  try {
    return await (await client.query({ query, format: 'TabSeparated' })).text();
  } finally {
    await client.close();
  }
}

/** ClickHouse's numbers of what is refused for what it is, before it is tried. */
const REFUSED = ['164', '452', '497'];

async function assertRefused(query: string, params?: Record<string, string>): Promise<void> {
  for (const ask of [get, post]) {
    const { status, code, body } = await ask(query, params);
    assert.ok(code !== null && REFUSED.includes(code), `${ask.name} ${query}: ${status} ${body}`);
    assert.doesNotMatch(body, /SECRET/);
  }
}

test('every table function that is not known to be harmless is refused', async () => {
  const names = (await own('SELECT name FROM system.table_functions')).trim().split('\n');
  assert.ok(names.length > 80);
  for (const name of names.filter((name) => !TABLE_FUNCTIONS.has(name))) {
    const call = `${name}('${insideUrl}', 'LineAsString')`;
    await assertRefused(`SELECT * FROM ${call}`);
    await assertRefused(`INSERT INTO FUNCTION ${call} VALUES ('x')`);
    await assertRefused(`CREATE TABLE bunsen.copied AS ${call}`);
  }
  for (const name of TABLE_FUNCTIONS) assert.ok(names.includes(name), `${name} is gone`);
  assert.equal((await get('SELECT sum(number) FROM numbers(5)')).body, '10\n');
  assert.equal(visits, 0);
});

test('every table engine is refused but those that keep to the data directory', async () => {
  const names = (await own('SELECT name FROM system.table_engines')).trim().split('\n');
  const refused = names.filter((name) => !(TABLE_ENGINES as readonly string[]).includes(name));
  assert.ok(refused.length > 40 && refused.includes('URL') && refused.includes('File'));
  for (const name of refused) {
    for (const kind of ['TABLE', 'TEMPORARY TABLE']) {
      const create = `CREATE ${kind} e_${name} (a String) ENGINE = ${name}`;
      await assertRefused(create);
      await assertRefused(`${create}('${insideUrl}', 'LineAsString')`);
    }
  }
  const made = await own(`SELECT name FROM system.tables WHERE name LIKE 'e\\_%'`);
  assert.equal(made, '');
  assert.equal(visits, 0);
});

test('every database engine is refused but Atomic and Memory', async () => {
  const names = (await own('SELECT name FROM system.database_engines')).trim().split('\n');
  assert.ok(names.includes('Filesystem'));
  for (const name of names.filter((name) => !['Atomic', 'Memory'].includes(name))) {
    await assertRefused(`CREATE DATABASE d_${name} ENGINE = ${name}`);
    await assertRefused(`CREATE DATABASE d_${name} ENGINE = ${name}('${folder}')`);
  }
});

test('functions of values that reach files, hosts or models are refused, however they are called', async () => {
  const ai = (await own(`SELECT name FROM system.functions WHERE categories = 'AI'`)).trim();
  assert.ok(ai.includes('aiGenerate'));
  for (const name of [...ai.split('\n'), 'catboostEvaluate', 'file']) {
    await assertRefused(`SELECT ${name}('${secret}')`);
  }
  // New names of that kind have to be looked at.
  const like = `name ILIKE '%file%' OR name ILIKE '%http%' OR name ILIKE '%dns%' OR name ILIKE '%remote%'
    OR name ILIKE '%execut%' OR name ILIKE '%model%' OR name ILIKE '%catboost%' OR name ILIKE '%fetch%'`;
  const found = await own(`SELECT name FROM system.functions WHERE ${like} ORDER BY name`);
  assert.deepEqual(found.trim().split('\n'), [
    'catboostEvaluate',
    'currentProfiles',
    'defaultProfiles',
    'enabledProfiles',
    'file',
    'filesystemAvailable',
    'filesystemCapacity',
    'filesystemUnreserved',
    'getClientHTTPHeader',
  ]);
  const calls = [
    `SELECT arrayMap(file, ['${secret}'])`,
    `SELECT arrayMap(\`file\`, ['${secret}'])`,
    `SELECT arrayMap("file", ['${secret}'])`,
    `SELECT arrayMap((file), ['${secret}'])`,
    `SELECT arrayMap(file AS f, ['${secret}'])`,
    `SELECT toString(arrayMap(file, ['${secret}']))`,
    `SELECT length(file('${secret}'))`,
    `SELECT * APPLY file FROM (SELECT '${secret}')`,
    `SELECT * APPLY(file) FROM (SELECT '${secret}')`,
    `SELECT /* ' */ file /* ' */ ('${secret}')`,
    `SELECT 1 WHERE (SELECT file('${secret}')) != ''`,
    `EXPLAIN SELECT file('${secret}')`,
  ];
  for (const call of calls) await assertRefused(call);
  const byName = `SELECT arrayMap({f:Identifier}, ['${secret}'])`;
  await assertRefused(byName, { param_f: 'file' });
  // A column of that name is none of them.
  const column =
    'SELECT file, t.file, toString(t.file) FROM (SELECT 1 AS file) AS t WHERE file = 1';
  assert.equal((await get(column)).body, '1\t1\t1\n');
  assert.equal((await get(`SELECT 'file' AS profile, 'it''s file(1)'`)).status, 200);
});

test('no statement writes a file or reads one', async () => {
  await post('CREATE TABLE bunsen.stolen (a String) ENGINE = Memory');
  const statements = [
    `SELECT 1 INTO OUTFILE '${target}'`,
    `SELECT 1 INTO OUTFILE '${target}' TRUNCATE FORMAT TSVRaw`,
    `SELECT 1 INTO OUTFILE '${target}' APPEND`,
    `SELECT 1 into/**/ OutFile -- '\n '${target}' AND STDOUT`,
    `SHOW TABLES INTO OUTFILE '${target}'`,
    `EXPLAIN SELECT 1 INTO OUTFILE '${target}'`,
    `INSERT INTO bunsen.stolen FROM INFILE '${secret}' FORMAT LineAsString`,
    `INSERT INTO FUNCTION file('${target}', 'TSV', 'a String') VALUES ('x')`,
    `CREATE VIEW bunsen.v AS SELECT * FROM file('${secret}', 'LineAsString')`,
    `CREATE VIEW bunsen.v SQL SECURITY NONE AS SELECT * FROM file('${secret}', 'LineAsString')`,
    `SELECT * FROM (SELECT * FROM file('${secret}', 'LineAsString')) UNION ALL SELECT ''`,
    `SELECT * FROM \`${secret}\``,
    `SELECT * FROM default.\`${secret}\``,
    `DESCRIBE file('${secret}')`,
    `DESCRIBE TABLE url('${insideUrl}', 'LineAsString')`,
    `BACKUP TABLE bunsen.stolen TO File('${target}')`,
    `RESTORE TABLE bunsen.stolen FROM File('${secret}')`,
    `ATTACH TABLE bunsen.t FROM '${folder}' (a String) ENGINE = File(TSV)`,
    `CREATE DICTIONARY bunsen.d (a UInt64) PRIMARY KEY a SOURCE(HTTP(url '${insideUrl}' format 'TSV')) LAYOUT(FLAT()) LIFETIME(1)`,
    `CREATE DICTIONARY bunsen.d (a UInt64) PRIMARY KEY a SOURCE(FILE(path '${secret}' format 'TSV')) LAYOUT(FLAT()) LIFETIME(1)`,
    `CREATE TABLE bunsen.t (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '${folder}/')`,
    `CREATE TABLE bunsen.t (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = s3_plain, endpoint = '${insideUrl}b/')`,
    `CREATE TABLE bunsen.t (a String) ENGINE = MergeTree ORDER BY a SETTINGS storage_policy = 'x'`,
  ];
  for (const statement of statements) await assertRefused(statement);
  for (const name of FIXED_SETTINGS.filter((name) => !name.startsWith('merge_tree_'))) {
    const value = name === 'dialect' ? 'prql' : secret;
    for (const ask of [get, post]) {
      assert.equal((await ask('SELECT 1', { [name]: value })).code, '452', name);
      const inText = await ask(`SELECT 1 SETTINGS ${name} = '${value}'`);
      assert.equal(inText.code, '452', `${name}: ${inText.body}`);
    }
  }
  assert.equal(await own('SELECT count() FROM bunsen.stolen'), '0\n');
  assert.equal(existsSync(target), false);
  assert.deepEqual(readdirSync(folder), ['secret.txt']);
  assert.equal(readFileSync(secret, 'utf8'), 'SECRET\n');
  assert.equal(visits, 0);
});

test('one statement at a time, and none about others, users or roles', async () => {
  const write = `SELECT 1 INTO OUTFILE '${target}'`;
  for (const ask of [get, post]) {
    assert.match((await ask(`SELECT 1; ${write}`)).body, /Multi-statements are not allowed/);
  }
  await post('CREATE TABLE bunsen.rows (a String) ENGINE = Memory');
  // What follows the rows is rows, and never a statement.
  await post(`INSERT INTO bunsen.rows VALUES ('a'); ${write}`);
  await post(`INSERT INTO bunsen.rows FORMAT LineAsString\nb\n${write}`);
  await post(`${write}`, { query: 'INSERT INTO bunsen.rows FORMAT LineAsString' });
  await post(`INSERT INTO bunsen.rows SELECT 'x'; ${write} -- FORMAT TSV`);
  await post('', { query: `INSERT INTO bunsen.rows SELECT 'x'; ${write} -- FORMAT TSV` });
  assert.equal(existsSync(target), false);
  const statements = [
    'KILL QUERY WHERE 1',
    'DROP TABLE IF EXISTS bunsen.x PARALLEL WITH KILL QUERY WHERE 1',
    'SET ROLE owner',
    'SET max_rows_to_read = 0',
    'EXECUTE AS default SELECT 1',
    'SYSTEM SHUTDOWN',
    'SYSTEM RELOAD CONFIG',
    'CREATE USER u',
    'CREATE FUNCTION f AS (x) -> x',
    'CREATE NAMED COLLECTION c AS a = 1',
    'GRANT owner TO default',
    'USE bunsen',
  ];
  for (const statement of statements) await assertRefused(statement);
});

test('a GET reads, and writes nothing', async () => {
  const statements = [
    'CREATE TABLE bunsen.by_get (a UInt8) ENGINE = Memory',
    'CREATE TEMPORARY TABLE by_get (a UInt8)',
    `INSERT INTO bunsen.rows VALUES ('a')`,
    'DROP TABLE bunsen.rows',
    'TRUNCATE TABLE bunsen.rows',
    'OPTIMIZE TABLE bunsen.rows',
  ];
  for (const statement of statements) {
    const { code, body } = await get(statement);
    assert.equal(code, '164', body);
    assert.match(body, /A GET cannot write: \w+ has to be sent as a POST/);
  }
  const reads = [
    'SELECT 1',
    '(SELECT 1) UNION ALL (SELECT 2)',
    'WITH 1 AS x SELECT x',
    'SHOW DATABASES',
    'DESCRIBE TABLE system.one',
    'EXPLAIN SELECT 1',
    'EXISTS TABLE system.one',
    'SELECT {a:String}',
    'SELECT count() FROM system.tables SETTINGS max_threads = 1 FORMAT JSON',
  ];
  for (const query of reads) {
    assert.equal((await get(query, { param_a: 'it is' })).status, 200, query);
    assert.equal((await post(query, { param_a: 'it is' })).status, 200, query);
  }
});

test('a POST still has tables of its own', async () => {
  const done = async (query: string, params?: Record<string, string>) => {
    const { status, body } = await post(query, params);
    assert.equal(status, 200, body);
    return body;
  };
  await done('CREATE DATABASE mine');
  await done('CREATE TABLE mine.t (a UInt8, b String) ENGINE = MergeTree ORDER BY a');
  await done(`INSERT INTO mine.t VALUES (1, 'it''s; -- x'), (2, 'y')`);
  await done('INSERT INTO mine.t (a) FORMAT JSONEachRow\n{"a": 3}\n{"a": 4}');
  await done('5\tz\n', { query: 'INSERT INTO mine.t FORMAT TSV' });
  await done('INSERT INTO mine.t SELECT a + 10, b FROM mine.t');
  assert.equal(await done('SELECT count(), max(a) FROM mine.t'), '10\t15\n');
  assert.equal(await done('SELECT b FROM mine.t WHERE a = 1 FORMAT TSVRaw'), "it's; -- x\n");
  await done('CREATE MATERIALIZED VIEW mine.v ENGINE = Memory AS SELECT a FROM mine.t');
  await done('ALTER TABLE mine.t ADD COLUMN c UInt8');
  await done('OPTIMIZE TABLE mine.t FINAL');
  await done('RENAME TABLE mine.t TO mine.u');
  await done('DELETE FROM mine.u WHERE a = 1');
  await done('TRUNCATE TABLE mine.u');
  await done('DROP TABLE mine.u');
  await done('DROP DATABASE mine');
});

test('no statement reads more rows than it may', async () => {
  const query = 'SELECT sum(number) FROM numbers(2000)';
  for (const ask of [get, post]) {
    assert.match((await ask(query)).body, /max rows: 1\.00 thousand.*TOO_MANY_ROWS/);
    assert.equal((await ask(query, { max_rows_to_read: '0' })).code, '452');
    assert.equal((await ask(query, { max_rows_to_read: '1001' })).code, '452');
    assert.equal((await ask(`${query} SETTINGS max_rows_to_read = 0`)).code, '452');
    assert.equal((await ask(`${query} SETTINGS profile = 'default'`)).code, '158');
    assert.equal((await ask(query, { profile: 'default' })).code, '158');
    const inner = 'SELECT * FROM (SELECT number FROM numbers(2000) SETTINGS max_rows_to_read = 0)';
    assert.notEqual((await ask(inner)).status, 200);
    const less = await ask('SELECT number FROM numbers(20)', { max_rows_to_read: '10' });
    assert.equal(less.code, '158');
  }
  assert.equal(await own(query), '1999000\n');
});

test('a web page cannot ask, neither from elsewhere nor by a name that it points here', async () => {
  const ask = (headers: Record<string, string>, method = 'GET') =>
    new Promise<[number | undefined, string]>((resolve, reject) => {
      const path = method === 'GET' ? '/?query=SELECT+1' : '/';
      const sent = request({ port, host: '127.0.0.1', path, method, headers }, async (response) => {
        resolve([response.statusCode, await text(response)]);
      });
      sent.on('error', reject).end(method === 'GET' ? undefined : 'SELECT 1');
    });
  const refused: [Record<string, string>, RegExp][] = [
    [{ origin: 'http://evil.example' }, /Origin: http:\/\/evil\.example\) is refused/],
    [{ origin: 'null' }, /Origin: null/],
    [{ 'sec-fetch-site': 'cross-site' }, /Sec-Fetch-Site: cross-site/],
    [{ 'sec-fetch-site': 'same-site' }, /Sec-Fetch-Site: same-site/],
    [{ host: 'evil.example' }, /Host: evil\.example\).*BUNSEN_STORE_LISTEN/],
    [{ host: `evil.example:${port}` }, /Host: evil\.example/],
    [{ host: 'localhost.evil.example' }, /Host: localhost\.evil/],
  ];
  for (const [headers, message] of refused) {
    for (const method of ['GET', 'POST']) {
      const [status, body] = await ask(headers, method);
      assert.equal(status, 403);
      assert.match(body, message);
    }
  }
  for (const host of [`localhost:${port}`, 'LOCALHOST', '127.0.0.1', `[::1]:${port}`]) {
    assert.deepEqual(await ask({ host }), [200, '1\n']);
  }
  assert.deepEqual(await ask({ 'sec-fetch-site': 'none' }), [200, '1\n']);
});

test('a mistake is said as the engine says it, without what was put around it', async () => {
  for (const ask of [get, post]) {
    const { code, status, body } = await ask(`SELECT 'it''s' FROM FROM t`);
    assert.deepEqual([code, status], ['62', 400]);
    assert.match(
      body,
      /^Code: 62\. DB::Exception: Syntax error: failed at position 26 .*\(SYNTAX_ERROR\)\n$/s,
    );
    assert.doesNotMatch(body, /formatQuery/);
  }
});
