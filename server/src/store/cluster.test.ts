import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { API, CPU_PROFILE_TYPE } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import type { Reply } from '../testing/cluster-engine.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { postJson } from '../testing/rpc-clients.ts';
import { cpuQuery, TestServer, tempDir } from '../testing/test-server.ts';
import {
  CLUSTER_READ,
  type Cluster,
  clusterWrite,
  findCluster,
  insertUntilSure,
  pushSettings,
  shardOf,
} from './cluster.ts';
import { clusterStatements } from './cluster-ddl.ts';
import { MIGRATIONS, readMigrations, splitStatements } from './migrate.ts';
import { ROLLUPS, reconcileSql } from './rollup-sql.ts';
import type { QueryParams } from './store.ts';

const CLUSTER: Cluster = { name: 'c', database: 'bunsen', shards: 2 };

let server: TestServer;
let engine: ChildProcess;
before(async () => {
  server = await TestServer.start();
  const path = new URL('../testing/cluster-engine.js', import.meta.url);
  engine = fork(path, [tempDir(), CLUSTER.name, CLUSTER.database]);
});
after(async () => {
  engine.disconnect();
  await server.close();
});

async function run(statements: string[]): Promise<Reply[]> {
  engine.send(statements);
  const signal = AbortSignal.timeout(60_000);
  const [replies] = (await once(engine, 'message', { signal })) as [Reply[]];
  return replies;
}

test('a push has one shard, and shards have about as many', () => {
  const counts = [0, 0, 0];
  for (let id = 0n; id < 3000n; id++) {
    const shard = shardOf((id * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn, 3);
    counts[shard - 1] = (counts[shard - 1] as number) + 1;
  }
  for (const count of counts) assert.ok(count > 900, `${counts}`);
});

test('the same pushes have the same token in a table, in whatever order they come', () => {
  const token = (table: string, ids: bigint[]) =>
    pushSettings(table, ids, CLUSTER)['insert_deduplication_token'];
  assert.equal(token('samples', [4n, 2n, 18n]), token('samples', [18n, 4n, 2n]));
  assert.notEqual(token('samples', [4n, 2n]), token('samples', [4n]));
  assert.notEqual(token('samples', [4n, 2n]), token('profiles', [4n, 2n]));
  assert.equal(pushSettings('samples', [3n], CLUSTER)['insert_shard_id'], '2');
});

test('an insert is repeated while the cluster is away, and not where it was refused', async () => {
  const away = new BunsenError('STORE_UNAVAILABLE', 'away');
  let tries = 0;
  await insertUntilSure(async () => {
    if (++tries < 3) throw away;
  }, [0, 0, 0]);
  assert.equal(tries, 3);

  tries = 0;
  const alwaysAway = async () => {
    tries++;
    throw away;
  };
  await assert.rejects(insertUntilSure(alwaysAway, [0, 0]), away);
  assert.equal(tries, 3);

  tries = 0;
  const refused = async () => {
    tries++;
    throw new Error('refused');
  };
  await assert.rejects(insertUntilSure(refused, [0, 0]), /refused/);
  assert.equal(tries, 1);
});

test('a cluster that ClickHouse does not have is refused, with those that it has', async () => {
  await assert.rejects(findCluster(server.app.store, 'fleet'), {
    name: 'ConfigError',
    message: /BUNSEN_CLICKHOUSE_CLUSTER=fleet is not in system\.clusters .*\(it has: .+\)/,
  });
});

const FRAMES = { include_function_names: ['a'], exclude_function_name_regexes: ['^b'] };

/** Every statement that the API runs, with its parameters. */
async function queriesOfTheApi(): Promise<{ sql: string; params: QueryParams }[]> {
  await server.push(pprofOf('main;a 3\nmain;b 4', { labels: { service_name: 'shop', pod: 'p1' } }));
  const { store } = server.app;
  const queries: { sql: string; params: QueryParams }[] = [];
  for (const method of ['rows', 'native'] as const) {
    const original = store[method].bind(store) as (...args: unknown[]) => Promise<never>;
    store[method] = (sql: string, options?: { params?: QueryParams }) => {
      queries.push({ sql, params: options?.params ?? {} });
      return original(sql, options);
    };
  }
  const range = { from: 'now-30h', until: 'now' };
  const query = cpuQuery('service_name="shop"');
  const byPod = cpuQuery('service_name="shop",pod=~"p.*"');
  for (const each of [query, byPod]) {
    await server.get(API.flamegraph, { query: each, ...range });
    await server.get(API.functions, { query: each, name: 'a', ...range });
    await server.get(API.series, { query: each, groupBy: 'pod', ...range });
    await server.get(API.labelNames, { query: each, ...range });
    await server.get(API.labelDifferences, { query: each, label: 'pod', ...range });
    await server.get(API.labelValues('pod'), { query: each, ...range });
  }
  await server.get(API.labelDifferences, { query, label: 'service_name', ...range });
  await server.get(API.functions, { query: cpuQuery('version="1"'), ...range });
  await server.get(API.services, { type: cpuQuery().replace('{}', ''), ...range });
  await server.get(API.profileTypes, range);
  const ofSpan = await postJson(`${server.url}/querier.v1.QuerierService/SelectMergeSpanProfile`, {
    profile_typeID: CPU_PROFILE_TYPE,
    label_selector: '{pod=~"p.*"}',
    span_selector: ['9a517183f26a089d'],
    start: Date.now() - 3_600_000,
    end: Date.now(),
  });
  assert.equal(ofSpan.status, 200);
  const ofProfiles = {
    profile_typeID: CPU_PROFILE_TYPE,
    label_selector: '{pod=~"p.*"}',
    start: Date.now() - 3_600_000,
    end: Date.now(),
    step: 15,
    group_by: ['pod'],
  };
  for (const [method, more] of [
    ['SelectSeries', { exemplar_type: 'EXEMPLAR_TYPE_INDIVIDUAL' }],
    ['SelectSeries', { stack_trace_selector: { frame_filter: FRAMES } }],
    ['SelectHeatmap', { query_type: 2, exemplar_type: 'EXEMPLAR_TYPE_SPAN' }],
    ['SelectMergeProfile', { profile_id_selector: ['00000000-3a98-8000-8000-000000000400'] }],
  ] as const) {
    const url = `${server.url}/querier.v1.QuerierService/${method}`;
    assert.equal((await postJson(url, { ...ofProfiles, ...more })).status, 200);
  }
  const hour = Math.floor(Date.now() / 3_600_000) * 3600; // whole hours: from the sums by function
  for (const matchers of ['pod=~"p.*"', 'function="a"', 'pod!="",function="a"']) {
    for (const by of ['', 'by (service_name)', 'by (pod)', 'without (pod)']) {
      const query = `sum ${by} (rate(${CPU_PROFILE_TYPE}{service_name="shop",${matchers}}[1h]))`;
      const range = { start: hour - 86_400, end: hour, step: 3600 };
      await server.get('/prometheus/api/v1/query_range', { query, ...range });
    }
  }
  return queries;
}

/** A parameter as a setting, in the escaped form that the engine takes. */
function settingOf([name, value]: [string, unknown]): string {
  const plain = Array.isArray(value) ? `[${value.map((each) => `'${each}'`)}]` : String(value);
  const text = plain.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `param_${name} = '${text.replaceAll('\\', '\\\\').replaceAll("\\\\'", "\\'")}'`;
}

/** The query for the marks of a push, as it is in a cluster; nothing is written. */
async function marksQuery(): Promise<string> {
  const { store } = server.app;
  const { rows } = store;
  let marks = '';
  store.cluster = CLUSTER;
  store.rows = async (sql: string) => {
    marks = sql;
    throw new BunsenError('STORE_UNAVAILABLE', 'that was all');
  };
  const labels = { service_name: 'shop', span_id: '9a517183f26a089d' };
  await assert.rejects(server.push(pprofOf('main;a 3', { labels })));
  store.cluster = undefined;
  store.rows = rows;
  return marks;
}

test('the marks of pushes are looked for on every replica', async () => {
  const sql = await marksQuery();
  for (const table of ['samples_local', 'profiles_local', 'span_samples_local']) {
    assert.ok(sql.includes(`clusterAllReplicas('c', 'bunsen', '${table}')`), sql);
  }
  const replies = await run(["SET param_tenant = 'a', param_hour = '0'", `EXPLAIN AST ${sql}`]);
  for (const reply of replies) assert.ok('rows' in reply, `${sql}\n${JSON.stringify(reply)}`);
});

test('the engine plans every query on Distributed tables', async () => {
  const files = await readMigrations();
  const schema = [MIGRATIONS, ...files.flatMap(({ sql }) => splitStatements(sql))]
    .flatMap((statement) => clusterStatements(statement, CLUSTER))
    // Replicated tables cannot be changed without a Keeper; what queries see are the Distributed ones.
    .filter((statement) => /^(CREATE|DROP)|^ALTER TABLE \S+(?<!_local) /.test(statement))
    .map((statement) => statement.replace(` ON CLUSTER '${CLUSTER.name}'`, ''));
  for (const reply of await run(schema)) assert.ok('rows' in reply);
  const settings = Object.entries({ ...clusterWrite(2), ...CLUSTER_READ }).map(
    ([name, value]) => `${name} = '${value}'`,
  );
  assert.deepEqual(await run([`SET ${settings.join(', ')}`]), [{ rows: '' }]);

  const day = { fromMs: 20_000 * 86_400_000, untilMs: 20_001 * 86_400_000 };
  const rollups = ROLLUPS.map((rollup) => ({
    sql: reconcileSql(rollup, { ...day, untilMs: day.fromMs + rollup.bucketMs }).replace(
      /^INSERT INTO \w+ \([^)]*\)/,
      '',
    ),
    params: {},
  }));
  const queries = [...(await queriesOfTheApi()), ...rollups];
  assert.ok(queries.length > 25);
  for (const { sql, params } of queries) {
    const assignments = Object.entries(params).map(settingOf);
    const replies = await run([
      ...(assignments.length > 0 ? [`SET ${assignments.join(', ')}`] : []),
      `EXPLAIN ${sql}`,
    ]);
    // A condition on another table is looked up when the plan is made, on shards that are not there.
    const isPlanned = (reply: Reply) =>
      'rows' in reply || (sql.includes('IN (SELECT') && /Code: 279\b/.test(reply.error));
    for (const reply of replies) assert.ok(isPlanned(reply), `${sql}\n${JSON.stringify(reply)}`);
  }
});
