import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import { closeUnusedConnections } from '../../unused-connections.ts';
import { type Engine, EngineError, quoteString, type Setting, type Statement } from './engine.ts';
import type { Guard } from './guard.ts';
import { type ChildOptions, WRITE_LINE } from './protocol.ts';

export interface FrontOptions {
  /** Directory for the bodies of inserts while they are being read. */
  spoolDir: string;
  /** Statements that run at once, each on a thread of libuv's pool: see the supervisor. */
  concurrency: ChildOptions['concurrency'];
  /** Of a listener that others than the server can reach. */
  guard?: Guard;
}

/** Of a request's head, in which the parameters of a query are: as much as ClickHouse's `http_max_uri_size`. */
const HEAD_BYTES = 1024 * 1024;

/**
 * ClickHouse's HTTP interface over the engine: as much of it as @clickhouse/client, curl and the
 * tools built on them use. Not there: sessions across requests, users, `compress=1` (ClickHouse's
 * own block compression), progress headers, streamed results, multi-part bodies.
 */
export function createFront(engine: Engine, options: FrontOptions): Server {
  const { reads, writes } = options.concurrency;
  const lines = {
    reads: new WaitingLine(reads),
    writes: new WaitingLine(writes),
    guard: new WaitingLine(1),
  };
  const server = createServer({ maxHeaderSize: HEAD_BYTES }, (request, response) => {
    answer(engine, lines, options, request, response).catch((error: unknown) => {
      // The client is gone, or the reply had begun: there is nobody to tell.
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  // Never close an idle connection: the client could be sending its next request at that moment.
  server.keepAliveTimeout = 0;
  closeUnusedConnections(server);
  return server;
}

async function answer(
  engine: Engine,
  lines: { reads: WaitingLine; writes: WaitingLine; guard: WaitingLine },
  options: FrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://front');
  if (url.pathname === '/ping' || (request.method === 'GET' && !url.searchParams.has('query'))) {
    request.resume();
    response.end('Ok.\n');
    return;
  }
  const mark = randomUUID();
  let spooled: string | undefined;
  let running = false;
  let gone = false;
  response.on('close', () => {
    if (response.writableFinished) return;
    gone = true;
    // What only reads is stopped; what writes runs to its end, as in ClickHouse.
    if (running) engine.kill(mark).catch(() => {});
  });
  response.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') ?? randomUUID());
  response.setHeader('X-ClickHouse-Timezone', 'UTC');
  try {
    options.guard?.checkSender(request.headers);
    let statement = readStatement(url, request);
    const body = decompress(request);
    let rows: Readable | undefined;
    const insert = INSERT_WITH_DATA.exec(statement.sql);
    if (insert && !/\bVALUES$/i.test(insert[2] as string)) {
      rows = body;
    } else {
      const text = (await readAll(body)).toString('utf8');
      statement.sql = statement.sql === '' ? text : `${statement.sql}\n${text}`;
    }
    if (options.guard) {
      // Rows may go on with what the engine takes for a second statement, so they leave the text.
      const inline = rows ? null : INSERT_OF_ROWS.exec(statement.sql);
      if (inline) {
        statement.sql = `${inline[1]} FORMAT ${inline[2] ?? 'Values'}`;
        rows = Readable.from([inline[3]]);
      }
      await lines.guard.enter();
      try {
        statement = await options.guard.restrict(statement, request.method !== 'POST');
      } finally {
        lines.guard.leave();
      }
    }
    if (rows) {
      const [, into, format] = INSERT_WITH_DATA.exec(statement.sql) as RegExpExecArray;
      spooled = join(options.spoolDir, `${randomUUID()}.insert`);
      await pipeline(rows, createWriteStream(spooled));
      statement.sql = `${into} FROM INFILE ${quoteString(spooled)} ${format}`;
    }
    const writes = WRITES.test(statement.sql);
    const line = writes || isForWrite(request) ? lines.writes : lines.reads;
    await line.enter();
    try {
      if (gone) return;
      running = !writes;
      // The last one counts. There is no query log here that the client's own would be for.
      statement.settings.push(['log_comment', mark]);
      const result = await engine.run(statement);
      response.setHeader(
        'X-ClickHouse-Summary',
        JSON.stringify({
          read_rows: String(result.rowsRead),
          read_bytes: String(result.bytesRead),
          elapsed_ns: String(Math.round(result.elapsed * 1e9)),
        }),
      );
      await send(request, response, url, Buffer.from(result.bytes()));
    } finally {
      running = false;
      line.leave();
    }
  } catch (error) {
    if (gone || response.headersSent) throw error;
    const { message, clickhouseCode } =
      error instanceof EngineError
        ? error
        : new EngineError(`Code: 1001. DB::Exception: ${String(error)} (STD_EXCEPTION)`, 1001);
    response.statusCode = HTTP_STATUS[clickhouseCode] ?? 500;
    response.setHeader('X-ClickHouse-Exception-Code', String(clickhouseCode));
    response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
    response.end(`${message}\n`);
  } finally {
    if (spooled !== undefined) await rm(spooled, { force: true });
  }
}

/**
 * `INSERT INTO t [(columns)]` and `[SETTINGS …] FORMAT X`, with nothing after it: the rows are the
 * body. Those go through a file, since the engine takes SQL as text and damages binary rows in it
 * (measured: 33 of 150 random Native blocks were refused or altered, none of 40 through a file).
 */
const INSERT_WITH_DATA =
  /^\s*(INSERT\s+INTO\s[\s\S]*?)\s((?:SETTINGS\s[\s\S]*?\s)?FORMAT\s+\w+)\s*;?\s*$/i;
/** The same with its rows after it. */
const INSERT_OF_ROWS =
  /^\s*(INSERT\s+INTO\s+[\w.`]+\s*(?:\([^()']*\))?)\s*(?:VALUES|FORMAT\s+(\w+))\s*(\S[\s\S]*)$/i;
const WRITES = /^\s*(INSERT|CREATE|ALTER|DROP|RENAME|TRUNCATE|OPTIMIZE|SYSTEM|KILL|EXCHANGE)\b/i;

function isForWrite({ headers }: IncomingMessage): boolean {
  return Object.entries(WRITE_LINE).every(([name, value]) => headers[name] === value);
}

/** Parameters of the HTTP interface that are neither settings nor parameters of a query. */
const NOT_SETTINGS = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'user',
  'password',
  'quota_key',
  'wait_end_of_query',
  'buffer_size',
  'enable_http_compression',
]);
const REFUSED = new Set(['session_id', 'compress', 'decompress', 'role']);

function readStatement(url: URL, request: IncomingMessage): Statement {
  const settings: Setting[] = [];
  for (const [name, value] of url.searchParams) {
    if (REFUSED.has(name)) {
      throw new EngineError(
        `Code: 48. DB::Exception: The embedded store does not support the parameter ${name}. (NOT_IMPLEMENTED)`,
        48,
      );
    }
    if (!NOT_SETTINGS.has(name)) settings.push([name, value]);
  }
  // As in ClickHouse, only a POST may change anything.
  if (request.method !== 'POST') settings.push(['readonly', '2']);
  const header = request.headers['x-clickhouse-format'];
  return {
    sql: url.searchParams.get('query') ?? '',
    database:
      url.searchParams.get('database') ??
      (request.headers['x-clickhouse-database'] as string | undefined) ??
      '',
    format:
      url.searchParams.get('default_format') ??
      (typeof header === 'string' ? header : 'TabSeparated'),
    settings,
  };
}

function decompress(request: IncomingMessage): Readable {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return request;
  if (encoding !== 'gzip') {
    throw new EngineError(
      `Code: 48. DB::Exception: The embedded store takes gzip bodies, not ${encoding}. (NOT_IMPLEMENTED)`,
      48,
    );
  }
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  return request.pipe(gunzip);
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  bytes: Buffer,
): Promise<void> {
  const wanted =
    ['1', 'true'].includes(url.searchParams.get('enable_http_compression') ?? '') &&
    /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  if (wanted) response.setHeader('Content-Encoding', 'gzip');
  response.end(wanted ? await promisify(gzip)(bytes, { level: 1 }) : bytes);
}

async function readAll(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The statuses that ClickHouse gives its error numbers; all others are 500. */
const HTTP_STATUS: Record<number, number> = {
  6: 400, // CANNOT_PARSE_TEXT
  26: 400, // CANNOT_PARSE_QUOTED_STRING
  27: 400, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38: 400, // CANNOT_PARSE_DATE
  41: 400, // CANNOT_PARSE_DATETIME
  46: 404, // UNKNOWN_FUNCTION
  47: 404, // UNKNOWN_IDENTIFIER
  48: 501, // NOT_IMPLEMENTED
  50: 404, // UNKNOWN_TYPE
  53: 400, // TYPE_MISMATCH
  60: 404, // UNKNOWN_TABLE
  62: 400, // SYNTAX_ERROR
  72: 400, // CANNOT_PARSE_NUMBER
  81: 404, // UNKNOWN_DATABASE
  115: 404, // UNKNOWN_SETTING
  158: 400, // TOO_MANY_ROWS
  164: 500, // READONLY
  452: 403, // SETTING_CONSTRAINT_VIOLATION
  456: 400, // UNKNOWN_QUERY_PARAMETER
  457: 400, // BAD_QUERY_PARAMETER
  497: 403, // ACCESS_DENIED
};

/** First come, first served, `size` at a time. */
class WaitingLine {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  async enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
