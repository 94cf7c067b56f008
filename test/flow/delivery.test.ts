import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Pusher } from '@bunsen/agent/ship/pusher';
import { Spool } from '@bunsen/agent/ship/spool';
import { API, IDEMPOTENCY_KEY, type PushResponse } from '@bunsen/profile';
import {
  atEnd,
  type Cleanup,
  flamegraph,
  freePort,
  pathsOf,
  startServer,
  temporaryFolder,
  until,
} from '../harness.ts';
import { PERIOD_NS, pprofOf } from '../text-profile.ts';

const WINDOW = `
main;serve;parse 7
main;serve;parse;memcpy@libc.so.6 2
main;serve 1
main;idle 4
`;
const WINDOW_SAMPLES = 14;

async function openSpool(t: Cleanup): Promise<Spool> {
  const directory = temporaryFolder(t);
  return Spool.open({
    directory,
    maxBytes: 1e8,
    instance: randomUUID(),
    onDropped: () => assert.fail(),
  });
}

function startPusher(t: Cleanup, spool: Spool, url: string): Pusher {
  const pusher = new Pusher(spool, url, {
    shipped: () => undefined,
    rejected: (_, reason) => assert.fail(reason),
    delayed: () => undefined,
  });
  pusher.start();
  atEnd(t, () => pusher.stop());
  return pusher;
}

function windowAt(timeMs: number) {
  const bytes = gzipSync(pprofOf(WINDOW, { timeMs }));
  return { startMs: timeMs, samples: WINDOW_SAMPLES, bytes };
}

test('windows come out of the flame graph as they went into the spool', async (t) => {
  const { url } = await startServer(t);
  const spool = await openSpool(t);
  const pusher = startPusher(t, spool, url);
  const nowMs = Math.floor(Date.now() / 15_000) * 15_000;
  for (const ago of [3, 2, 1]) await spool.add(windowAt(nowMs - ago * 15_000));
  pusher.wake();
  await until('the spool to be empty', () => spool.length === 0);
  const paths = pathsOf(await flamegraph(url, '{service_name="demo"}'));
  assert.deepEqual(Object.fromEntries([...paths].map(([path, ns]) => [path, ns / PERIOD_NS / 3])), {
    '': 14,
    main: 14,
    'main;idle': 4,
    'main;serve': 10,
    'main;serve;parse': 9,
    'main;serve;parse;memcpy': 2,
  });
});

test('a server that dies and comes back gets every window, each once', async (t) => {
  const port = await freePort();
  const dataDir = temporaryFolder(t);
  const env = { dataDir, port };
  const spool = await openSpool(t);
  const pusher = startPusher(t, spool, `http://127.0.0.1:${port}`);
  const nowMs = Math.floor(Date.now() / 15_000) * 15_000;
  let sent = 0;
  const send = async (count: number) => {
    for (let i = 0; i < count; i++) await spool.add(windowAt(nowMs - ++sent * 15_000));
    pusher.wake();
  };
  for (let round = 0; round < 3; round++) {
    const { program } = await startServer(t, env);
    await send(4);
    // Killed while windows are on their way: some were stored and not yet acknowledged.
    await until('a first delivery', () => spool.length < 4);
    await program.stop('SIGKILL');
    await send(2);
  }
  const { url } = await startServer(t, env);
  await until('the spool to be empty', () => spool.length === 0, 60_000);
  const { tree } = await flamegraph(url);
  assert.equal((tree.total[0] as number) / PERIOD_NS, sent * WINDOW_SAMPLES);
});

test('a request that is sent again counts once, also after a restart of the server', async (t) => {
  const dataDir = temporaryFolder(t);
  const body = new Uint8Array(gzipSync(pprofOf(WINDOW, { timeMs: Date.now() - 60_000 })));
  const push = async (url: string): Promise<PushResponse> => {
    const response = await fetch(url + API.push, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', [IDEMPOTENCY_KEY]: 'once' },
      body,
    });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as PushResponse;
  };
  const first = await startServer(t, { dataDir });
  assert.deepEqual(await push(first.url), { samples: 4, duplicate: false });
  assert.equal((await push(first.url)).duplicate, true);
  await first.program.stop();
  const second = await startServer(t, { dataDir });
  assert.equal((await push(second.url)).duplicate, true);
  const { tree } = await flamegraph(second.url);
  assert.equal((tree.total[0] as number) / PERIOD_NS, WINDOW_SAMPLES);
});
