import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { Reply } from '../testing/cluster-engine.ts';
import { tempDir } from '../testing/test-server.ts';
import { clusterStatements } from './cluster-ddl.ts';
import { MIGRATIONS, readMigrations, splitStatements } from './migrate.ts';

const TEST_CLUSTER = { name: 'c', database: 'bunsen' };

let engine: ChildProcess;
before(() => {
  const path = new URL('../testing/cluster-engine.js', import.meta.url);
  engine = fork(path, [tempDir(), TEST_CLUSTER.name, TEST_CLUSTER.database]);
});
after(() => engine.disconnect());

async function run(statements: string[]): Promise<Reply[]> {
  engine.send(statements);
  const signal = AbortSignal.timeout(60_000);
  const [replies] = (await once(engine, 'message', { signal })) as [Reply[]];
  return replies;
}

/** Every statement of the schema, for the cluster that the engine knows. */
async function allStatements(): Promise<string[]> {
  const migrations = await readMigrations();
  return [MIGRATIONS, ...migrations.flatMap(({ sql }) => splitStatements(sql))].flatMap((each) =>
    clusterStatements(each, TEST_CLUSTER),
  );
}

test('a table becomes a replicated one, and a Distributed one in front of it', () => {
  const [local, distributed, ...rest] = clusterStatements(
    `CREATE TABLE IF NOT EXISTS totals (
  tenant String,
  service String,
  at DateTime('UTC') CODEC(Delta, ZSTD(1)),
  total Int64 COMMENT 'a ) and a ('
) ENGINE = SummingMergeTree((total))
PARTITION BY toDate(at)
ORDER BY (tenant, service, at)
TTL at + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1`,
    { name: "it's", database: 'a`b' },
  );
  assert.equal(
    local,
    `CREATE TABLE IF NOT EXISTS \`a\\\`b\`.totals_local ON CLUSTER 'it\\'s' (
  tenant String,
  service String,
  at DateTime('UTC') CODEC(Delta, ZSTD(1)),
  total Int64 COMMENT 'a ) and a ('
)
ENGINE = ReplicatedSummingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', (total))
PARTITION BY toDate(at)
ORDER BY (tenant, service, at)
TTL at + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000`,
  );
  assert.equal(
    distributed,
    `CREATE TABLE IF NOT EXISTS \`a\\\`b\`.totals ON CLUSTER 'it\\'s' AS \`a\\\`b\`.totals_local
ENGINE = Distributed('it\\'s', 'a\`b', 'totals_local', cityHash64(tenant, service))`,
  );
  assert.deepEqual(rest, []);
});

test('rows are spread by service, else by their order; those of pushes go where they are sent', () => {
  const keyOf = (table: string, order: string) =>
    /, ([^,]*\(.*\))\)$/.exec(
      clusterStatements(
        `CREATE TABLE IF NOT EXISTS ${table} (a String) ENGINE = MergeTree ORDER BY ${order}`,
        TEST_CLUSTER,
      )[1] as string,
    )?.[1];
  assert.equal(keyOf('t', '(tenant, service, a)'), 'cityHash64(tenant, service)');
  assert.equal(keyOf('t', '(tenant, function_id)'), 'cityHash64(tenant, function_id)');
  assert.equal(keyOf('t', 'name'), 'cityHash64(name)');
  assert.equal(keyOf('t', 'tuple()'), 'rand()');
  assert.equal(keyOf('samples', '(tenant, service, a)'), 'rand()');
});

test('changes go to the table that has the rows; of columns, both know', () => {
  const on = (action: string) => clusterStatements(`ALTER TABLE t ${action}`, TEST_CLUSTER);
  const local = "ALTER TABLE `bunsen`.t_local ON CLUSTER 'c'";
  for (const action of [
    'MODIFY SETTING min_parts_to_merge_at_once = 10',
    'MODIFY TTL h + toIntervalDay(3)',
    "DELETE WHERE service = 'a'",
    'ADD INDEX IF NOT EXISTS slots slot TYPE minmax GRANULARITY 16',
  ]) {
    assert.deepEqual(on(action), [`${local} ${action}`]);
  }
  assert.deepEqual(on('ADD COLUMN IF NOT EXISTS n UInt8 CODEC(T64, ZSTD(1)) AFTER h'), [
    `${local} ADD COLUMN IF NOT EXISTS n UInt8 CODEC(T64, ZSTD(1)) AFTER h`,
    "ALTER TABLE `bunsen`.t ON CLUSTER 'c' ADD COLUMN IF NOT EXISTS n UInt8 AFTER h",
  ]);
});

test('what is dropped is dropped on every server, and leaves its place in Keeper empty', () => {
  assert.deepEqual(clusterStatements('DROP TABLE IF EXISTS t', TEST_CLUSTER), [
    "DROP TABLE IF EXISTS `bunsen`.t ON CLUSTER 'c' SYNC",
    "DROP TABLE IF EXISTS `bunsen`.t_local ON CLUSTER 'c' SYNC",
  ]);
});

test('a view for people has the rows of all servers', () => {
  assert.deepEqual(
    clusterStatements(
      'CREATE VIEW IF NOT EXISTS v AS\nSELECT a FROM (SELECT b FROM s ARRAY JOIN f(c) AS b) GLOBAL ANY LEFT JOIN (SELECT a FROM w) USING a',
      TEST_CLUSTER,
    ),
    [
      "CREATE VIEW IF NOT EXISTS `bunsen`.v ON CLUSTER 'c' AS\nSELECT a FROM (SELECT b FROM `bunsen`.s ARRAY JOIN f(c) AS b) GLOBAL ANY LEFT JOIN (SELECT a FROM `bunsen`.w) USING a",
    ],
  );
});

test('a materialized view takes the rows of its own server', () => {
  const [view] = clusterStatements(
    'CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS\nSELECT a FROM (SELECT a FROM s)',
    TEST_CLUSTER,
  );
  assert.equal(
    view,
    "CREATE MATERIALIZED VIEW IF NOT EXISTS `bunsen`.v ON CLUSTER 'c' TO `bunsen`.t_local AS\nSELECT a FROM (SELECT a FROM `bunsen`.s_local)",
  );
});

test('what is not known is refused, and not passed on', () => {
  for (const statement of [
    'RENAME TABLE a TO b',
    'CREATE TABLE IF NOT EXISTS a (b String) ENGINE = Memory',
    'ALTER TABLE a FREEZE',
    'TRUNCATE TABLE a',
  ]) {
    assert.throws(() => clusterStatements(statement, TEST_CLUSTER), /is not known/);
  }
});

test('the engine reads every statement of the schema as it is meant', async () => {
  const statements = await allStatements();
  assert.ok(statements.length > 20);
  const replies = await run(statements.map((statement) => `EXPLAIN AST ${statement}`));
  const refused = statements.filter((_, i) => 'error' in (replies[i] as Reply));
  assert.deepEqual(refused, []);
});

test('the engine makes every table of the schema', async () => {
  // ON CLUSTER needs servers that are there; what it would run on each of them is run here.
  const statements = (await allStatements())
    .filter((statement) => /^(CREATE|DROP)/.test(statement))
    .map((statement) => statement.replace(` ON CLUSTER '${TEST_CLUSTER.name}'`, ''));
  const replies = await run(statements);
  replies.forEach((reply, i) => {
    assert.ok('rows' in reply, `${statements[i]}: ${'error' in reply && reply.error}`);
  });
  const [tables] = await run([
    `SELECT name, engine FROM system.tables WHERE database = '${TEST_CLUSTER.database}' AND NOT startsWith(name, '.')`,
  ]);
  assert.ok(tables && 'rows' in tables);
  const engines = new Map(
    tables.rows
      .trim()
      .split('\n')
      .map((line) => line.split('\t') as [string, string]),
  );
  for (const [name, engine] of engines) {
    if (engine.endsWith('View')) continue;
    if (name.endsWith('_local')) assert.match(engine, /^Replicated\w*MergeTree$/);
    else assert.deepEqual([engine, engines.has(`${name}_local`)], ['Distributed', true], name);
  }
  assert.ok(engines.has('samples_local'));
});
