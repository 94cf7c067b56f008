import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pprofOf } from './testing/pprof-of.ts';
import { cpuQuery, foldedOf, pushTo, TestServer, tempDir } from './testing/test-server.ts';

/** Every acknowledged sample is there exactly once, whatever was killed in between. */

/** Enough that most inserts are of several pushes. */
const WRITERS = 12;

/** A profile of its own for each push: its frame is its key, so that a loss has a name. */
function bodyOf(key: string): Uint8Array {
  const labels = { service_name: 'api', writer: key, span_id: '9a517183f26a089d' };
  return pprofOf(`main;${key} 1\nmain;shared 1`, { labels });
}

/**
 * Pushes under new keys, each again and again until it is acknowledged, while `going` says so, and
 * three at least, however slow the machine.
 */
async function write(writer: number, url: () => string, going: () => boolean): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let n = 0; going() || n < 3; n++) {
    const key = `k${writer}-${n}`;
    const body = bodyOf(key);
    for (;;) {
      try {
        await pushTo(url(), body, key);
        acknowledged.push(key);
        break;
      } catch {
        await sleep(30);
      }
    }
  }
  return acknowledged;
}

async function check(server: TestServer, keys: string[]): Promise<void> {
  const expected = [
    ...keys.map((key) => `main;${key} 10000000`),
    `main;shared ${keys.length}0000000`,
  ];
  const flame = await server.flame(cpuQuery(), { maxNodes: 1_000_000 });
  assert.deepEqual(foldedOf(flame).sort(), expected.sort());
  await server.app.rollups.makeAll();
  const [sums] = await server.app.store.rows<{ hourly: string; profiles: string; marks: number }>(
    `SELECT (SELECT sum(total) FROM samples_1h WHERE type != '') AS hourly,
       (SELECT sum(total) FROM profiles WHERE type != '') AS profiles,
       (SELECT sum(value * unit) FROM span_samples WHERE type != '') AS spans,
       (SELECT sum(self) FROM function_minutes WHERE type != '') AS minutes,
       (SELECT sum(self) FROM function_hours WHERE type != '') AS functionHours,
       (SELECT toUInt32(count()) FROM profiles WHERE type = '') AS marks`,
  );
  assert.deepEqual(sums, {
    hourly: String(keys.length * 2e7),
    profiles: String(keys.length * 2e7),
    spans: String(keys.length * 2e7),
    minutes: String(keys.length * 2e7),
    functionHours: String(keys.length * 2e7),
    marks: keys.length,
  });
}

test('the store is killed again and again in the middle of pushes', async () => {
  const server = await TestServer.start();
  let going = true;
  const writers = Array.from({ length: WRITERS }, (_, i) =>
    write(
      i,
      () => server.url,
      () => going,
    ),
  );
  for (let kill = 0; kill < 6; kill++) {
    await sleep(150 + Math.random() * 400);
    const pid = server.app.store.embeddedPid;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    for (let i = 0; (await server.fetch('/readyz')).status !== 200; i++) {
      assert.ok(i < 400, 'the store does not come back');
      await sleep(50);
    }
  }
  going = false;
  const keys = (await Promise.all(writers)).flat();
  assert.ok(keys.length > 8, `${keys.length} pushes`);
  // That groups were killed, and not just lone pushes.
  const metrics = await (await server.fetch('/metrics')).text();
  const of = (figure: string) =>
    Number(new RegExp(`^bunsen_insert_pushes_${figure} (\\d+)$`, 'm').exec(metrics)?.[1]);
  assert.ok(of('sum') > 2 * of('count'), `${of('sum')} pushes in ${of('count')} groups`);
  await check(server, keys);
  await server.close();
});

test('the whole server is killed again and again in the middle of pushes', async () => {
  const env = { BUNSEN_DATA_DIR: tempDir(), BUNSEN_PORT: '0', BUNSEN_LOG_LEVEL: 'error' };
  let url = 'http://127.0.0.1:1';
  const start = async (): Promise<ChildProcess> => {
    const child = fork(new URL('./main.js', import.meta.url), {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [message] = (await once(child, 'message')) as [{ type: string; url: string }];
    url = message.url;
    return child;
  };
  let going = true;
  let child = await start();
  const writers = Array.from({ length: WRITERS }, (_, i) =>
    write(
      i,
      () => url,
      () => going,
    ),
  );
  for (let kill = 0; kill < 5; kill++) {
    await sleep(200 + Math.random() * 400);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    child = await start();
  }
  await sleep(300);
  going = false;
  const keys = (await Promise.all(writers)).flat();
  assert.ok(keys.length > 5, `${keys.length} pushes`);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  const server = await TestServer.start(env);
  await check(server, keys);
  // A spooled request that comes hours later is still recognised.
  assert.deepEqual(await server.push(bodyOf(keys[0] as string), keys[0]), {
    samples: 2,
    duplicate: true,
  });
  await check(server, keys);
  await server.close();
});
