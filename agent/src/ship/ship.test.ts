import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pusher } from './pusher.ts';
import { Spool } from './spool.ts';

const A = '00000000-0000-4000-8000-00000000000a';
const B = '00000000-0000-4000-8000-00000000000b';
const T0 = 1_700_000_000_000;

async function folder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'bunsen-spool-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const openSpool = (
  directory: string,
  instance = A,
  maxBytes = 1e6,
  onDropped = (_: number) => {},
) => Spool.open({ directory, maxBytes, instance, onDropped });

const window = (n: number, bytes = 10) => ({
  startMs: T0 + n * 15_000,
  samples: n,
  bytes: Buffer.alloc(bytes, n),
});

test('windows outlive the agent, with their keys, and torn files do not', async (t) => {
  const directory = await folder(t);
  const first = await openSpool(directory);
  await first.add(window(2));
  await first.add(window(3));
  await writeFile(path.join(directory, 'x.pprof.gz.partial'), 'torn');
  const second = await openSpool(directory, B);
  assert.equal(second.samples, 5);
  assert.equal(second.first()?.key, `${A}-${T0 + 30_000}`);
  assert.deepEqual(await second.read(second.first() as never), Buffer.alloc(10, 2));
  assert.deepEqual(
    (await readdir(directory)).filter((file) => file.endsWith('.partial')),
    [],
  );
});

test('a full spool gives up the oldest windows and says how many samples they held', async (t) => {
  let dropped = 0;
  const spool = await openSpool(await folder(t), A, 250, (samples) => {
    dropped += samples;
  });
  for (const n of [1, 2, 3, 4]) await spool.add(window(n, 100));
  assert.equal(dropped, 1 + 2);
  assert.equal(spool.samples, 3 + 4);
  assert.equal(spool.first()?.samples, 3);
});

test('a window on its way is not given up for room: it would be shipped and lost', async (t) => {
  let dropped = 0;
  const spool = await openSpool(await folder(t), A, 250, (samples) => {
    dropped += samples;
  });
  await spool.add(window(1, 100));
  spool.sending = spool.first();
  for (const n of [2, 3, 4]) await spool.add(window(n, 100));
  assert.equal(dropped, 2 + 3);
  assert.equal(spool.first()?.samples, 1);
});

test('a write that fails leaves nothing behind; a folder that was removed comes back', async (t) => {
  const directory = path.join(await folder(t), 'spool');
  const spool = await openSpool(directory);
  // A folder where the file should go: the rename fails, after the window was written.
  await mkdir(path.join(directory, `${T0 + 15_000}-${A}-1.pprof.gz`, 'x'), { recursive: true });
  await assert.rejects(spool.add(window(1)));
  assert.deepEqual(
    (await readdir(directory)).filter((file) => file.endsWith('.partial')),
    [],
  );
  await rm(directory, { recursive: true });
  await spool.add(window(2));
  assert.equal((await readdir(directory)).length, 1);
});

test('a folder that cannot be used is an error that says what to do', async (t) => {
  const file = path.join(await folder(t), 'file');
  await writeFile(file, '');
  for (const folder of [path.join(file, 'below'), file, '/proc/no/folder']) {
    await assert.rejects(openSpool(folder), /BUNSEN_AGENT_DATA_DIR/);
  }
});

/** A receiver that answers with the given statuses in turn, the last one for ever. */
async function receiver(t: TestContext, statuses: number[]) {
  const keys: string[] = [];
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      keys.push(String(request.headers['idempotency-key']));
      response.statusCode = (statuses.length > 1 ? statuses.shift() : statuses[0]) as number;
      response.end(JSON.stringify({ code: 'X', message: 'because' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { keys, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function push(t: TestContext, spool: Spool, url: string) {
  const log: string[] = [];
  const pusher = new Pusher(spool, url, {
    shipped: ({ samples }) => log.push(`shipped ${samples}`),
    rejected: ({ samples }, reason) => log.push(`rejected ${samples}: ${reason}`),
    delayed: ({ samples }, reason) => log.push(`delayed ${samples}: ${reason}`),
  });
  pusher.start();
  t.after(() => pusher.stop());
  return { log, pusher };
}

async function until(condition: () => boolean) {
  for (let i = 0; i < 1000 && !condition(); i++) await sleep(10);
  assert.ok(condition(), 'waited in vain');
}

test('a window is sent again under the same key until the server has it, in order', async (t) => {
  const spool = await openSpool(await folder(t));
  const { url, keys } = await receiver(t, [503, 429, 200]);
  await spool.add(window(1));
  await spool.add(window(2));
  const { log } = await push(t, spool, url);
  await until(() => log.includes('shipped 2'));
  assert.deepEqual(log, ['delayed 1: 503 X: because', 'shipped 1', 'shipped 2']);
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.equal(spool.length, 0);
});

test('a redirect that keeps the method is followed; another one says where the server is', async (t) => {
  const { url: there, keys } = await receiver(t, [200]);
  let status = 301;
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(status, { location: new URL(request.url ?? '', there).href }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const spool = await openSpool(await folder(t));
  await spool.add(window(1));
  const { log } = await push(t, spool, url);
  await until(() => log.length === 1);
  assert.match(String(log[0]), /^delayed 1: 301 it is at http.*; name that in BUNSEN_SERVER_URL$/);
  assert.deepEqual(keys, []);
  status = 308;
  await until(() => log.includes('shipped 1'));
  assert.deepEqual(keys, [`${A}-${T0 + 15_000}`]);
});

test('a window that the server will never take is given up with the reason; the next one goes on', async (t) => {
  const spool = await openSpool(await folder(t));
  const { url } = await receiver(t, [400, 200]);
  const { log, pusher } = await push(t, spool, url);
  await spool.add(window(1));
  await spool.add(window(2));
  pusher.wake();
  await until(() => log.length === 2);
  assert.deepEqual(log, ['rejected 1: 400 X: because', 'shipped 2']);
});

test('without a server windows stay in the spool when the agent stops', async (t) => {
  const spool = await openSpool(await folder(t));
  await spool.add(window(5));
  const { log, pusher } = await push(t, spool, 'http://127.0.0.1:9');
  await until(() => log.length === 1);
  await pusher.stop();
  assert.equal(spool.samples, 5);
});
