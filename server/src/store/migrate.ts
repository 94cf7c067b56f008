import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';
import { clusterStatements } from './cluster-ddl.ts';
import { clickhouseCodeOf, type Store } from './store.ts';

/** Beside the sources, also when this runs from dist/. */
const SCHEMA_DIR = new URL('../../src/store/schema/', import.meta.url);

export const MIGRATIONS = `CREATE TABLE IF NOT EXISTS migrations (name String, checksum String, applied DateTime DEFAULT now())
ENGINE = MergeTree ORDER BY name`;

interface Migration {
  /** `001_profiles.sql`: applied in the order of the numbers, each once. */
  name: string;
  sql: string;
  checksum: string;
}

/**
 * Brings the tables up to date, of a cluster on every server. Files are append-only: one that was applied must never change.
 * A statement at a time, all of which can be repeated (CREATE … IF NOT EXISTS is put in), so a crash
 * in the middle of a file is repaired by the next start.
 * @returns names of what was applied now
 * @throws ConfigError if an applied file has changed, or the database is newer than this program
 */
export async function migrate(
  store: Store,
  onWarning: (message: string) => void,
): Promise<string[]> {
  const { cluster } = store;
  const migrations = await readMigrations();
  const run = async (statement: string) => {
    for (const each of cluster ? clusterStatements(statement, cluster) : [statement]) {
      await runStatement(store, each, onWarning);
    }
  };
  // Asked first, as a cluster of which a server is away makes no tables, but can be used.
  if (!(await hasMigrations(store))) await run(MIGRATIONS);
  const rows = await store.rows<{ name: string; checksum: string }>(
    'SELECT name, checksum FROM migrations',
  );
  const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  for (const name of applied.keys()) {
    if (!migrations.some((migration) => migration.name === name)) {
      throw new ConfigError(
        `the database has the migration ${name}, which this version of Bunsen does not know: run the newer version, or use another database`,
      );
    }
  }
  const now: string[] = [];
  for (const { name, sql, checksum } of migrations) {
    const before = applied.get(name);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw new ConfigError(
        `the migration ${name} has changed since it was applied to this database: put the file back, and write the change as a new migration`,
      );
    }
    for (const statement of splitStatements(sql)) await run(statement);
    await store.insertJson('migrations', [{ name, checksum }]);
    now.push(name);
  }
  return now;
}

async function hasMigrations(store: Store): Promise<boolean> {
  const rows = await store.rows(
    `SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = 'migrations'`,
  );
  return rows.length > 0;
}

/** A setting that the server is too old for only makes tables faster: then it is done without. */
async function runStatement(
  store: Store,
  statement: string,
  onWarning: (message: string) => void,
): Promise<void> {
  try {
    await store.command(statement);
  } catch (error) {
    const isUnknownSetting = clickhouseCodeOf(error) === '115';
    if (!isUnknownSetting || !/^ALTER TABLE .* MODIFY SETTING /.test(statement)) throw error;
    onWarning(`the ClickHouse is too old for this, and is used without it: ${statement}`);
  }
}

export async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(SCHEMA_DIR)).filter((name) => /^\d{3}_.*\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, SCHEMA_DIR), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** Statements of a migration file: each ends with a semicolon at the end of a line. */
export function splitStatements(sql: string): string[] {
  return sql
    .replace(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim().replace(/^CREATE TABLE /, 'CREATE TABLE IF NOT EXISTS '))
    .filter((statement) => statement !== '');
}
