#!/usr/bin/env node
// The whole way through a cluster: pushes while replicas die, each sent twice, and then what queries
// say, what each replica has, and a delete. Needs Docker with compose, and the checkout built.
//
//   node deploy/cluster/e2e.mjs                start the cluster, test, take it down with its data
//   node deploy/cluster/e2e.mjs --keep         leave it running
//   node deploy/cluster/e2e.mjs --against URL  only push to that server, and query it: no Docker
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, against: { type: 'string', default: '' } },
});
const SERVER = options.against || 'http://127.0.0.1:4040';
const CLICKHOUSE = 'http://127.0.0.1:8123/?user=bunsen&password=bunsen&database=bunsen';
const CPU = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';

const SERVICES = 12;
const PUSHES = 240;
const SAMPLES = 5;
const NANOSECONDS = 1e9 / 100; // a sample at 100 Hz
/** Told apart from what an earlier run has left. */
const run = Date.now().toString(36);
const serviceOf = (push) => `e2e-${run}-${push % SERVICES}`;
const perService = (PUSHES / SERVICES) * SAMPLES * NANOSECONDS;
const range = `from=${Date.now() - 600_000}&until=${Date.now() + 600_000}`;

function compose(...args) {
  const file = fileURLToPath(new URL('compose.yaml', import.meta.url));
  const { status, error } = spawnSync('docker', ['compose', '-f', file, ...args], {
    stdio: 'inherit',
  });
  if (error) throw new Error(`docker compose cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`docker compose ${args.join(' ')} ended with ${status}`);
}

/** Rows of a query, asked of the server that is never killed. */
async function clickhouse(sql) {
  const response = await fetch(`${CLICKHOUSE}&default_format=JSONCompact`, {
    method: 'POST',
    body: sql,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text === '' ? [] : JSON.parse(text).data;
}

async function get(path) {
  const response = await fetch(SERVER + path);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

async function until(what, condition, seconds = 120) {
  for (const end = Date.now() + seconds * 1000; ; await sleep(500)) {
    const error = await Promise.resolve()
      .then(condition)
      .then(
        () => undefined,
        (reason) => reason,
      );
    if (!error) return;
    if (Date.now() > end) throw new Error(`not after ${seconds} s: ${what}`, { cause: error });
  }
}

/** Sent until it is acknowledged, as an agent does: the same body under the same key. */
async function push(number) {
  const name = `${serviceOf(number)}{pod=pod-${number}}`;
  const from = Math.floor(Date.now() / 1000);
  const url = `${SERVER}/ingest?${new URLSearchParams({ name, from, until: from + 15, format: 'folded' })}`;
  const headers = { 'idempotency-key': `e2e-${run}-${number}` };
  const body = `main;work-${number % 7} ${SAMPLES - 1}\nmain;rest 1\n`;
  await until(
    `push ${number} is acknowledged`,
    async () => {
      const response = await fetch(url, { method: 'POST', headers, body });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      await response.arrayBuffer();
    },
    180,
  );
  // And once more: its acknowledgement might have been lost.
  await fetch(url, { method: 'POST', headers, body }).then((response) => response.arrayBuffer());
}

async function pushAll(disturb) {
  const disturbed = disturb();
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < PUSHES && !failed) {
      await push(next++);
      await sleep(100); // so that the pushes last longer than what disturbs them
    }
  };
  try {
    await Promise.all([...Array.from({ length: 4 }, worker), disturbed]);
  } catch (error) {
    failed = true;
    throw error;
  }
}

/** One replica of each shard, one after the other; the other one of the shard is alive. */
async function killReplicas() {
  for (const replica of ['clickhouse-1-2', 'clickhouse-2-1']) {
    await sleep(1000);
    compose('kill', replica);
    await sleep(4000);
    compose('start', replica);
    await until(`${replica} is back`, () =>
      clickhouse(`SELECT 1 FROM remote('${replica}:9000', system.one, 'bunsen', 'bunsen')`),
    );
  }
}

async function checkQueries() {
  const { services } = await get(`/api/v1/services?type=${CPU}&${range}`);
  for (let i = 0; i < SERVICES; i++) {
    const name = serviceOf(i);
    const found = services.find(({ service }) => service === name);
    assert.equal(found?.total, perService, `total of ${name}`);
    const query = encodeURIComponent(`${CPU}{service_name="${name}"}`);
    const flame = await get(`/api/v1/flamegraph?query=${query}&${range}`);
    assert.equal(flame.nodes.total[0], perService, `flame graph of ${name}`);
    assert.ok(
      flame.frames.some((frame) => frame.name === 'rest'),
      `names of ${name}`,
    );
    const list = await get(`/api/v1/functions?query=${query}&${range}`);
    assert.equal(list.functions.find((each) => each.name === 'main')?.total, perService);
  }
  // A matcher of another label looks the series up, which may be on another shard than the samples.
  const pod = encodeURIComponent(`${CPU}{pod="pod-0",service_name="${serviceOf(0)}"}`);
  const one = await get(`/api/v1/flamegraph?query=${pod}&${range}`);
  assert.equal(one.nodes.total[0], SAMPLES * NANOSECONDS, 'flame graph of one pod');
}

const OF_THIS_RUN = `service LIKE 'e2e-${run}-%'`;
const EVERY_REPLICA = `clusterAllReplicas('bunsen', 'bunsen', 'samples_local')`;

async function checkReplicas() {
  for (const table of ['samples', 'profiles', 'stacks', 'series']) {
    await clickhouse(`SYSTEM SYNC REPLICA ON CLUSTER 'bunsen' bunsen.${table}_local`);
  }
  const rows = await clickhouse(
    `SELECT hostName() AS host, toFloat64(sum(value * unit)) AS sum
     FROM ${EVERY_REPLICA} WHERE ${OF_THIS_RUN} GROUP BY host ORDER BY host`,
  );
  const sums = Object.fromEntries(rows);
  for (const shard of [1, 2]) {
    const sum = sums[`clickhouse-${shard}-1`];
    assert.ok(sum > 0, `shard ${shard} has pushes`);
    assert.equal(sums[`clickhouse-${shard}-2`], sum, `the replicas of shard ${shard} are equal`);
  }
  const sum = sums['clickhouse-1-1'] + sums['clickhouse-2-1'];
  assert.equal(sum, perService * SERVICES, 'sum over the shards');
}

async function checkDelete() {
  for (const table of ['samples', 'profiles']) {
    await clickhouse(
      `ALTER TABLE bunsen.${table}_local ON CLUSTER 'bunsen' DELETE WHERE service = '${serviceOf(0)}'`,
    );
  }
  await until('the service is gone from every replica', async () => {
    const [[left]] = await clickhouse(
      `SELECT count() FROM ${EVERY_REPLICA} WHERE service = '${serviceOf(0)}'`,
    );
    assert.equal(Number(left), 0);
  });
  const [[others]] = await clickhouse(
    `SELECT toFloat64(sum(value * unit)) FROM samples WHERE ${OF_THIS_RUN}`,
  );
  assert.equal(others, perService * (SERVICES - 1), 'the other services are whole');
}

async function step(name, action) {
  const begin = Date.now();
  await action();
  console.log(`✓ ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
}

const docker = options.against === '';
try {
  if (docker) await step('start', () => compose('up', '--detach', '--wait'));
  await step('ready', () => until('/readyz', () => get('/readyz')));
  await step(`${PUSHES} pushes, each twice${docker ? ', while replicas die' : ''}`, () =>
    pushAll(docker ? killReplicas : async () => {}),
  );
  await step('services, flame graphs, functions', checkQueries);
  if (docker) {
    await step('replicas and shards', checkReplicas);
    await step('delete', checkDelete);
  }
} catch (error) {
  console.error(error);
  if (docker) compose('logs', '--tail=50', 'bunsen');
  process.exitCode = 1;
} finally {
  if (docker && !options.keep) compose('down', '--volumes');
}
