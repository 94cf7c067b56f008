import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { DATABASE_ENGINES, type Role, TABLE_ENGINES } from './access.ts';
import { type Engine, EngineError, quoteString, type Setting, type Statement } from './engine.ts';

/** Statements by their first word, as the engine writes it. No GET gets beyond the first list. */
const READS = ['SELECT', 'WITH', 'SHOW', 'DESCRIBE', 'EXPLAIN', 'EXISTS'];
const WRITES = [
  'INSERT',
  'CREATE',
  'ALTER',
  'DROP',
  'TRUNCATE',
  'OPTIMIZE',
  'RENAME',
  'EXCHANGE',
  'DELETE',
  'UPDATE',
  'UNDROP',
];

/**
 * Table functions that compute, or read what the store has. All others that the engine lists are
 * refused, so one that a new version brings is as well until somebody has looked at it.
 */
export const TABLE_FUNCTIONS = new Set([
  'format',
  'generateRandom',
  'generateSeries',
  'generate_series',
  'loop',
  'merge',
  'mergeTreeIndex',
  'mergeTreeProjection',
  'null',
  'numbers',
  'numbers_mt',
  'primes',
  'SQLStandardValues',
  'values',
  'view',
  'viewExplain',
  'viewIfPermitted',
  'zeros',
  'zeros_mt',
]);

/** Functions of values that reach a file or a host. No grant covers them. */
const FUNCTIONS = /^(file|catboostEvaluate|ai(Classify|Embed|Extract|Generate|Translate))$/i;

/**
 * A name that is called, or handed over to be: functions take others as their first argument, by
 * bare name (`arrayMap(file, …)`), and so does APPLY.
 */
const CALLED = /\w+(?=\()|(?<=\w\([( ]*|\bAPPLY [( ]*)\w+/g;

export interface GuardOptions {
  /** What `BUNSEN_STORE_LISTEN` has before the port. */
  host: string;
  /** Settings of every statement, unless it sets its own: see `accessConfig` for which it may. */
  limits: Setting[];
}

/**
 * Stands between a listener that anybody on this machine can reach and the engine: what comes
 * through may read and write tables, and reach no file, no other host, nor another statement.
 *
 * Roles do most of it (access.ts). What they do not cover is looked for in the statement as the
 * engine's own parser writes it down again, without comments and one way for everything, and that
 * text is what runs: nothing is understood differently here than there.
 */
export class Guard {
  readonly #engine: Engine;
  readonly #options: GuardOptions;
  readonly #tableFunctions: ReadonlySet<string>;

  private constructor(engine: Engine, options: GuardOptions, tableFunctions: ReadonlySet<string>) {
    this.#engine = engine;
    this.#options = options;
    this.#tableFunctions = tableFunctions;
  }

  static async create(engine: Engine, options: GuardOptions): Promise<Guard> {
    const names = await ask(
      engine,
      "SELECT arrayStringConcat(groupArray(name), ' ') FROM system.table_functions",
    );
    const refused = names.split(' ').filter((name) => !TABLE_FUNCTIONS.has(name));
    return new Guard(engine, options, new Set(refused.map((name) => name.toLowerCase())));
  }

  /**
   * A browser says where a request comes from (`Origin`, `Sec-Fetch-Site`), and a name that a page
   * has pointed at this machine is in `Host`. Tools send neither, or this machine's own name.
   *
   * @throws EngineError
   */
  checkSender(headers: IncomingHttpHeaders): void {
    const { origin, host = '' } = headers;
    const site = headers['sec-fetch-site'];
    if (origin !== undefined) {
      throw denied(`A request of a web page (Origin: ${origin}) is refused: ask with a program`);
    }
    if (site !== undefined && site !== 'none' && site !== 'same-origin') {
      throw denied(
        `A request of a web page (Sec-Fetch-Site: ${site}) is refused: ask with a program`,
      );
    }
    const name = host
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1')
      .toLowerCase();
    const known = name === 'localhost' || name === this.#options.host.toLowerCase();
    if (!known && isIP(name) === 0) {
      throw denied(
        `The host name in the request (Host: ${host}) is not this listener's: use its IP address, localhost or the name in BUNSEN_STORE_LISTEN`,
      );
    }
  }

  /**
   * The statement to run in place of this one: written by the engine, and in a role.
   *
   * @param readOnly of a GET
   * @throws EngineError if it is not one statement, or not for here
   */
  async restrict(statement: Statement, readOnly: boolean): Promise<Statement> {
    const sql = await this.#rewrite(statement.sql);
    const code = withoutTexts(sql);
    const kind = /^\w*/.exec(code)?.[0] ?? '';
    const reads = READS.includes(kind);
    if (!reads && readOnly) {
      throw refusal(164, 'READONLY', `A GET cannot write: ${kind} has to be sent as a POST`);
    }
    if (!reads && !WRITES.includes(kind)) {
      const hint = kind === 'SET' ? '. Settings of a query are parameters of its URL' : '';
      throw denied(
        `${kind} is refused here: a statement begins with ${[...READS, ...WRITES].join(', ')}${hint}`,
      );
    }
    const clause = /\b(INTO OUTFILE|FROM INFILE|PARALLEL WITH)\b/.exec(code);
    if (clause)
      throw denied(`${clause[1]} is refused here: rows come and go in the body of the request`);
    // Not every engine asks for its grant.
    const engines: readonly string[] = /^CREATE DATABASE\b/.test(code)
      ? DATABASE_ENGINES
      : TABLE_ENGINES;
    for (const [, name] of kind === 'CREATE' ? code.matchAll(/\bENGINE = (\w+)/g) : []) {
      if (!engines.includes(name as string)) {
        throw denied(`The engine ${name} is refused here: use one of ${engines.join(', ')}`);
      }
    }
    for (const [, name] of code.matchAll(/\b(\w+)\(/g)) {
      const lower = (name as string).toLowerCase();
      if (lower === 'disk' || this.#tableFunctions.has(lower)) {
        throw denied(`${name}() is refused here: it may reach files or other hosts`);
      }
    }
    for (const [word] of code.matchAll(CALLED)) {
      if (FUNCTIONS.test(word)) {
        throw denied(
          `${word} is refused here: the function of that name reaches files or other hosts. As an argument, a column of that name has to be written with its table: t.${word}`,
        );
      }
    }
    for (const [, param] of code.matchAll(/\{(\w+):Identifier\}/g)) {
      const value = statement.settings.findLast(([name]) => name === `param_${param}`)?.[1] ?? '';
      if (value.includes('\\') || FUNCTIONS.test(value)) {
        throw denied(`The parameter ${param}=${value} is refused here as a name`);
      }
    }
    const role: Role = reads ? 'reader' : 'writer';
    return { ...statement, sql, restriction: { role, limits: this.#options.limits } };
  }

  async #rewrite(sql: string): Promise<string> {
    try {
      return await ask(this.#engine, `SELECT formatQuerySingleLine(${quoteString(sql)})`);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      // What stands around the statement is not the sender's.
      const message = error.message.replace(
        /:? In scope SELECT formatQuerySingleLine\([\s\S]*\)(?=\. \()/,
        '',
      );
      throw new EngineError(message, error.clickhouseCode);
    }
  }
}

/** One value, as text. */
async function ask(engine: Engine, sql: string): Promise<string> {
  const result = await engine.run({
    sql,
    database: '',
    format: 'RawBLOB',
    settings: [['max_query_size', String(4 * sql.length + 1_000_000)]],
  });
  return Buffer.from(result.bytes()).toString('utf8');
}

/** SQL of the engine's formatter with its strings, and names that need quotes, made empty. */
function withoutTexts(sql: string): string {
  return sql.replace(
    /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`((?:[^`\\]|\\.)*)`/gs,
    (_, name?: string) => (name === undefined ? "''" : /^\w+$/.test(name) ? name : '_'),
  );
}

function denied(message: string): EngineError {
  return refusal(497, 'ACCESS_DENIED', message);
}

function refusal(code: number, name: string, message: string): EngineError {
  return new EngineError(`Code: ${code}. DB::Exception: ${message}. (${name})`, code);
}
