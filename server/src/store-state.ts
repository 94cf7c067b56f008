import { setTimeout as sleep } from 'node:timers/promises';
import { BunsenError, ConfigError } from './errors.ts';
import { checkServerVersion } from './store/server-version.ts';
import { clickhouseCodeOf, type Store, withoutPassword } from './store/store.ts';

const RETRY_MS = 2_000;

/** Whether the store may be used: it can be reached, and its tables are up to date. */
export class StoreState {
  readonly #store: Store;
  readonly #prepare: () => Promise<void>;
  #reason: string | undefined = 'the server is starting';
  readonly #stopped = new AbortController();

  /** @param prepare what must be done once before the store may be used; may be repeated */
  constructor(store: Store, prepare: () => Promise<void>) {
    this.#store = store;
    this.#prepare = prepare;
  }

  /** @throws BunsenError `STORE_UNAVAILABLE` with the reason */
  check(): void {
    if (this.#reason === undefined) return;
    throw new BunsenError('STORE_UNAVAILABLE', this.#reason, { retryAfterSeconds: 2 });
  }

  /**
   * Brings the tables up to date. A store that cannot be reached is tried again every two seconds,
   * while the server answers 503: at a reboot of the whole rack, it is the order that is wrong, not
   * the configuration.
   * @throws ConfigError if it can be reached and refuses us
   */
  async prepare(clickhouseUrl: string, onWarning: (message: string) => void): Promise<void> {
    if (await this.#try(clickhouseUrl, onWarning)) return;
    void this.#retry(clickhouseUrl, onWarning);
  }

  async #retry(clickhouseUrl: string, onWarning: (message: string) => void): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        if (await this.#try(clickhouseUrl, () => {})) {
          onWarning('the store can be reached again');
          return;
        }
      } catch (error) {
        const reason = (error as Error).message;
        if (reason !== this.#reason) onWarning(reason);
        this.#reason = reason;
      }
    }
  }

  async #try(clickhouseUrl: string, onWarning: (message: string) => void): Promise<boolean> {
    try {
      checkServerVersion(await this.#store.version(), withoutPassword(clickhouseUrl));
      await this.#store.ping();
      await this.#prepare();
      this.#reason = undefined;
      return true;
    } catch (error) {
      if (!(error instanceof BunsenError) || error.code !== 'STORE_UNAVAILABLE') {
        throw refusal(error, clickhouseUrl);
      }
      this.#reason = `${error.message} (CLICKHOUSE_URL is ${withoutPassword(clickhouseUrl)})`;
      onWarning(`${this.#reason}; trying again every ${RETRY_MS / 1000} s`);
      return false;
    }
  }

  stop(): void {
    this.#stopped.abort();
  }
}

function refusal(error: unknown, clickhouseUrl: string): unknown {
  const url = withoutPassword(clickhouseUrl);
  switch (clickhouseCodeOf(error)) {
    case '192': // UNKNOWN_USER
    case '193': // WRONG_PASSWORD
    case '194': // REQUIRED_PASSWORD
    case '516': // AUTHENTICATION_FAILED
      return new ConfigError(
        `the ClickHouse at ${url} refuses the user or the password: correct them in CLICKHOUSE_URL`,
        { cause: error },
      );
    case '81': // UNKNOWN_DATABASE
      return new ConfigError(
        `the ClickHouse at ${url} does not have that database: create it, or name another in CLICKHOUSE_URL`,
        { cause: error },
      );
    case '497': // ACCESS_DENIED
      return new ConfigError(
        `the ClickHouse at ${url} does not let this user create or read tables: grant it CREATE TABLE, SELECT and INSERT (${(error as Error).message})`,
        { cause: error },
      );
    default:
      return error;
  }
}
