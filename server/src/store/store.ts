import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  ClickHouseError,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client';
import { BunsenError, ConfigError } from '../errors.ts';
import { CLUSTER_READ, type Cluster, clusterWrite } from './cluster.ts';
import { type ChildOptions, DATABASE, WRITE_LINE } from './embedded/protocol.ts';
import { Supervisor } from './embedded/supervisor.ts';
import { checkParams, type QueryParams } from './query-params.ts';
import type { Retention } from './retention.ts';
import { isSince, SWAPS_SIDES } from './server-version.ts';

export type { QueryParams };

export interface StoreOptions {
  /** URL of a ClickHouse, with user, password and database in it; empty = the embedded one. */
  clickhouseUrl: string;
  /** Name of the cluster whose tables these are; empty = one server. */
  clusterName: string;
  /** Replicas that an insert waits for. */
  quorum: number;
  retention: Retention;
  embedded: {
    dataDir: string;
    listen: string;
    memoryBytes: number;
    concurrency: ChildOptions['concurrency'];
    lockWaitMs: number;
  };
  /** Longest that a query may take; inserts get as long. */
  queryTimeMs: number;
  queryMemoryBytes: number;
  /** Rows that a query may read from tables. */
  queryRows: number;
  onWarning: (message: string) => void;
}

export interface ReadOptions {
  params?: QueryParams;
  signal?: AbortSignal | undefined;
  /** For a write, or for upkeep: as many rows as it takes, and never in line behind queries. */
  forWrite?: boolean;
}

/** ClickHouse, embedded or not: the one place that knows the client. */
export class Store {
  readonly #client: ClickHouseClient;
  /**
   * Apart, because it waits far longer: a write that was given up here might still be going on there,
   * and its repetition could not know.
   */
  readonly #writer: ClickHouseClient;
  readonly #supervisor: Supervisor | undefined;
  readonly #readSettings: ClickHouseSettings;
  readonly #writeSettings: ClickHouseSettings;
  /** Empty = one server. */
  readonly clusterName: string;
  /** What the name stands for, once the store was reached; undefined = one server. */
  cluster: Cluster | undefined;
  /** How long the tables keep what. */
  readonly retention: Retention;
  readonly #rowLimit: ClickHouseSettings;
  /** {@link AS_WRITTEN}, where the server knows it. */
  #joins: ClickHouseSettings;
  readonly #limits: QueryLimits;

  constructor(
    clients: { reader: ClickHouseClient; writer: ClickHouseClient },
    supervisor: Supervisor | undefined,
    options: StoreOptions,
  ) {
    this.#client = clients.reader;
    this.#writer = clients.writer;
    this.#supervisor = supervisor;
    this.clusterName = options.clusterName;
    this.retention = options.retention;
    this.#readSettings = {
      max_execution_time: options.queryTimeMs / 1000,
      max_memory_usage: String(options.queryMemoryBytes),
      // The server's way to notice that the reader is gone; the embedded store always does.
      cancel_http_readonly_queries_on_client_close: 1,
      // Whole numbers beyond 2^53 must not become JSON numbers.
      output_format_json_quote_64bit_integers: 1,
      // Starting its threads takes a millisecond: as long as most answers, and no large one gains.
      output_format_parallel_formatting: 0,
      ...(options.clusterName !== '' && CLUSTER_READ),
    };
    this.#writeSettings = {
      // A 200 means written. (chDB's own default is 1.)
      async_insert: 0,
      ...(options.clusterName !== '' && clusterWrite(options.quorum)),
    };
    this.#joins = supervisor ? AS_WRITTEN : {};
    this.#rowLimit = { max_rows_to_read: String(options.queryRows) };
    this.#limits = options;
  }

  /** Process of the embedded store, while it has one. */
  get embeddedPid(): number | undefined {
    return this.#supervisor?.pid;
  }

  get restarts(): number {
    return this.#supervisor?.restarts ?? 0;
  }

  /** Such as `26.7.2.1`. Asked without a setting, as an old server refuses those that it lacks. */
  async version(): Promise<string> {
    return this.#reach(async () => {
      const result = await this.#client.query({
        query: 'SELECT version()',
        format: 'TabSeparated',
        abort_signal: AbortSignal.timeout(PING_MS),
      });
      const version = (await result.text()).trim();
      if (!/^\d+\.\d+/.test(version)) throw unavailable(NOT_CLICKHOUSE);
      this.#joins = isSince(version, SWAPS_SIDES) ? AS_WRITTEN : {};
      return version;
    });
  }

  /** @throws BunsenError `STORE_UNAVAILABLE` */
  async ping(): Promise<void> {
    const signal = AbortSignal.timeout(PING_MS);
    try {
      // Not the client's own ping, to which any web page is an answer.
      const [row] = await this.rows<{ one: number }>('SELECT 1 AS one', { signal });
      if (row?.one !== 1) throw unavailable(NOT_CLICKHOUSE);
    } catch (error) {
      if (signal.aborted) throw unavailable(`it has not answered for ${PING_MS / 1000} s`, error);
      throw error;
    }
  }

  /** @returns the rows of a SELECT; 64-bit integers are strings */
  async rows<Row>(sql: string, { params, signal, forWrite }: ReadOptions = {}): Promise<Row[]> {
    return this.#reach(async () => {
      const result = await (forWrite ? this.#writer : this.#client).query({
        query: sql,
        format: 'JSONEachRow',
        clickhouse_settings: {
          ...this.#readSettings,
          ...this.#joins,
          ...(!forWrite && this.#rowLimit),
        },
        ...(params && { query_params: checkParams(params) }),
        ...(signal && { abort_signal: signal }),
      });
      return (await result.json()) as Row[];
    }, signal);
  }

  /**
   * @returns the result of a SELECT as blocks in Native format (see native-block.ts), in pieces that
   *   were cut anywhere. Each has a buffer of its own, which can be transferred to a worker. They are
   *   not put together here: one copy of a hundred megabytes holds up the event loop.
   */
  async native(
    sql: string,
    { params, signal }: Omit<ReadOptions, 'forWrite'> = {},
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    return this.#reach(async () => {
      const result = await this.#client.exec({
        query: `${sql} FORMAT Native`,
        clickhouse_settings: {
          ...this.#readSettings,
          ...this.#joins,
          ...this.#rowLimit,
          ...LARGE_BLOCKS,
        },
        ...(params && { query_params: checkParams(params) }),
        ...(signal && { abort_signal: signal }),
      });
      return pieces(result.stream);
    }, signal);
  }

  async command(sql: string, params?: QueryParams): Promise<void> {
    await this.#reach(() =>
      this.#writer.command({
        query: sql,
        clickhouse_settings: { ...this.#writeSettings, ...this.#joins },
        ...(params && { query_params: params }),
      }),
    );
  }

  /**
   * Inserts blocks in Native format. Those of one partition become one part, and so are there wholly
   * or not at all.
   * @param settings of ClickHouse, for this insert
   */
  async insertNative(
    table: string,
    columns: string[],
    blocks: Uint8Array[],
    settings: ClickHouseSettings = {},
  ): Promise<void> {
    await this.#reach(async () => {
      const result = await this.#writer.exec({
        query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT Native`,
        values: Readable.from(blocks, { objectMode: false }),
        clickhouse_settings: { ...this.#writeSettings, ...ONE_PART, ...settings },
      });
      await buffer(result.stream);
    });
  }

  async insertJson(table: string, rows: object[]): Promise<void> {
    await this.#reach(() =>
      this.#writer.insert({
        table,
        values: rows,
        format: 'JSONEachRow',
        clickhouse_settings: this.#writeSettings,
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#client.close(), this.#writer.close()]);
    await this.#supervisor?.close();
  }

  async #reach<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#supervisor && !this.#supervisor.ready) throw unavailable('it is being restarted');
    try {
      return await action();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw translate(error, this.#limits);
    }
  }
}

/**
 * Opens the store: starts the embedded one, or connects to the one that the URL names.
 * @throws ConfigError if it cannot work as configured, with what to change
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  if (options.clickhouseUrl !== '') {
    return new Store(
      createClients(options, () => externalConfig(options.clickhouseUrl)),
      undefined,
      options,
    );
  }
  const supervisor = new Supervisor({
    ...options.embedded,
    listenLimits: {
      timeMs: options.queryTimeMs,
      memoryBytes: options.queryMemoryBytes,
      rows: options.queryRows,
    },
    onDeath: options.onWarning,
  });
  try {
    await supervisor.start();
  } catch (error) {
    throw new ConfigError((error as Error).message, { cause: error });
  }
  const config = () => ({
    url: 'http://store',
    database: DATABASE,
    http_agent: supervisor.createAgent(),
  });
  return new Store(createClients(options, config), supervisor, options);
}

const PIECE_BYTES = 1024 * 1024;

/** All that comes, as pieces with a buffer of their own: a chunk may be a part of a shared one. */
async function pieces(stream: Readable): Promise<Uint8Array<ArrayBuffer>[]> {
  const full: Uint8Array<ArrayBuffer>[] = [];
  let piece = new Uint8Array(PIECE_BYTES);
  let at = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + PIECE_BYTES - at);
      piece.set(part, at);
      from += part.length;
      at += part.length;
      if (at === PIECE_BYTES) {
        full.push(piece);
        piece = new Uint8Array(PIECE_BYTES);
        at = 0;
      }
    }
  }
  return [...full, piece.slice(0, at)];
}

/** A store that does not answer a ping within this is hung; who asks whether it is ready waits no longer. */
const PING_MS = 3_000;
const NOT_CLICKHOUSE = 'what answers there is not ClickHouse';

/**
 * The sides of joins as the statements have them. Otherwise the server chooses by how many rows it reads for
 * each: the sums of a million stacks are small, but are read from many rows, so it kept the stacks in memory
 * instead, and had the sums stream past them.
 */
const AS_WRITTEN: ClickHouseSettings = { query_plan_join_swap_table: 'false' };

/** Each block has a dictionary of its own: of 65,536 rows, not of as many as fit into a megabyte. */
const LARGE_BLOCKS: ClickHouseSettings = { preferred_block_size_bytes: '0' };

/** Makes one block of all that an insert has: by default it is cut near a million rows or 256 MiB. */
const ONE_PART: ClickHouseSettings = {
  min_insert_block_size_rows: '1000000000',
  min_insert_block_size_bytes: '0',
  max_insert_threads: '1',
};

/** Longest that a write may take. */
const WRITE_TIME_MS = 600_000;

/**
 * @param config made anew for each client: two clients on one agent close each other's connections,
 *   as each has its own timer for a connection that is idle
 */
function createClients(options: StoreOptions, config: () => ClickHouseClientConfigOptions) {
  const create = (requestTimeMs: number, headers: Record<string, string> = {}) =>
    createClient({
      ...config(),
      http_headers: headers,
      application: 'bunsen',
      request_timeout: requestTimeMs,
      max_open_connections: 64,
      log: { level: ClickHouseLogLevel.OFF }, // what goes wrong is reported once, by us
    });
  try {
    return {
      // Time for the store to say by itself that a limit was reached.
      reader: create(options.queryTimeMs + 5_000),
      writer: create(WRITE_TIME_MS, WRITE_LINE),
    };
  } catch (cause) {
    throw new ConfigError(
      `CLICKHOUSE_URL ${JSON.stringify(withoutPassword(options.clickhouseUrl))} is not usable (${(cause as Error).message}): it must look like http://user:password@host:8123/database`,
      { cause },
    );
  }
}

function externalConfig(url: string): ClickHouseClientConfigOptions {
  return { url, compression: { request: true, response: true } };
}

export function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@');
}

function unavailable(reason: string, cause?: unknown): BunsenError {
  return new BunsenError('STORE_UNAVAILABLE', `the store cannot be reached: ${reason}`, {
    cause,
    retryAfterSeconds: 2,
  });
}

/** Whether the store said so itself: matched by shape, as there may be two copies of the class. */
export function clickhouseCodeOf(error: unknown): string | undefined {
  if (error instanceof ClickHouseError) return error.code;
  return undefined;
}

type QueryLimits = Pick<StoreOptions, 'queryTimeMs' | 'queryMemoryBytes' | 'queryRows'>;

function translate(error: unknown, limits: QueryLimits): unknown {
  if (error instanceof BunsenError) return error;
  if (/not enough space|no space left|ENOSPC/i.test((error as Error).message)) {
    return new BunsenError(
      'STORE_UNAVAILABLE',
      `the store's disk is full (${firstLine(error)}): make room where it keeps its data; what is refused meanwhile can be sent again`,
      { cause: error, retryAfterSeconds: 5 },
    );
  }
  switch (clickhouseCodeOf(error)) {
    case '159': // TIMEOUT_EXCEEDED
    case '160': // TOO_SLOW
      return new BunsenError(
        'QUERY_TIMEOUT',
        `the query took longer than BUNSEN_QUERY_TIME_MS=${limits.queryTimeMs} allows: ask for a shorter range or fewer series`,
        { cause: error },
      );
    case '241': // MEMORY_LIMIT_EXCEEDED
      return new BunsenError(
        'QUERY_MEMORY_LIMIT',
        `the query needs more memory than BUNSEN_QUERY_MEMORY_BYTES=${limits.queryMemoryBytes} allows: ask for a shorter range or fewer series`,
        { cause: error },
      );
    case '158': // TOO_MANY_ROWS
      return new BunsenError(
        'QUERY_ROWS_LIMIT',
        `the query would read more rows than BUNSEN_QUERY_ROWS=${limits.queryRows} allows: ask for a shorter range or fewer series`,
        { cause: error },
      );
    case '427': // CANNOT_COMPILE_REGEXP
      return new BunsenError('REGEX_MALFORMED', regexProblem(firstLine(error)), { cause: error });
    case '202': // TOO_MANY_SIMULTANEOUS_QUERIES
    case '209': // SOCKET_TIMEOUT
    case '210': // NETWORK_ERROR
    case '225': // NO_ZOOKEEPER
    case '242': // TABLE_IS_READ_ONLY
    case '252': // TOO_MANY_PARTS
    case '279': // ALL_CONNECTION_TRIES_FAILED
    case '285': // TOO_FEW_LIVE_REPLICAS
    case '286': // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    case '319': // UNKNOWN_STATUS_OF_INSERT
    case '999': // KEEPER_EXCEPTION
      return unavailable(firstLine(error), error);
    case undefined:
      break;
    default:
      return error;
  }
  // No answer from ClickHouse at all: a closed port, a reset, a time-out.
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code === 'string' && /^(E[A-Z]+|UND_ERR.*)$/.test(code)) {
    return unavailable(code === 'ENOENT' ? 'it is not running' : code, error);
  }
  if (typeof code === 'string' && code.startsWith('HPE_'))
    return unavailable(NOT_CLICKHOUSE, error);
  // The client makes a plain error of a page that it cannot read, such as a proxy's "bad gateway".
  if (error instanceof SyntaxError || (error instanceof Error && /^\s*</.test(error.message))) {
    return unavailable(`${NOT_CLICKHOUSE}: ${firstLine(error).slice(0, 200)}`, error);
  }
  if (error instanceof Error && /timeout error|socket hang up|aborted/i.test(error.message)) {
    return unavailable(error.message, error);
  }
  return error;
}

function firstLine(error: unknown): string {
  return ((error as Error).message ?? '').split('\n', 1)[0] as string;
}

/** Of the store's message the expression, without what was put around it, and what RE2 says of it. */
function regexProblem(message: string): string {
  const [, compiled, problem] =
    /cannot compile re2: ([\s\S]*?), error: (.*?)(?:\. Look at|$)/.exec(message) ?? [];
  if (compiled === undefined) {
    return `a regular expression of the query is not valid (RE2 syntax): ${message}`;
  }
  const sent = compiled.replace(/^\(\?s\)/, '').replace(/^\^\(\?s:([\s\S]*)\)\$$/, '$1');
  return `the regular expression ${JSON.stringify(sent)} is not valid (RE2 syntax): ${problem}`;
}
