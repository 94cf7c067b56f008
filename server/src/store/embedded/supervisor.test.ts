import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '../../testing/test-server.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';

function optionsOf(dataDir: string): SupervisorOptions {
  return {
    dataDir,
    listen: '',
    memoryBytes: 1 << 30,
    concurrency: { reads: 4, writes: 1 },
    lockWaitMs: 500,
    listenLimits: { timeMs: 10_000, memoryBytes: 1 << 28, rows: 1e12 },
    onDeath: () => {},
  };
}

test('a child that is killed is started again, and said to be away meanwhile', async () => {
  const messages: string[] = [];
  const store = new Supervisor({
    ...optionsOf(tempDir()),
    onDeath: (message) => messages.push(message),
  });
  await store.start();
  const first = store.pid as number;
  process.kill(first, 'SIGKILL');
  while (store.ready) await sleep(5);
  const start = performance.now();
  while (!store.ready) await sleep(20);
  assert.ok(performance.now() - start < 5000);
  assert.notEqual(store.pid, first);
  assert.equal(store.restarts, 1);
  assert.match(messages[0] as string, /ended with SIGKILL; it is started again in 100 ms/);
  const last = store.pid as number;
  await store.close();
  assert.equal(isAlive(last), false);
  assert.equal(existsSync(store.socketPath), false);
});

test('a child that hangs is killed and started again', async () => {
  const messages: string[] = [];
  const store = new Supervisor({
    ...optionsOf(tempDir()),
    onDeath: (message) => messages.push(message),
    silenceMs: 3000,
  });
  await store.start();
  const first = store.pid as number;
  process.kill(first, 'SIGSTOP');
  while (store.pid === first) await sleep(50);
  while (!store.ready) await sleep(20);
  assert.match(
    messages[0] as string,
    /no sign of life for 3 s and was killed; it is started again/,
  );
  await store.close();
  assert.equal(isAlive(first), false);
});

test('a directory that is in use is refused with the owner, and is free when the owner has closed', async () => {
  const dataDir = tempDir();
  const owner = new Supervisor(optionsOf(dataDir));
  await owner.start();
  const second = new Supervisor(optionsOf(dataDir));
  await assert.rejects(second.start(), (error: Error) => {
    assert.ok(error.message.includes(dataDir));
    assert.ok(error.message.includes(`pid ${owner.pid}`));
    return true;
  });
  await owner.close();
  const third = new Supervisor(optionsOf(dataDir));
  await third.start();
  await third.close();
});

test('when the parent is killed, the child closes the directory and ends', async () => {
  const dataDir = tempDir();
  const script = `
    import { Supervisor } from ${JSON.stringify(new URL('./supervisor.js', import.meta.url).href)};
    const store = new Supervisor({ ...${JSON.stringify(optionsOf(dataDir))}, onDeath() {} });
    await store.start();
    console.log(store.pid);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(line.toString());
  assert.ok(isAlive(child));
  parent.kill('SIGKILL');
  for (let i = 0; isAlive(child); i++) {
    assert.ok(i < 100, 'the child outlives its parent by 5 s');
    await sleep(50);
  }
  const next = new Supervisor(optionsOf(dataDir));
  await next.start();
  await next.close();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
