// One child process that is kept alive: restarted with growing pauses when it dies, stopped in order.
import { spawn } from 'node:child_process';

/** A program that cannot run as it is configured says so with this exit code: no use in restarting. */
export const EXIT_USAGE = 2;

const PAUSE_MS = { first: 500, most: 15_000, reset: 60_000 };
const STOP_MS = 20_000;

export class Supervised {
  #child;
  #stopping = false;
  #pauseMs = PAUSE_MS.first;
  #timer;
  #options;

  /**
   * @param {object} options
   * @param {string} options.name
   * @param {[string, ...string[]]} options.command
   * @param {NodeJS.ProcessEnv} options.env
   * @param {(message: any) => void} options.onMessage what the child sends over IPC
   * @param {(code: number | null) => void} options.onGiveUp the child refused its configuration
   */
  constructor(options) {
    this.#options = options;
  }

  start() {
    const { name, command, env, onMessage, onGiveUp } = this.#options;
    const [program, ...args] = command;
    const startedAt = Date.now();
    // A process group of its own: Ctrl-C must reach this script alone, which then stops its children
    // in order. The IPC channel closes when this script dies, however it dies, and ends the child.
    const child = spawn(program, args, {
      env,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.on('message', onMessage);
    child.on('error', (error) => console.error(`${name} could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      this.#child = undefined;
      if (this.#stopping) return;
      if (code === EXIT_USAGE) {
        onGiveUp(code);
        return;
      }
      if (Date.now() - startedAt > PAUSE_MS.reset) this.#pauseMs = PAUSE_MS.first;
      console.error(
        `${name} ended (${signal ?? `exit code ${code}`}); starting it again in ${this.#pauseMs / 1000} s`,
      );
      this.#timer = setTimeout(() => this.start(), this.#pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS.most);
    });
  }

  /** Ends the child with SIGTERM and waits for it; after 20 s it is killed, and that is said. */
  async stop() {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const late = setTimeout(() => {
      console.error(`${this.#options.name} did not stop within ${STOP_MS / 1000} s; killing it`);
      child.kill('SIGKILL');
    }, STOP_MS);
    await gone;
    clearTimeout(late);
  }
}
