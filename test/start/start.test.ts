import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  accountingOf,
  alive,
  atEnd,
  type Cleanup,
  flamegraph,
  freePort,
  needsRoot,
  processTree,
  root,
  startServer,
  temporaryFolder,
  until,
} from '../harness.ts';
import { PERIOD_NS } from '../text-profile.ts';

/** `npm start`, as a person runs it: in a process group of its own, which Ctrl-C goes to. */
class Start {
  readonly child: ChildProcess;
  output = '';
  readonly exited: Promise<number | null>;

  constructor(t: Cleanup, env: Record<string, string>) {
    this.child = spawn('npm', ['start'], {
      cwd: root,
      env: { ...process.env, BUNSEN_AGENT_METRICS: 'off', ...env },
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk;
      });
    }
    this.exited = new Promise((resolve) => this.child.on('close', resolve));
    atEnd(t, () => this.interrupt());
  }

  url(): Promise<string> {
    return until(
      'the URL',
      () => {
        if (this.child.exitCode !== null) throw new Error(this.output);
        return /Bunsen is running: (http\S+)/.exec(this.output)?.[1];
      },
      120_000,
    );
  }

  processes() {
    return processTree(this.child.pid as number);
  }

  /** Ctrl-C, upon which npm ends by the signal and what it started ends by itself. */
  async assertStops() {
    const processes = this.processes();
    assert.ok(processes.length >= 4, 'npm, start script, server, store, agent');
    const code = await this.interrupt();
    assert.ok(code === 0 || this.child.signalCode === 'SIGINT', this.output);
    assert.deepEqual(alive(processes), []);
  }

  /** Ctrl-C: SIGINT to the whole group, as a terminal sends it. */
  async interrupt(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.pid) {
      try {
        process.kill(-this.child.pid, 'SIGINT');
      } catch {
        // gone already
      }
    }
    return this.exited;
  }
}

async function environment(t: Cleanup): Promise<Record<string, string>> {
  const data = temporaryFolder(t);
  return {
    BUNSEN_PORT: String(await freePort()),
    BUNSEN_DATA_DIR: data,
    BUNSEN_AGENT_DATA_DIR: `${data}/agent`,
  };
}

const samplesIn = async (url: string) =>
  ((await flamegraph(url)).tree.total[0] as number) / PERIOD_NS;

test('Ctrl-C stops all of it: no process and no window is left behind', {
  skip: needsRoot,
}, async (t) => {
  const env = await environment(t);
  const start = new Start(t, env);
  const url = await start.url();
  await until('the agent', () => /Profiling this machine/.test(start.output));
  assert.equal((await fetch(url)).status, 200);
  await sleep(3000);
  await start.assertStops();
  await assert.rejects(fetch(`${url}/healthz`));

  const accounting = accountingOf(start as never);
  assert.equal(accounting['spooled'], 0, 'the last window was not delivered');
  assert.ok((accounting['shipped'] as number) > 0);
  const again = await startServer(t, { dataDir: env['BUNSEN_DATA_DIR'] as string });
  assert.equal(await samplesIn(again.url), accounting['shipped']);
});

test('kill -9 of npm: what it started stops by itself, as after Ctrl-C', {
  skip: needsRoot,
}, async (t) => {
  const start = new Start(t, await environment(t));
  await start.url();
  await until('the agent', () => /Profiling this machine/.test(start.output));
  const started = start.processes().slice(1);
  start.child.kill('SIGKILL');
  await until('the end', () => alive(started).length === 0, 60_000);
  assert.equal(accountingOf(start as never)['spooled'], 0, start.output);
});

test('kill -9 of store, server and agent: it goes on by itself, and keeps what it had', {
  skip: needsRoot,
}, async (t) => {
  const env = await environment(t);
  const start = new Start(t, env);
  const url = await start.url();
  await until('the agent', () => /Profiling this machine/.test(start.output));
  const one = async (text: string) => {
    const found = await until(text, () => start.processes().find((p) => p.command.includes(text)));
    return found.pid;
  };
  let known = 0;
  for (const victim of ['store/embedded/child', 'server/dist/main.js', 'agent/dist/main.js']) {
    known = await until(
      'more samples',
      async () => {
        const now = await samplesIn(url).catch(() => 0);
        return now > known ? now : undefined;
      },
      60_000,
    );
    process.kill(await one(victim), 'SIGKILL');
    await sleep(500);
    const after = await until(
      `samples after kill -9 of ${victim}`,
      () => samplesIn(url).catch(() => 0),
      60_000,
    );
    t.diagnostic(`${victim}: ${known} samples before, ${after} after`);
    assert.ok(after >= known, `${victim}: ${known} samples were acknowledged, ${after} are left`);
    known = after;
  }
  await until('more samples', async () => (await samplesIn(url).catch(() => 0)) > known, 60_000);
  await start.assertStops();
});

test('a port in use: says which variable to change', async (t) => {
  const env = await environment(t);
  await startServer(t, { port: Number(env['BUNSEN_PORT']) });
  const start = new Start(t, env);
  assert.notEqual(await start.exited, 0);
  assert.match(start.output, /BUNSEN_PORT/);
});

test('a data directory that another server owns: says so', async (t) => {
  const env = await environment(t);
  const { program } = await startServer(t, { dataDir: env['BUNSEN_DATA_DIR'] as string });
  const start = new Start(t, env);
  assert.notEqual(await start.exited, 0);
  assert.match(start.output, /BUNSEN_DATA_DIR/);
  assert.equal(program.child.exitCode, null, 'the first server goes on');
});
