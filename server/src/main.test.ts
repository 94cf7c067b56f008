import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorResponse } from '@bunsen/profile';
import { pprofOf } from './testing/pprof-of.ts';
import { pushTo, tempDir } from './testing/test-server.ts';

/** The program as it is started: exit codes, messages, signals. */

const MAIN = new URL('./main.js', import.meta.url);

interface Ended {
  code: number | null;
  stderr: string;
}

function start(env: Record<string, string>): ChildProcess {
  return fork(MAIN, {
    env: { PATH: process.env['PATH'], BUNSEN_PORT: '0', BUNSEN_DATA_DIR: tempDir(), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

async function startReady(
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string }> {
  const child = start(env);
  const [message] = (await once(child, 'message')) as [{ type: string; url: string }];
  assert.equal(message.type, 'ready');
  return { child, url: message.url };
}

async function endOf(child: ChildProcess): Promise<Ended> {
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

async function terminate(child: ChildProcess): Promise<void> {
  const ended = endOf(child);
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Pid of the process of the embedded store: the server's child that runs child.js. */
function storePidOf({ pid }: ChildProcess): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const store = children.find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('embedded/child.js'),
  );
  return Number(store);
}

test('a connection that nothing came from does not hold up the end', async () => {
  const sql = createServer().listen(0, '127.0.0.1');
  await once(sql, 'listening');
  const { port: sqlPort } = sql.address() as AddressInfo;
  sql.close();
  const { child, url } = await startReady({ BUNSEN_STORE_LISTEN: `127.0.0.1:${sqlPort}` });
  const sockets = [Number(new URL(url).port), sqlPort].map((port) => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
  await terminate(child);
  await closed;
});

test('says where it listens, ends with 0 on a signal, and leaves no process', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const child = start({});
    let stdout = '';
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    await once(child, 'message');
    assert.match(stdout, /^Bunsen server listening on http:\/\/127\.0\.0\.1:\d+\n$/);
    const store = storePidOf(child);
    assert.ok(isAlive(store));
    const ended = endOf(child);
    child.kill(signal);
    assert.deepEqual(await ended, { code: 0, stderr: '' });
    assert.equal(isAlive(store), false);
  }
});

test('a push that was begun is finished when the signal comes', async () => {
  const dataDir = tempDir();
  const { child, url } = await startReady({ BUNSEN_DATA_DIR: dataDir });
  const lines = Array.from({ length: 5000 }, (_, i) => `main;f${i} 1`).join('\n');
  const body = pprofOf(lines);
  const pushed = pushTo(url, body, 'last');
  await sleep(50);
  await terminate(child);
  assert.deepEqual(await pushed, { samples: 5000, duplicate: false });
  const next = await startReady({ BUNSEN_DATA_DIR: dataDir });
  assert.deepEqual(await pushTo(next.url, body, 'last'), { samples: 5000, duplicate: true });
  await terminate(next.child);
});

test('ends when the program that started it is gone', async () => {
  const script = `
    import { fork } from 'node:child_process';
    const child = fork(${JSON.stringify(MAIN.pathname)}, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.on('message', () => console.log(child.pid));
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { PATH: process.env['PATH'], BUNSEN_PORT: '0', BUNSEN_DATA_DIR: tempDir() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const server = Number(line.toString());
  parent.kill('SIGKILL');
  for (let i = 0; isAlive(server); i++) {
    assert.ok(i < 100, 'the server outlives its parent by 5 s');
    await sleep(50);
  }
});

test('a port in use', async () => {
  const { child, url } = await startReady();
  const { code, stderr } = await endOf(start({ BUNSEN_PORT: new URL(url).port }));
  assert.equal(code, 2);
  assert.match(stderr, /127\.0\.0\.1:\d+ is in use.*BUNSEN_PORT/);
  await terminate(child);
});

test('a data directory that another server has open, and one that cannot be written', async () => {
  const dataDir = tempDir();
  const { child } = await startReady({ BUNSEN_DATA_DIR: dataDir });
  const owner = storePidOf(child);
  const { code, stderr } = await endOf(start({ BUNSEN_DATA_DIR: dataDir }));
  assert.equal(code, 2);
  assert.ok(stderr.includes(dataDir) && stderr.includes(`pid ${owner}`), stderr);
  assert.match(stderr, /BUNSEN_DATA_DIR/);
  await terminate(child);

  const file = join(tempDir(), 'file');
  writeFileSync(file, '');
  for (const unusable of [join(file, 'data'), file, '/proc/no/folder']) {
    const refused = await endOf(start({ BUNSEN_DATA_DIR: unusable }));
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /the data directory cannot be used .*BUNSEN_DATA_DIR/);
  }
});

test('options that are wrong are named', async () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ BUNSEN_PORT: '99999' }, /BUNSEN_PORT=99999 must be a whole number from 0 to 65535/],
    [{ BUNSEN_MAX_BODY_BYTES: '1MB' }, /BUNSEN_MAX_BODY_BYTES=1MB/],
    [{ BUNSEN_LOG_LEVEL: 'loud' }, /BUNSEN_LOG_LEVEL=loud/],
    [{ CLICKHOUSE_URL: 'localhost:8123' }, /CLICKHOUSE_URL must look like http/],
    [{ BUNSEN_HOST: '192.0.2.1' }, /192\.0\.2\.1 is not an address of this machine.*BUNSEN_HOST/],
  ];
  for (const [env, message] of cases) {
    const { code, stderr } = await endOf(start(env));
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});

test('a ClickHouse that cannot be reached: alive, not ready, and ready once it is there', async () => {
  const server = createServer();
  await listen(server);
  const { port } = server.address() as AddressInfo;
  server.close();
  const { child, url } = await startReady({
    CLICKHOUSE_URL: `http://bunsen:secret@127.0.0.1:${port}/profiles`,
  });
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const ready = await fetch(`${url}/readyz`);
  assert.equal(ready.status, 503);
  assert.ok(ready.headers.get('retry-after'));
  const { code, message } = (await ready.json()) as ErrorResponse;
  assert.equal(code, 'STORE_UNAVAILABLE');
  assert.match(message, /ECONNREFUSED.*CLICKHOUSE_URL.*bunsen:\*\*\*@127/);
  await assert.rejects(pushTo(url, pprofOf('a 1')), /503.*STORE_UNAVAILABLE/);

  // The embedded store of another server stands in for the ClickHouse that comes up there.
  const clickhouse = await startReady({ BUNSEN_STORE_LISTEN: `127.0.0.1:${port}` });
  await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'CREATE DATABASE profiles' });
  for (let i = 0; (await fetch(`${url}/readyz`)).status !== 200; i++) {
    assert.ok(i < 100, 'it does not become ready');
    await sleep(100);
  }
  assert.deepEqual(await pushTo(url, pprofOf('a 1'), 'k'), { samples: 1, duplicate: false });
  assert.deepEqual(await pushTo(url, pprofOf('a 1'), 'k'), { samples: 1, duplicate: true });
  await terminate(child);
  await terminate(clickhouse.child);
});

test('something else than ClickHouse is not ready, and is waited for', async () => {
  const pages: [number, string][] = [
    [200, '<html>hello</html>'],
    [502, '<html>bad gateway</html>'],
  ];
  for (const [status, page] of pages) {
    const server = createServer((_request, response) => {
      response.writeHead(status).end(page);
    });
    await listen(server);
    const { port } = server.address() as AddressInfo;
    const { child, url } = await startReady({ CLICKHOUSE_URL: `http://127.0.0.1:${port}/x` });
    const ready = await fetch(`${url}/readyz`);
    assert.equal(ready.status, 503);
    assert.match(((await ready.json()) as ErrorResponse).message, /is not ClickHouse/);
    await terminate(child);
    server.close();
  }
});

test('a ClickHouse that refuses the password, or has no such database', async () => {
  const cases: [number, string, string, RegExp][] = [
    [
      403,
      '516',
      'Code: 516. DB::Exception: bunsen: Authentication failed. (AUTHENTICATION_FAILED)',
      /password/,
    ],
    [
      404,
      '81',
      'Code: 81. DB::Exception: Database x does not exist. (UNKNOWN_DATABASE)',
      /database/,
    ],
  ];
  for (const [status, exception, body, message] of cases) {
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'X-ClickHouse-Exception-Code': exception }).end(body);
    });
    await listen(server);
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await endOf(
      start({ CLICKHOUSE_URL: `http://bunsen:secret@127.0.0.1:${port}/x` }),
    );
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.match(stderr, /CLICKHOUSE_URL/);
    assert.doesNotMatch(stderr, /secret/);
    server.close();
  }
});

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}
