import { createRequire } from 'node:module';
import type { ChdbResult, Session } from 'chdb';
import type { Role } from './access.ts';

/** Also a parameter of the query, as `param_NAME`; the value as it stands in ClickHouse's URL. */
export type Setting = [name: string, value: string];

/** What a client asks the engine to do, in ClickHouse's own terms. */
export interface Statement {
  sql: string;
  /** Database that unqualified tables are in; empty = the default one. */
  database: string;
  /** Format of the result where the SQL has no FORMAT clause. */
  format: string;
  /** Of equal names, the last one holds. */
  settings: Setting[];
  /** Rights that it runs with, and settings that its own ones start from; all, if it is not said. */
  restriction?: { role: Role; limits: Setting[] };
}

/** A statement that failed, as ClickHouse reports it. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  /** ClickHouse's error number, such as 62 for a syntax error. */
  readonly clickhouseCode: number;

  constructor(message: string, clickhouseCode: number) {
    super(message);
    this.clickhouseCode = clickhouseCode;
  }
}

/**
 * chDB: ClickHouse as a library, on one directory. Every statement gets a session of its own, which
 * costs 0.4 ms and makes statements independent: settings and parameters cannot leak into the next
 * one, nor can the rows of one that failed (a session that is used again returns those first).
 */
export class Engine {
  readonly #chdb: typeof import('chdb');
  readonly #path: string;
  /** Stays open so that the engine does, too: it shuts down with its last session. */
  readonly #anchor: Session;

  /**
   * @param options.accessFile of roles and limits, see access.ts
   * @throws Error if the directory cannot be opened: see stderr, where the engine says why
   */
  constructor(path: string, options: { memoryBytes: number; accessFile: string }) {
    // Loaded here and not at import: the library is 541 MB, and optional.
    this.#chdb = createRequire(import.meta.url)('chdb') as typeof import('chdb');
    this.#path = path;
    this.#anchor = new this.#chdb.Session(path, {
      connectionArgs: [
        `--max_server_memory_usage=${options.memoryBytes}`,
        // Without the first of them the engine does not look at the second.
        `--config-file=${options.accessFile}`,
        `--users_config=${options.accessFile}`,
      ],
    });
  }

  /** Version of the engine, as ClickHouse numbers itself: `26.7.2.1`. */
  get version(): string {
    return this.#chdb.version().libchdb;
  }

  /** @throws EngineError */
  async run(statement: Statement): Promise<ChdbResult> {
    const session = new this.#chdb.Session(this.#path);
    try {
      if (statement.restriction !== undefined) {
        const { role, limits } = statement.restriction;
        await session.queryAsync(`SET ROLE ${role}`);
        // Apart from its own: only what changes a value is held to the bounds in access.ts.
        await session.queryAsync(setStatement(limits));
      }
      if (statement.database !== '') {
        await session.queryAsync(`USE ${quoteIdentifier(statement.database)}`);
      }
      if (statement.settings.length > 0) {
        const set = setStatement(statement.settings);
        // Parameters are text of a statement here, where in ClickHouse they are none.
        if (set.length > LONG_QUERY)
          await session.queryAsync(`SET max_query_size=${4 * set.length}`);
        await session.queryAsync(set);
      }
      return await session.queryAsync(statement.sql, { format: statement.format });
    } catch (error) {
      throw asEngineError(error);
    } finally {
      session.close();
    }
  }

  /**
   * Stops the statements that run with this `log_comment`. They end with an error soon after. It is
   * not a comment in the SQL: the engine drops those where it puts parameters in.
   */
  async kill(mark: string): Promise<void> {
    // ASYNC: waiting for the query to end hangs in this engine.
    await this.run({
      sql: `KILL QUERY WHERE Settings['log_comment'] = {mark:String} ASYNC`,
      database: '',
      format: 'Null',
      settings: [['param_mark', mark]],
    });
  }

  /** Lets running statements end, then closes the directory. */
  async close(): Promise<void> {
    this.#anchor.close();
    await this.#chdb.drainPending();
  }
}

/** Characters from which on a statement may pass the default of `max_query_size`, 262144 bytes. */
const LONG_QUERY = 60_000;
const SETTING_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;

function setStatement(settings: Setting[]): string {
  const assignments = settings.map(([name, value]) => {
    if (!SETTING_NAME.test(name)) {
      throw new EngineError(
        `Code: 115. DB::Exception: Setting ${name} is neither a builtin setting nor started with the prefix 'custom_'. (UNKNOWN_SETTING)`,
        115,
      );
    }
    return `${name}=${quoteString(value)}`;
  });
  return `SET ${assignments.join(', ')}`;
}

/**
 * A string literal. A parameter's value comes in the escaped form of TabSeparated (that is how the
 * HTTP interface takes it) and the engine undoes that after it has read the literal: so the value
 * passes through here unchanged, and means the same as over HTTP.
 */
export function quoteString(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = /Code: (\d+)\./.exec(message)?.[1];
  return new EngineError(message.trim(), code === undefined ? 1001 : Number(code));
}
