import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { API, CPU_PROFILE_TYPE, IDEMPOTENCY_KEY } from '@bunsen/profile';
import { flamegraph, startServer, temporaryFolder, until } from '../harness.ts';
import { Fleet } from './fleet.ts';
import { pprofOfWindow } from './fleet-pprof.ts';
import { openEmbedded } from './open-embedded.ts';
import { childrenOf } from './process-stats.ts';
import { type Cleanups, type Figure, median } from './report.ts';

const HOUR_MS = 3_600_000;
const WRITERS = 12;
const SAMPLES = 150;
/** How long pushes go on before a kill, at least, and after the store is back. */
const LOAD_MS = 700;

/** A push that has been acknowledged. */
interface Acknowledged {
  key: string;
  rows: number;
  /** In ns. */
  total: number;
}

/**
 * kill -9 of the embedded store while inserts of pushes are under way, again and again, on one data
 * directory. Every push is sent until it is acknowledged, under one key. Each round has a server of its
 * own, as one whose store has just died waits longer and longer before it starts it again.
 */
export async function showKills(t: Cleanups, { kills }: { kills: number }): Promise<Figure[]> {
  const dataDir = temporaryFolder(t);
  const fleet = new Fleet({ seed: 1, functions: 500, stacks: () => 3000, depth: [30, 40] });
  // Whole hours that are over: read from the rollups.
  const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 2 * HOUR_MS;
  const acknowledged: Acknowledged[] = [];
  const reopenMs: number[] = [];
  let attempts = 0;
  for (let kill = 0; kill < kills; kill++) {
    const { program, url } = await startServer(t, { dataDir });
    const server = program.child.pid as number;
    let going = true;
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let n = 0; going; n++) {
        const key = `${kill}-${writer}-${n}`;
        const number = acknowledged.length;
        const labels = { service_name: `service-${writer % 4}`, push: key };
        const window = fleet.window({
          pods: [{ service: labels.service_name, labels, samples: SAMPLES }],
          number,
          timeMs: hourMs + ((number * 977) % (2 * HOUR_MS)),
        });
        const sent = await pushUntilAcknowledged(url, pprofOfWindow(window), key);
        attempts += sent;
        const total = window.sampleValues.reduce((sum, value) => sum + Number(value), 0);
        acknowledged.push({ key, rows: window.sampleStack.length, total });
      }
    });
    await sleep(LOAD_MS);
    const [store] = childrenOf(server);
    await untilInserting(dataDir);
    const begin = performance.now();
    process.kill(store as number, 'SIGKILL');
    await until('the store', () => isBack(url, server, store as number));
    reopenMs.push(performance.now() - begin);
    await sleep(LOAD_MS);
    going = false;
    await Promise.all(writers);
    console.log(
      `kill ${kill + 1}/${kills}: back after ${Math.round(reopenMs.at(-1) as number)} ms, ${acknowledged.length} pushes acknowledged`,
    );
    await program.stop();
  }
  return [
    { name: 'kills', value: kills, unit: '', note: 'each while an insert was under way' },
    { name: 'kills.pushes', value: acknowledged.length, unit: '', note: 'acknowledged' },
    { name: 'kills.retries', value: attempts - acknowledged.length, unit: '' },
    ...(await compare(t, dataDir, acknowledged, hourMs)),
    { name: 'kills.reopen', value: median(reopenMs), unit: 'ms' },
    { name: 'kills.reopen_max', value: Math.max(...reopenMs), unit: 'ms', bar: '<= 1000' },
  ];
}

/** @returns how many times it was sent */
async function pushUntilAcknowledged(url: string, body: Buffer, key: string): Promise<number> {
  for (let attempts = 1; ; attempts++) {
    const response = await fetch(url + API.push, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', [IDEMPOTENCY_KEY]: key },
      body: body as Uint8Array<ArrayBuffer>,
    });
    const text = await response.text();
    if (response.status === 200) return attempts;
    if (response.status !== 503) throw new Error(`a push was answered ${response.status} ${text}`);
    await sleep(20);
  }
}

/** Until the body of an insert lies in the store's spool, where it does from its first to its last moment. */
async function untilInserting(dataDir: string): Promise<void> {
  const spool = path.join(dataDir, 'spool');
  while (readdirSync(spool).length === 0) await new Promise(setImmediate);
}

async function isBack(url: string, server: number, killed: number): Promise<boolean> {
  const { status } = await fetch(`${url}/readyz`);
  return status === 200 && !childrenOf(server).includes(killed);
}

/** What was acknowledged against what is there: sample by sample, and in sums over the rollups. */
async function compare(
  t: Cleanups,
  dataDir: string,
  acknowledged: Acknowledged[],
  hourMs: number,
): Promise<Figure[]> {
  const { store, rollups } = await openEmbedded(t, dataDir);
  await rollups.makeAll();
  const stored = await store.rows<{ push: string; rows: string; total: string }>(
    `SELECT named.push AS push, count() AS rows, sum(value * unit) AS total
     FROM samples INNER JOIN (
       SELECT series, any(labels['push']) AS push FROM series GROUP BY series
     ) AS named USING series
     WHERE type = '${CPU_PROFILE_TYPE}' GROUP BY push`,
  );
  await store.close();
  const { url, program } = await startServer(t, { dataDir });
  const range = { from: String(hourMs), until: String(hourMs + 2 * HOUR_MS) };
  const flame = await flamegraph(url, '{}', range);
  await program.stop();
  const rowsOf = new Map(stored.map(({ push, rows }) => [push, Number(rows)]));
  const expected = acknowledged.reduce((sum, { rows }) => sum + rows, 0);
  const total = acknowledged.reduce((sum, each) => sum + each.total, 0);
  let lost = 0;
  let doubled = 0;
  for (const { key, rows } of acknowledged) {
    const got = rowsOf.get(key) ?? 0;
    rowsOf.delete(key);
    lost += Math.max(0, rows - got);
    doubled += Math.max(0, got - rows);
  }
  const sum = stored.reduce((all, each) => all + Number(each.total), 0);
  const rowsUnknown = [...rowsOf.values()].reduce((all, rows) => all + rows, 0);
  return [
    { name: 'kills.rows', value: expected, unit: '', note: 'acknowledged' },
    { name: 'kills.lost', value: lost, unit: 'rows', bar: '0' },
    { name: 'kills.doubled', value: doubled, unit: 'rows', bar: '0' },
    { name: 'kills.unknown', value: rowsUnknown, unit: 'rows', bar: '0' },
    { name: 'kills.samples_off', value: sum - total, unit: 'ns', bar: '0' },
    {
      name: 'kills.flame_off',
      value: (flame.tree.total[0] as number) - total,
      unit: 'ns',
      bar: '0',
      note: 'the flame graph, from the rollups',
    },
  ];
}
