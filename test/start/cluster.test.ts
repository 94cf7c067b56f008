/** deploy/cluster, as far as it can be checked without Docker. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { root, temporaryFolder } from '../harness.ts';

interface Service {
  image: string;
  hostname?: string;
  environment?: Record<string, string>;
  volumes?: string[];
  networks?: { default: { aliases: string[] } };
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

const folder = path.join(root, 'deploy/cluster');
const compose: { services: Record<string, Service> } = parse(
  readFileSync(path.join(folder, 'compose.yaml'), 'utf8'),
  { merge: true },
);
const services = Object.entries(compose.services);
const clickhouses = services.filter(([, { image }]) => image.includes('clickhouse-server'));
const bunsen = compose.services['bunsen'] as Service;

test('images have a version, mounts exist, and what is waited for is there', () => {
  for (const [name, service] of services) {
    assert.match(service.image, /^[\w/.-]+:\d+[\w.-]*$/, name);
    for (const mount of service.volumes ?? []) {
      assert.ok(existsSync(path.join(folder, mount.split(':')[0] as string)), `${name}: ${mount}`);
    }
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const waitedFor = compose.services[other];
      assert.ok(waitedFor, `${name} waits for ${other}`);
      if (condition === 'service_healthy') assert.ok(waitedFor.healthcheck, other);
    }
  }
});

test('every option of the server is one that it has', () => {
  const readme = readFileSync(path.join(root, 'server/README.md'), 'utf8');
  for (const name of Object.keys(bunsen.environment ?? {})) {
    assert.ok(readme.includes(`| \`${name}\` |`), name);
  }
});

/** What ClickHouse makes of the cluster's configuration on one of its servers. */
function configured(scratch: string, { environment }: Service): Record<string, string[][]> {
  const script = `
    const { Session } = require('chdb');
    const session = new Session(process.argv[1], {
      connectionArgs: ['--config-file=' + process.argv[2]],
    });
    const rows = (sql) => session.query(sql, 'TabSeparated').toString().trim().split('\\n')
      .map((line) => line.split('\\t'));
    console.log(JSON.stringify({
      replicas: rows('SELECT cluster, shard_num, replica_num, host_name FROM system.clusters ORDER BY ALL'),
      macros: rows('SELECT macro, substitution FROM system.macros ORDER BY macro'),
    }));`;
  const output = execFileSync(
    process.execPath,
    ['-e', script, path.join(scratch, 'store'), path.join(folder, 'clickhouse/cluster.xml')],
    {
      cwd: path.join(root, 'server'),
      env: { ...process.env, ...environment },
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  return JSON.parse(output.trim().split('\n').at(-1) as string);
}

test('ClickHouse reads from the configuration the cluster that there is', (t) => {
  assert.equal(clickhouses.length, 4);
  for (const [name, service] of clickhouses) {
    const { SHARD: shard, REPLICA: replica } = service.environment as Record<string, string>;
    assert.equal(service.hostname, name);
    assert.deepEqual(service.networks?.default.aliases, [
      new URL(bunsen.environment?.['CLICKHOUSE_URL'] as string).hostname,
    ]);
    const { replicas, macros } = configured(path.join(temporaryFolder(t)), service);
    const cluster = bunsen.environment?.['BUNSEN_CLICKHOUSE_CLUSTER'] as string;
    assert.deepEqual(
      replicas,
      clickhouses.map(([host, { environment }]) => [
        cluster,
        environment?.['SHARD'],
        environment?.['REPLICA'],
        host,
      ]),
    );
    assert.deepEqual(macros, [
      ['replica', replica],
      ['shard', shard],
    ]);
    assert.ok(replicas?.some(([, s, r, host]) => host === name && s === shard && r === replica));
  }
});

test('the end-to-end script says what it is missing', () => {
  const script = path.join(folder, 'e2e.mjs');
  const run = () =>
    execFileSync(process.execPath, [script, '--keep'], {
      env: { PATH: '/nowhere' },
      encoding: 'utf8',
      stdio: 'pipe',
    });
  assert.throws(run, /docker compose cannot be run/);
});
