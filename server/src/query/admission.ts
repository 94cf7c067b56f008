import pLimit from 'p-limit';
import { BunsenError } from '../errors.ts';

/** Seconds until it is worth while to ask again: a large flame graph takes one or two. */
const RETRY_AFTER_SECONDS = 5;

/**
 * Lets a few heavy queries run, and some more wait for their turn. Sixty flame graphs of 200,000
 * stacks at once took 1.9 GB and kept pushes waiting for 7 s; a browser's page asks for one.
 */
export class Admission {
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #waiting: number;

  /** @param options.running at once; `waiting`: besides those */
  constructor(options: { running: number; waiting: number }) {
    this.#limit = pLimit(options.running);
    this.#waiting = options.waiting;
  }

  /**
   * @throws BunsenError `QUERIES_BUSY` if the line is full
   * @throws the signal's reason if the client is gone before its turn comes
   */
  run<T>(query: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#limit.pendingCount >= this.#waiting) {
      throw new BunsenError(
        'QUERIES_BUSY',
        `${this.#limit.activeCount} flame graphs are being made and ${this.#limit.pendingCount} wait, as many as may: ask again in ${RETRY_AFTER_SECONDS} s`,
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    }
    return this.#limit(() => {
      signal?.throwIfAborted();
      return query();
    });
  }
}
