// What a query takes from the request to the last byte of the answer, over HTTP on the same machine.
// And the same flame graph the plain way: names joined in SQL, JSON rows, a tree of maps.
import http from 'node:http';
import { API, CPU_PROFILE_TYPE, FLAME_CONTENT_TYPE, IDEMPOTENCY_KEY } from '@bunsen/profile';
import { freePort, startServer } from '../harness.ts';
import { Fleet } from './fleet.ts';
import { pprofOfWindow } from './fleet-pprof.ts';
import { Cleanups, type Figure, median, parseSize, report } from './report.ts';

const size = parseSize();
const full = size === 'full';
const HOUR_MS = 3_600_000;
const BIG_STACKS = full ? 60_000 : 15_000;
const SERVICES = full ? 50 : 10;
const SERVICE_STACKS = full ? 23_000 : 5_000;
const HOURS = 6;
/** Each has a profile every 15 s for a day. */
const PODS = 20;
const REPEATS = 7;

/** Past, so that rollups are made of it: six whole hours, then one in which the fleet ran. */
const fromMs = Math.floor(Date.now() / HOUR_MS - HOURS - 2) * HOUR_MS;
const fleetMs = fromMs + HOURS * HOUR_MS;

await Cleanups.run(async (t) => {
  const storePort = await freePort();
  const { url } = await startServer(t, {
    env: { BUNSEN_STORE_LISTEN: `127.0.0.1:${storePort}`, BUNSEN_QUERY_TIME_MS: '120000' },
  });
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const sql = async (query: string): Promise<Buffer> =>
    request(agent, `http://127.0.0.1:${storePort}/?database=bunsen`, {}, Buffer.from(query));

  console.log(`storing ${HOURS} x ${BIG_STACKS} + ${SERVICES} x ${SERVICE_STACKS} stacks …`);
  const depth: [number, number] = [30, 40];
  const push = (fleet: Fleet, service: string, samples: number, timeMs: number) => {
    const labels = { service_name: service, host: `host-${service}`, container: `${service}-0` };
    const window = fleet.window({ pods: [{ service, labels, samples }], number: 1, timeMs });
    return request(
      agent,
      url + API.push,
      { 'content-type': 'application/x-protobuf', [IDEMPOTENCY_KEY]: `${service} ${timeMs}` },
      pprofOfWindow(window),
    );
  };
  const big = new Fleet({ seed: 1, functions: 5000, stacks: () => BIG_STACKS, depth });
  for (let hour = 0; hour < HOURS; hour++)
    await push(big, 'big', BIG_STACKS, fromMs + hour * HOUR_MS + 60_000);
  const fleet = new Fleet({ seed: 2, functions: 1200, stacks: () => SERVICE_STACKS, depth });
  for (let i = 0; i < SERVICES; i++)
    await push(fleet, `service-${i}`, SERVICE_STACKS, fleetMs + 60_000);
  await sql(`INSERT INTO profiles
    SELECT tenant, service, type, pod AS series, fromUnixTimestamp64Milli(toInt64(${fromMs - 24 * HOUR_MS} + slot * 15000), 'UTC') AS ts,
      1000000 + pod * slot % 977 AS total, 228 AS n
    FROM (SELECT DISTINCT tenant, service, type FROM profiles WHERE service LIKE 'service-%') AS services
    CROSS JOIN (SELECT number AS pod FROM numbers(${PODS})) AS pods
    CROSS JOIN (SELECT number AS slot FROM numbers(5760)) AS slots`);
  await sql(`INSERT INTO series
    SELECT DISTINCT tenant, toDate(ts), service, type, series, map('pod', concat(service, '-', toString(series))), now()
    FROM profiles WHERE service LIKE 'service-%' AND series < ${PODS}`);

  const figures: Figure[] = [];
  const measure = async (name: string, bar: string, action: () => Promise<Buffer | number>) => {
    await action(); // code is compiled, and the store's caches are warm
    const times: number[] = [];
    for (let i = 0; i < REPEATS; i++) {
      const start = performance.now();
      await action();
      times.push(performance.now() - start);
    }
    const note = `${REPEATS} runs, ${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))}`;
    figures.push({ name, value: median(times), unit: 'ms', ...(full && { bar }), note });
    return median(times);
  };
  const get = (path: string, params: Record<string, string | number>, accept = '*/*') =>
    request(agent, `${url}${path}?${searchOf(params)}`, { accept, 'accept-encoding': 'br' });
  const flame = { from: fromMs, until: fleetMs, maxNodes: 8192 };
  const bigQuery = `${CPU_PROFILE_TYPE}{service_name="big"}`;
  const [fast, plain] = [
    await measure('flame_big', '<= 250', () =>
      get(API.flamegraph, { ...flame, query: bigQuery }, FLAME_CONTENT_TYPE),
    ),
    await measure('plain_big', '', async () => treeOfMaps(await sql(plainSql()))),
  ];
  await measure('diff_big', '', () =>
    get(
      API.diff,
      {
        ...{ left: bigQuery, leftFrom: fromMs, leftUntil: fromMs + 3 * HOUR_MS },
        ...{ right: bigQuery, rightFrom: fromMs + 3 * HOUR_MS, rightUntil: fleetMs },
        maxNodes: 8192,
      },
      FLAME_CONTENT_TYPE,
    ),
  );
  const whole = { query: `${CPU_PROFILE_TYPE}{}`, from: fleetMs, until: fleetMs + HOUR_MS };
  await measure('flame_fleet', '<= 1500', () =>
    get(API.flamegraph, { ...whole, maxNodes: 8192 }, FLAME_CONTENT_TYPE),
  );
  const day = { from: fromMs - 24 * HOUR_MS, until: fromMs };
  const query = `${CPU_PROFILE_TYPE}{service_name="service-3"}`;
  await measure('series_24h', '<= 20', () => get(API.series, { query, ...day }));
  await measure('label_values', '<= 5', () => get(API.labelValues('pod'), { query, ...day }));

  const metrics = (await request(agent, `${url}/metrics`, {})).toString();
  const lag = /^nodejs_eventloop_lag_max_seconds ([\d.e-]+)$/m.exec(metrics)?.[1];
  report('query', size, [
    ...figures,
    { name: 'ratio', value: plain / fast, unit: 'x', ...(full && { bar: '>= 4' }) },
    { name: 'event_loop_max', value: Number(lag) * 1000, unit: 'ms', bar: '<= 60' },
  ]);
});

/** Every stack of the service with its sum, as JSON. */
function plainSql(): string {
  return `SELECT stack.frames AS frames, merged.v AS v
    FROM (
      SELECT stack_id, sum(value * unit) AS v FROM samples
      WHERE service = 'big' AND type = '${CPU_PROFILE_TYPE}' GROUP BY stack_id
    ) AS merged
    INNER JOIN (SELECT stack_id, any(frames) AS frames FROM stacks WHERE service = 'big' GROUP BY stack_id) AS stack
      ON stack.stack_id = merged.stack_id
    FORMAT JSONEachRow`;
}

interface MapNode {
  total: number;
  children: Map<string, MapNode>;
}

function treeOfMaps(rows: Buffer): number {
  const root: MapNode = { total: 0, children: new Map() };
  for (const line of rows.toString().split('\n')) {
    if (line === '') continue;
    const { frames, v } = JSON.parse(line) as { frames: string[]; v: number | string };
    let node = root;
    node.total += Number(v);
    for (const frame of frames) {
      const child = node.children.get(frame) ?? { total: 0, children: new Map() };
      node.children.set(frame, child);
      child.total += Number(v);
      node = child;
    }
  }
  return root.total;
}

function searchOf(params: Record<string, string | number>): string {
  const entries = Object.entries(params).map(([name, value]) => [name, String(value)]);
  return new URLSearchParams(entries).toString();
}

/** The whole answer. Posts a body if there is one. */
function request(
  agent: http.Agent,
  url: string,
  headers: Record<string, string>,
  body?: Buffer,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const method = body ? 'POST' : 'GET';
    const sent = http.request(url, { agent, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const answer = Buffer.concat(chunks);
        if (response.statusCode === 200) resolve(answer);
        else reject(new Error(`${response.statusCode}: ${answer}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
