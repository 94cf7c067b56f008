import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ALIVE_MS,
  type ChildMessage,
  type ChildOptions,
  LISTEN_CONCURRENCY,
  type ParentMessage,
} from './protocol.ts';

export interface SupervisorOptions extends Omit<ChildOptions, 'socketPath'> {
  /** Called each time that the child has died unasked, with what is to be said about it. */
  onDeath: (message: string) => void;
  /** After this long without a sign of life the child is killed, and so started again. */
  silenceMs?: number;
}

/** First wait before a dead child is started again, and the longest: it doubles in between. */
const RESTART_MS = { first: 100, longest: 5_000 } as const;
/** After this long the child counts as healthy, and the next death waits the first time again. */
const HEALTHY_MS = 30_000;
/** Long, since killing costs every query that runs. Opening the directory may take longer still. */
const SILENCE_MS = 60_000;
/** How long closing may take before the child is killed. Closing is quick; merges are cut short. */
const CLOSE_MS = 10_000;

/** Keeps one child alive that serves the embedded store on a socket that only this user can open. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  /** Private (mode 0700) and short: a socket's path has room for 107 bytes. */
  readonly #socketDir = mkdtempSync(join(tmpdir(), 'bunsen-'));
  #child: ChildProcess | undefined;
  #ready = false;
  #closing = false;
  #restartMs: number = RESTART_MS.first;
  #restartTimer: NodeJS.Timeout | undefined;
  /** Restarts since the beginning. */
  restarts = 0;
  version = '';

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether the store takes requests; it does not while it is being restarted. */
  get ready(): boolean {
    return this.#ready;
  }

  get socketPath(): string {
    return join(this.#socketDir, 'store.sock');
  }

  /** Connections for an HTTP client, whatever host its URL names. */
  createAgent(): Agent {
    return new Agent({ keepAlive: true, maxSockets: 64, socketPath: this.socketPath } as object);
  }

  /** @throws Error with the child's reason if the store cannot be opened */
  async start(): Promise<void> {
    try {
      await this.#spawn();
    } catch (error) {
      this.#removeSocketDir();
      throw error;
    }
  }

  #spawn(): Promise<void> {
    const { onDeath, silenceMs = SILENCE_MS, ...options } = this.#options;
    const statements = [options.concurrency, LISTEN_CONCURRENCY].reduce(
      (sum, { reads, writes }) => sum + reads + writes,
      0,
    );
    rmSync(this.socketPath, { force: true });
    const child = fork(
      new URL('./child.js', import.meta.url),
      [JSON.stringify({ ...options, socketPath: this.socketPath } satisfies ChildOptions)],
      {
        // They run on this pool; the rest of the threads are for files and for KILL.
        env: { ...process.env, UV_THREADPOOL_SIZE: String(statements + 8) },
        execArgv: [],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    );
    this.#child = child;
    return new Promise((resolve, reject) => {
      let failure: string | undefined;
      let healthyTimer: NodeJS.Timeout | undefined;
      let wasReady = false;
      // Counted in steps of this process, so that the child is not blamed for what held up both.
      let silentMs = 0;
      const watch = setInterval(() => {
        if (this.#ready) silentMs += ALIVE_MS;
        if (silentMs < silenceMs) return;
        failure ??= `the embedded store gave no sign of life for ${silenceMs / 1000} s and was killed`;
        child.kill('SIGKILL');
      }, ALIVE_MS);
      watch.unref();
      child.on('message', (message: ChildMessage) => {
        silentMs = 0;
        if (message.type === 'alive') return;
        if (message.type === 'failed') {
          failure = message.message;
          return;
        }
        wasReady = true;
        this.#ready = true;
        this.version = message.version;
        healthyTimer = setTimeout(() => {
          this.#restartMs = RESTART_MS.first;
        }, HEALTHY_MS);
        healthyTimer.unref();
        resolve();
      });
      child.on('error', (error) => {
        failure ??= error.message;
      });
      child.on('exit', (code, signal) => {
        clearTimeout(healthyTimer);
        clearInterval(watch);
        this.#ready = false;
        this.#child = undefined;
        const reason = failure ?? `the embedded store ended with ${signal ?? `exit code ${code}`}`;
        reject(new Error(reason));
        if (this.#closing || (!wasReady && this.restarts === 0)) return;
        onDeath(`${reason}; it is started again in ${this.#restartMs} ms`);
        this.#restartTimer = setTimeout(() => {
          this.restarts++;
          this.#spawn().catch(() => {}); // its exit has been reported, and the next start is due
        }, this.#restartMs);
        this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MS.longest);
      });
    });
  }

  /** Lets running statements end, closes the directory, and leaves no process. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#ready = false;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (child) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
      if (child.connected) child.send({ type: 'close' } satisfies ParentMessage);
      await exited;
      clearTimeout(timer);
    }
    this.#removeSocketDir();
  }

  #removeSocketDir(): void {
    rmSync(this.#socketDir, { recursive: true, force: true });
  }
}
