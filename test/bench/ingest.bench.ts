// What one server and its embedded store take in: real pprof requests over HTTP, each acknowledged
// when it is durable, from a load generator (this process) on the same machine. And the same rows the
// plain way: decoded with pprof-format and inserted as JSON rows, one insert per request.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { API, IDEMPOTENCY_KEY } from '@bunsen/profile';
import { readConfig } from '@bunsen/server/config';
import { decodeBody } from '@bunsen/server/ingest/decode';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { emptyTableToken, Profile, StringTable } from 'pprof-format';
import { freePort, startServer } from '../harness.ts';
import { Fleet } from './fleet.ts';
import { pprofOfWindow } from './fleet-pprof.ts';
import { PLAIN_TABLE, plainRowsOf } from './plain-rows.ts';
import { childrenOf, cpuSecondsOf, metricsOf, treeRssMb } from './process-stats.ts';
import { Cleanups, type Figure, median, parseSize, report } from './report.ts';

const size = parseSize();
const full = size === 'full';
const SECONDS = full ? 60 : 8;
const SUSTAINED_SECONDS = full ? 300 : 20;
const HOSTS = full ? 60 : 16;
const SERVICES = 20;
const WINDOW_MS = 15_000;

interface Load {
  name: string;
  bodies: Buffer[];
  /** Sample rows of each body. */
  rows: number;
  concurrency: number;
  seconds: number;
}

interface Outcome {
  rowsPerSecond: number;
  /** Acknowledged requests, in ms, ascending. */
  latencies: number[];
  /** Requests that were told to come again. */
  refused: number;
}

await Cleanups.run(async (t) => {
  const storePort = await freePort();
  const { url, program } = await startServer(t, {
    env: { BUNSEN_STORE_LISTEN: `127.0.0.1:${storePort}` },
  });
  console.log(`${availableParallelism()} cores; making ${HOSTS} hosts' windows …`);
  const fleet = new Fleet({ seed: 1, functions: 1200, stacks: () => 3000, depth: [30, 40] });
  const bodiesOf = (samples: number, services: number) =>
    Array.from({ length: HOSTS }, (_, host) => {
      const pods = Array.from({ length: services }, (_, i) => {
        const service = `service-${(host + i) % SERVICES}`;
        const labels = { service_name: service, host: `host-${host}`, container: `${service}-0` };
        return { service, labels, samples: samples / services };
      });
      return pprofOfWindow(fleet.window({ pods, number: host, timeMs: Date.now() }));
    });
  const windows = bodiesOf(3000, 8);
  const small = bodiesOf(300, 1);
  const bytes = (bodies: Buffer[]) =>
    Math.round(bodies.reduce((sum, { length }) => sum + length, 0) / bodies.length);
  console.log(`a window of 3000 samples: ${bytes(windows)} bytes; of 300: ${bytes(small)} bytes`);

  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const atPresent = presentWindows();
  const push: Sender = (body) => post(agent, url, atPresent(body));
  const figures: Figure[] = [];
  const measure = async (load: Load) => {
    const outcome = await run(load, push);
    figures.push(...figuresOf(load.name, outcome));
    return outcome.rowsPerSecond;
  };

  // Stacks become known, and code compiled: a fleet is in this state but for its first minutes.
  await run({ name: '', bodies: windows, rows: 3000, concurrency: 8, seconds: 6 }, push);
  await run({ name: '', bodies: small, rows: 300, concurrency: 8, seconds: 2 }, push);
  const pid = program.child.pid as number;
  const rssBefore = treeRssMb(pid);
  await metricsOf(url); // the delay is that since the last scrape
  for (const [name, bodies, rows] of [
    ['window', windows, 3000],
    ['small', small, 300],
  ] as const) {
    for (const concurrency of [1, 16, 64]) {
      await measure({
        name: `${name}_c${concurrency}`,
        bodies,
        rows,
        concurrency,
        seconds: SECONDS,
      });
    }
  }
  const cpuBefore = treeCpuSeconds(pid);
  const ownBefore = process.cpuUsage();
  const resident: number[] = [];
  const looking = setInterval(() => resident.push(treeRssMb(pid)), 1000);
  const sustained = await measure({
    name: 'sustained',
    bodies: windows,
    rows: 3000,
    concurrency: 32,
    seconds: SUSTAINED_SECONDS,
  });
  clearInterval(looking);
  const cpu = treeCpuSeconds(pid).map((seconds, i) => seconds - (cpuBefore[i] as number));
  const own = process.cpuUsage(ownBefore);
  cpu.push((own.user + own.system) / 1e6);
  const microsPerRow = cpu.map((seconds) => (seconds / sustained / SUSTAINED_SECONDS) * 1e6);
  const metrics = await metricsOf(url);
  const minutes = resident.flatMap((_, i) => (i % 60 === 0 ? [resident.slice(i, i + 60)] : []));

  console.log('decoding alone …');
  const mbOf = (requestsPerSecond: number) => (requestsPerSecond * bytes(windows)) / 1e6;
  const decoded = decodeAlone(windows, SECONDS / 2);

  console.log('the plain way …');
  const client = createClient({
    url: `http://127.0.0.1:${storePort}`,
    max_open_connections: 64,
    clickhouse_settings: { async_insert: 0 },
    log: { level: ClickHouseLogLevel.OFF },
  });
  t.after(() => client.close());
  await client.command({ query: PLAIN_TABLE });
  const plain: Sender = async (body) => {
    await client.insert({ table: 'plain', values: plainRowsOf(body), format: 'JSONEachRow' });
    return undefined;
  };
  await run({ name: '', bodies: windows, rows: 3000, concurrency: 8, seconds: 3 }, plain);
  const plainLoad = { name: 'plain', bodies: windows, rows: 3000, concurrency: 32 };
  const plainOutcome = await run({ ...plainLoad, seconds: SECONDS }, plain);

  report('ingest', size, [
    ...figures.map((figure) =>
      figure.name === 'sustained' ? { ...figure, bar: '>= 150000' } : figure,
    ),
    { name: 'sustained_requests', value: sustained / 3000, unit: 'requests/s' },
    { name: 'sustained_bytes', value: mbOf(sustained / 3000), unit: 'MB/s', note: 'gzipped' },
    { name: 'decode', value: decoded, unit: 'requests/s', note: 'one core, nothing stored' },
    { name: 'decode_bytes', value: mbOf(decoded), unit: 'MB/s', note: 'gzipped' },
    { name: 'decode_ratio', value: sustained / 3000 / decoded, unit: 'x the decode alone' },
    ...figuresOf('plain', plainOutcome),
    { name: 'ratio', value: sustained / plainOutcome.rowsPerSecond, unit: 'x', bar: '>= 1.5' },
    ...['server', 'store', 'generator'].map((name, i) => ({
      name: `cpu_${name}`,
      value: microsPerRow[i] as number,
      unit: 'µs a row',
      note: 'sustained',
    })),
    { name: 'rss_before', value: rssBefore, unit: 'MB', note: 'server and store' },
    {
      name: 'rss',
      value: median(resident),
      unit: 'MB',
      note: `sustained; by the minute ${minutes.map((mbs) => Math.round(median(mbs))).join(' ')}`,
    },
    { name: 'rss_max', value: Math.max(...resident), unit: 'MB' },
    {
      name: 'event_loop_max',
      value: (metrics['nodejs_eventloop_lag_max_seconds'] ?? 0) * 1000,
      unit: 'ms',
      bar: '<= 60',
    },
    {
      name: 'pushes_per_insert',
      value:
        (metrics['bunsen_insert_pushes_sum'] ?? 0) / (metrics['bunsen_insert_pushes_count'] ?? 1),
      unit: '',
    },
  ]);
});

/** Requests a second that are inflated, decoded and checked, one after the other, and then forgotten. */
function decodeAlone(bodies: Buffer[], seconds: number): number {
  const limits = readConfig({}).ingest;
  const begin = performance.now();
  const end = begin + seconds * 1000;
  let requests = 0;
  for (; performance.now() < end; requests++) {
    const body = bodies[requests % bodies.length] as Buffer;
    decodeBody(body, false, { kind: 'labelled-pprof' }, limits);
  }
  return (requests / (performance.now() - begin)) * 1000;
}

/** Sends a body; resolves when it is acknowledged, or to the seconds after which to come again. */
type Sender = (body: Buffer) => Promise<number | undefined>;

/** `concurrency` clients, each with one request at a time, for so many seconds. */
async function run(load: Load, send: Sender): Promise<Outcome> {
  const begin = performance.now();
  const end = begin + load.seconds * 1000;
  const latencies: number[] = [];
  let refused = 0;
  let next = 0;
  const client = async () => {
    while (performance.now() < end) {
      const body = load.bodies[next++ % load.bodies.length] as Buffer;
      const sent = performance.now();
      const retryAfterSeconds = await send(body);
      if (retryAfterSeconds === undefined) latencies.push(performance.now() - sent);
      else {
        refused++;
        await sleep(retryAfterSeconds * 1000);
      }
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, client));
  const seconds = (performance.now() - begin) / 1000;
  return {
    rowsPerSecond: (latencies.length * load.rows) / seconds,
    latencies: latencies.sort((a, b) => a - b),
    refused,
  };
}

function figuresOf(name: string, { rowsPerSecond, latencies, refused }: Outcome): Figure[] {
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  const note = `${latencies.length} requests${refused > 0 ? `, ${refused} refused` : ''}`;
  return [
    { name, value: rowsPerSecond, unit: 'rows/s', note },
    { name: `${name}_p50`, value: at(0.5), unit: 'ms' },
    { name: `${name}_p99`, value: at(0.99), unit: 'ms' },
  ];
}

function post(agent: http.Agent, url: string, body: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-protobuf',
      'content-length': body.length,
      [IDEMPOTENCY_KEY]: randomUUID(),
    };
    const request = http.request(url + API.push, { method: 'POST', agent, headers }, (response) => {
      const status = response.statusCode;
      response.resume();
      response.on('error', reject);
      response.on('end', () => {
        if (status === 200) resolve(undefined);
        else if (status === 429 || status === 503) resolve(Number(response.headers['retry-after']));
        else reject(new Error(`a push was answered ${status}`));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/**
 * Makes windows those of now, as agents send them: one behind the other, a quarter of a minute each. A
 * gzip file may have several members, and of a field that comes twice a protobuf message has the last.
 */
function presentWindows(): (body: Buffer) => Buffer {
  const none = new StringTable(emptyTableToken);
  let [startMs, member] = [0, Buffer.alloc(0)];
  return (body) => {
    const nowMs = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS;
    if (startMs !== nowMs) {
      const timeNanos = BigInt(nowMs) * 1_000_000n;
      [startMs, member] = [nowMs, gzipSync(new Profile({ timeNanos, stringTable: none }).encode())];
    }
    return Buffer.concat([body, member]);
  };
}

/** Time that the server and its store have taken so far, user and system. */
function treeCpuSeconds(server: number): number[] {
  return [server, ...childrenOf(server)].map(cpuSecondsOf);
}
