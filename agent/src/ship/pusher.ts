import { setTimeout as sleep } from 'node:timers/promises';
import { API, type ErrorResponse, IDEMPOTENCY_KEY } from '@bunsen/profile';
import { type Answer, post } from './post.ts';
import type { Spool, SpooledWindow } from './spool.ts';

/** What became of a window. */
export interface PushEvents {
  shipped(window: SpooledWindow): void;
  /** The server will never take it: sending it again would be refused again. */
  rejected(window: SpooledWindow, reason: string): void;
  /** It stays in the spool; called once when deliveries begin to fail, not for each attempt. */
  delayed(window: SpooledWindow, reason: string, retryInMs: number): void;
}

const PAUSE_MS = { first: 1000, most: 30_000 };
const REQUEST_TIMEOUT_MS = 30_000;
/** How long a stopping agent tries to deliver what is left; the rest waits on disk. */
const FAREWELL_MS = 5000;

type Outcome = 'shipped' | { rejected: string } | { retry: string; afterMs?: number };

/** Sends what is in the spool, oldest first, one at a time, until it is stopped. */
export class Pusher {
  readonly #spool: Spool;
  readonly #url: string;
  readonly #events: PushEvents;
  readonly #stopped = new AbortController();
  #wake: () => void = () => undefined;
  #running: Promise<void> | undefined;

  constructor(spool: Spool, serverUrl: string, events: PushEvents) {
    this.#spool = spool;
    this.#url = serverUrl + API.push;
    this.#events = events;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There may be something to send. */
  wake(): void {
    this.#wake();
  }

  /** Ends the loop, then tries for 5 s at most to deliver the rest. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await this.#running;
    const deadline = AbortSignal.timeout(FAREWELL_MS);
    for (
      let window = this.#spool.first();
      window && !deadline.aborted;
      window = this.#spool.first()
    ) {
      if (!(await this.#settle(window, await this.#send(window, deadline)))) return;
    }
  }

  async #run(): Promise<void> {
    const signal = this.#stopped.signal;
    let pauseMs = 0;
    while (!signal.aborted) {
      const window = this.#spool.first();
      if (!window) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const outcome = await this.#send(window, signal);
      if (signal.aborted && outcome !== 'shipped') return;
      if (await this.#settle(window, outcome)) {
        pauseMs = 0;
        continue;
      }
      const { retry, afterMs = 0 } = outcome as { retry: string; afterMs?: number };
      const first = pauseMs === 0;
      pauseMs = Math.min(Math.max(pauseMs * 2, PAUSE_MS.first), PAUSE_MS.most);
      // Spread out, so that a fleet does not come back to its server at one and the same moment.
      const waitMs = Math.max(afterMs, Math.round(pauseMs * (0.75 + Math.random() / 2)));
      if (first) this.#events.delayed(window, retry, waitMs);
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Takes a window that is done with out of the spool. @returns whether it was */
  async #settle(window: SpooledWindow, outcome: Outcome): Promise<boolean> {
    if (outcome !== 'shipped' && 'retry' in outcome) return false;
    // Counted in the same moment in which the spool counts it no more.
    const removed = this.#spool.remove(window);
    if (outcome === 'shipped') this.#events.shipped(window);
    else this.#events.rejected(window, outcome.rejected);
    await removed;
    return true;
  }

  async #send(window: SpooledWindow, signal: AbortSignal): Promise<Outcome> {
    this.#spool.sending = window;
    try {
      return await this.#attempt(window, signal);
    } finally {
      this.#spool.sending = undefined;
    }
  }

  async #attempt(window: SpooledWindow, signal: AbortSignal): Promise<Outcome> {
    let body: Buffer;
    try {
      body = await this.#spool.read(window);
    } catch (error) {
      return { rejected: `its file is gone: ${String(error)}` };
    }
    let answer: Answer;
    try {
      answer = await post(
        this.#url,
        { 'content-type': 'application/octet-stream', [IDEMPOTENCY_KEY]: window.key },
        body,
        AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      );
    } catch (error) {
      return { retry: `${this.#url}: ${String(error)}` };
    }
    const { ok, status, headers, text } = answer;
    if (ok) return 'shipped';
    const reason = `${status} ${describe(text, headers.location)}`;
    // The server is busy or broken (5xx, 429) or not the one we want yet (3xx, 401, 403, 404): all of
    // these can pass. What is wrong with the window itself (400, 413, 422 and the like) cannot.
    const passing =
      status >= 500 || status < 400 || [401, 403, 404, 408, 425, 429].includes(status);
    if (!passing) return { rejected: reason };
    const retryAfterS = Number(headers['retry-after']);
    return { retry: reason, ...(retryAfterS > 0 && { afterMs: retryAfterS * 1000 }) };
  }
}

function describe(body: string, location: string | undefined): string {
  if (location) return `it is at ${location}; name that in BUNSEN_SERVER_URL`;
  try {
    const { code, message } = JSON.parse(body) as ErrorResponse;
    return `${code}: ${message}`;
  } catch {
    return body.slice(0, 200);
  }
}
