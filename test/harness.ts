import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  API,
  CPU_PROFILE_TYPE,
  decodeFlame,
  FLAME_CONTENT_TYPE,
  type Flame,
  NO_FRAME,
  nameOfFrame,
} from '@bunsen/profile';

/** Top of the checkout. This file runs as test/dist/harness.js. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Why tests that sample the kernel cannot run here; false if they can. For `{ skip }`. */
export const needsRoot: string | false =
  process.getuid?.() === 0 ? false : 'SKIPPED: sampling the kernel needs root';

/** What tests and benchmarks hang their clean-up on. */
export type Cleanup = Pick<TestContext, 'after'>;

const endings = new WeakMap<Cleanup, (() => unknown)[]>();

/** Runs `task` when the test is over, last things first: a server stops before its folder goes. */
export function atEnd(t: Cleanup, task: () => unknown): void {
  let tasks = endings.get(t);
  if (!tasks) {
    const all: (() => unknown)[] = [];
    t.after(async () => {
      for (const each of all.reverse()) await each();
    });
    endings.set(t, all);
    tasks = all;
  }
  tasks.push(task);
}

export function temporaryFolder(t: Cleanup): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'bunsen-test-'));
  atEnd(t, () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until `condition` gives something truthy, and returns that. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 30_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(50);
  }
}

/** A program of the project as a process of its own, with what it printed. */
export class Program {
  readonly child: ChildProcess;
  output = '';
  readonly exited: Promise<number | NodeJS.Signals>;

  /** @param launcher such as `setpriv …`, which is handed the command */
  constructor(file: string, env: Record<string, string>, launcher: string[] = []) {
    const program = path.join(root, file);
    const command = /\.m?js$/.test(file) ? [process.execPath, program] : [program];
    const [first, ...args] = [...launcher, ...command] as [string];
    this.child = spawn(first, args, {
      env: { ...process.env, NODE: process.execPath, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const collect = (chunk: Buffer) => {
      this.output += chunk.toString();
    };
    this.child.stdout?.on('data', collect);
    this.child.stderr?.on('data', collect);
    this.exited = new Promise((resolve) =>
      this.child.on('close', (code, signal) => resolve(code ?? (signal as NodeJS.Signals))),
    );
  }

  /** The first IPC message of this type. */
  message<T extends { type: string }>(type: T['type'], timeoutMs = 60_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => fail(`said nothing within ${timeoutMs} ms`), timeoutMs);
      const fail = (what: string) => {
        clearTimeout(late);
        reject(new Error(`${this.child.spawnargs.at(-1)} ${what}:\n${this.output}`));
      };
      this.child.on('message', (message: T) => {
        if (message.type !== type) return;
        clearTimeout(late);
        resolve(message);
      });
      void this.exited.then((code) => fail(`ended (${code})`));
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.child.kill(signal);
    return this.exited;
  }
}

export interface RunningServer {
  program: Program;
  url: string;
  port: number;
  dataDir: string;
}

/** The server with the embedded store, ready. Ends with the test. */
export async function startServer(
  t: Cleanup,
  {
    dataDir,
    port,
    env = {},
  }: { dataDir?: string; port?: number; env?: Record<string, string> } = {},
): Promise<RunningServer> {
  const directory = dataDir ?? temporaryFolder(t);
  const listen = port ?? (await freePort());
  const program = new Program('server/dist/main.js', {
    BUNSEN_DATA_DIR: directory,
    BUNSEN_PORT: String(listen),
    ...env,
  });
  atEnd(t, async () => {
    await program.stop();
    // What the server complained of belongs to what the test says.
    if (/error/i.test(program.output)) console.error(program.output);
  });
  const { url } = await program.message<{ type: 'ready'; url: string }>('ready');
  return { program, url, port: listen, dataDir: directory };
}

/** The agent, sampling. Ends with the test. */
export async function startAgent(
  t: Cleanup,
  serverUrl: string,
  env: Record<string, string> = {},
): Promise<Program> {
  const program = new Program('agent/bunsen-agent', {
    BUNSEN_SERVER_URL: serverUrl,
    BUNSEN_AGENT_DATA_DIR: env['BUNSEN_AGENT_DATA_DIR'] ?? temporaryFolder(t),
    BUNSEN_AGENT_METRICS: 'off',
    // One frequency, however busy this machine is, if a test does not say otherwise.
    BUNSEN_CPU_BUDGET_PERCENT: '100',
    ...env,
  });
  atEnd(t, () => program.stop());
  await program.message('sampling');
  return program;
}

/** The accounting that a stopped agent logs as its last line. */
export function accountingOf(agent: Pick<Program, 'output'>): Record<string, number> {
  const line = /^agent: accounting (\{.*\})$/m.exec(agent.output)?.[1];
  if (!line) throw new Error(`the agent logged no accounting:\n${agent.output}`);
  return JSON.parse(line);
}

/** To the last sample: taken = filtered + lost + `arrived`. @param accounting of an agent that has stopped */
export function assertBalanced(accounting: Record<string, number>, arrived: number): void {
  const parts = Object.entries(accounting).filter(([name]) => /^(filtered|lost)_/.test(name));
  assert.equal(
    accounting['samples_taken'],
    parts.reduce((sum, [, count]) => sum + count, arrived),
  );
}

/** The merged flame graph of a selector such as `{service_name="api"}`. */
export async function flamegraph(
  url: string,
  selector = '{}',
  range: { from?: string; until?: string; maxNodes?: number } = {},
): Promise<Flame> {
  const query = new URLSearchParams({
    query: `${CPU_PROFILE_TYPE}${selector}`,
    from: range.from ?? 'now-6h',
    until: range.until ?? String(Date.now() + 60_000),
    maxNodes: String(range.maxNodes ?? 100_000),
  });
  const response = await fetch(`${url}${API.flamegraph}?${query}`, {
    headers: { accept: FLAME_CONTENT_TYPE },
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return decodeFlame(new Uint8Array(await response.arrayBuffer()));
}

/** Each path of the tree, root first, joined by `;`, with its total: a flame graph as text. */
export function pathsOf({ tree }: Flame): Map<string, number> {
  const paths = new Map<string, number>();
  const open: string[] = [];
  for (let node = 0; node < tree.depth.length; node++) {
    const frame = tree.frame[node] as number;
    open.length = tree.depth[node] as number;
    open.push(frame === NO_FRAME ? '' : nameOfFrame(tree.frames[frame] as string));
    const key = open.slice(1).join(';');
    paths.set(key, (paths.get(key) ?? 0) + (tree.total[node] as number));
  }
  return paths;
}

/** Sum of the totals of the topmost nodes whose frame has this name. */
export function totalOf(flame: Flame, matches: (name: string) => boolean): number {
  const { tree } = flame;
  let sum = 0;
  let inside = -1;
  for (let node = 0; node < tree.depth.length; node++) {
    const depth = tree.depth[node] as number;
    if (inside >= 0 && depth > inside) continue;
    inside = -1;
    const frame = tree.frame[node] as number;
    if (frame !== NO_FRAME && matches(nameOfFrame(tree.frames[frame] as string))) {
      sum += tree.total[node] as number;
      inside = depth;
    }
  }
  return sum;
}

/**
 * Compiles a program of test/programs, `NAME.c` or the file that is named, with frame pointers if
 * `flags` do not say otherwise: without optimisation, since gcc leaves them out of leaf functions at
 * -O1 already, whatever -fno-omit-frame-pointer says.
 */
export function compile(t: Cleanup, name: string, flags: string[] = []): string {
  const file = path.extname(name) === '' ? `${name}.c` : name;
  const out = path.join(temporaryFolder(t), path.parse(file).name);
  const compiler = path.extname(file) === '.cc' ? 'g++' : 'gcc';
  const source = path.join(root, 'test/programs', file);
  execFileSync(compiler, ['-O0', '-fno-omit-frame-pointer', '-o', out, source, ...flags]);
  return out;
}

export interface ProcessRow {
  pid: number;
  parent: number;
  command: string;
}

/** `root` and every process below it, the parents first. */
export function processTree(root: number): ProcessRow[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line): ProcessRow => {
      const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return { pid: Number(pid), parent: Number(parent), command: command ?? '' };
    });
  const tree = rows.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...rows.filter(({ parent }) => parent === pid));
  return tree;
}

/** Those of the processes that still run. */
export function alive(processes: ProcessRow[]): ProcessRow[] {
  return processes.filter(({ pid }) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  });
}
