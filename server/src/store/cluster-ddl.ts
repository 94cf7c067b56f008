import { PUSH_TABLES } from './profile-batch.ts';

/**
 * The migrations' statements for a cluster: what a statement says about one table on one server, said
 * about a replicated table on every server and a Distributed table in front of it. The plain name is
 * the Distributed table's, so that queries and inserts are the same as without a cluster.
 */

/** Where a cluster's tables are. */
export interface ClusterTarget {
  /** As in `system.clusters`. */
  name: string;
  /** On every server. ON CLUSTER statements must name it, as they run in no session's database. */
  database: string;
}

/** The replicated table that stands behind a Distributed one. */
export function localTable(table: string): string {
  return `${table}_local`;
}

/**
 * Repeated inserts are recognized among the last so many of a table: those of some minutes, while the
 * server repeats one for a minute at most (cluster.ts).
 */
const DEDUPLICATION = 'replicated_deduplication_window = 10000';

/**
 * @param statement of a migration, as `splitStatements` makes them
 * @returns statements to run one after the other; all can be repeated
 * @throws Error if it is not known what the statement means for a cluster
 */
export function clusterStatements(statement: string, cluster: ClusterTarget): string[] {
  const create = /^CREATE TABLE IF NOT EXISTS (\w+)\s*/.exec(statement);
  if (create) {
    return createStatements(create[1] as string, statement.slice(create[0].length), cluster);
  }
  const alter = /^ALTER TABLE (\w+)\s+([\s\S]+)$/.exec(statement);
  if (alter) return alterStatements(alter[1] as string, alter[2] as string, cluster);
  const drop = /^DROP (TABLE|VIEW) IF EXISTS (\w+)$/.exec(statement);
  if (drop) {
    const table = drop[2] as string;
    // SYNC, so that the next table of that name finds its place in Keeper empty.
    return (drop[1] === 'VIEW' ? [table] : [table, localTable(table)]).map(
      (name) => `DROP ${drop[1]} IF EXISTS ${on(name, cluster)} SYNC`,
    );
  }
  const plainView = /^CREATE VIEW IF NOT EXISTS (\w+)\s+AS\s+/.exec(statement);
  if (plainView) {
    // Of all servers' rows, whichever is asked.
    const [head, name] = plainView as unknown as [string, string];
    const select = qualified(statement.slice(head.length), cluster);
    return [`CREATE VIEW IF NOT EXISTS ${on(name, cluster)} AS\n${select}`];
  }
  const view = /^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+)\s+AS\s+/.exec(statement);
  if (view) {
    // From each server's own rows to its own rows.
    const [head, name, target] = view as unknown as [string, string, string];
    const select = qualified(statement.slice(head.length), cluster, localTable);
    return [
      `CREATE MATERIALIZED VIEW IF NOT EXISTS ${on(name, cluster)} TO ${inDatabase(localTable(target), cluster)} AS\n${select}`,
    ];
  }
  // Into the Distributed table, which passes the rows on.
  if (/^INSERT INTO \w+/.test(statement)) return [statement];
  throw unknown(statement);
}

function createStatements(table: string, rest: string, cluster: ClusterTarget): string[] {
  const columns = rest.startsWith('(') ? parenthesized(rest, 0) : '';
  const [definition, select] = rest
    .slice(columns.length)
    .trim()
    .split(/\sAS (?=SELECT )/);
  const engine = /^ENGINE = (\w*MergeTree)/.exec(definition as string);
  if (!engine) throw unknown(`CREATE TABLE ${table} ${rest}`);
  let tail = (definition as string).slice(engine[0].length);
  const engineArguments = tail.startsWith('(') ? parenthesized(tail, 0) : '';
  tail = tail.slice(engineArguments.length).trim();
  const replication = [
    `'/clickhouse/tables/{shard}/{database}/{table}'`,
    `'{replica}'`,
    ...(engineArguments === '' ? [] : [engineArguments.slice(1, -1)]),
  ];
  const local = localTable(table);
  return [
    [
      `CREATE TABLE IF NOT EXISTS ${on(local, cluster)} ${columns}`,
      `ENGINE = Replicated${engine[1]}(${replication.join(', ')})`,
      `${tail}${/\bSETTINGS\b/.test(tail) ? ',' : '\nSETTINGS'} ${DEDUPLICATION}`,
      // Every server would insert the rows; only the columns are taken.
      ...(select === undefined ? [] : [`EMPTY AS ${qualified(select, cluster)}`]),
    ].join('\n'),
    `CREATE TABLE IF NOT EXISTS ${on(table, cluster)} AS ${inDatabase(local, cluster)}
ENGINE = Distributed(${quote(cluster.name)}, ${quote(cluster.database)}, ${quote(local)}, ${shardingKey(table, tail)})`,
    ...(select === undefined ? [] : [`INSERT INTO ${table} ${select}`]),
  ];
}

/**
 * What rows are spread by. A push is on one shard, which the server chooses itself (cluster.ts). The
 * rest is by service: then a query of long ranges asks one shard, and rows that a merge makes one
 * meet. What is of no service is by all that it is sorted by.
 */
function shardingKey(table: string, tail: string): string {
  if ((PUSH_TABLES as readonly string[]).includes(table)) return 'rand()';
  const order = /\bORDER BY\s+/.exec(tail);
  if (!order) throw unknown(tail);
  const at = order.index + order[0].length;
  const key = tail[at] === '(' ? parenthesized(tail, at).slice(1, -1) : tail.slice(at);
  if (/^tenant, service\b/.test(key)) return 'cityHash64(tenant, service)';
  if (key.startsWith('tuple()')) return 'rand()';
  return `cityHash64(${tail[at] === '(' ? key : (/^\w+/.exec(key) as RegExpExecArray)[0]})`;
}

/** Of columns, the Distributed table must know as well; the rest is the replicated table's alone. */
function alterStatements(table: string, action: string, cluster: ClusterTarget): string[] {
  const local = `ALTER TABLE ${on(localTable(table), cluster)} ${action}`;
  if (/^(MODIFY|RESET) SETTING\b/.test(action)) return [local];
  if (/^(MODIFY|REMOVE|MATERIALIZE) TTL\b/.test(action)) return [local];
  if (/^(ADD|DROP|MATERIALIZE) (INDEX|PROJECTION)\b/.test(action)) return [local];
  // What a condition looks up is in no session's database either.
  if (/^(DELETE|UPDATE)\b/.test(action)) {
    return [`ALTER TABLE ${on(localTable(table), cluster)} ${qualified(action, cluster)}`];
  }
  if (/^(ADD COLUMN IF NOT EXISTS|MODIFY COLUMN|DROP COLUMN IF EXISTS) /.test(action)) {
    // The codec of a column is of no meaning where nothing is stored.
    const withoutCodec = action.replace(/\sCODEC\(.*\)/, '');
    return [local, `ALTER TABLE ${on(table, cluster)} ${withoutCodec}`];
  }
  throw unknown(`ALTER TABLE ${table} ${action}`);
}

function on(table: string, cluster: ClusterTarget): string {
  return `${inDatabase(table, cluster)} ON CLUSTER ${quote(cluster.name)}`;
}

function inDatabase(table: string, { database }: ClusterTarget): string {
  return `\`${database.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\`.${table}`;
}

function qualified(
  select: string,
  cluster: ClusterTarget,
  nameOf = (table: string) => table,
): string {
  return select.replace(/(?<!\bARRAY )\b(FROM|JOIN) (\w+)/g, (_, word: string, table: string) => {
    return `${word} ${inDatabase(nameOf(table), cluster)}`;
  });
}

export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** The text from an opening parenthesis to the one that closes it. */
function parenthesized(text: string, from: number): string {
  let depth = 0;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const character = text[i];
    if (character === "'") quoted = !quoted;
    if (quoted) continue;
    if (character === '(') depth++;
    if (character === ')' && --depth === 0) return text.slice(from, i + 1);
  }
  throw new Error(`a parenthesis is not closed: ${text.slice(from)}`);
}

function unknown(statement: string): Error {
  return new Error(
    `what this statement means for a cluster is not known (cluster-ddl.ts): ${statement}`,
  );
}
