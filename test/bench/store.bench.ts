// The store against what one would write first, and against the best-known open layout: the same made-up
// fleet in all of them, in one run. README.md says what each line means.
import {
  API,
  CPU_PROFILE_TYPE,
  decodeFlame,
  FLAME_CONTENT_TYPE,
  type FunctionsResponse,
  type LabelValuesResponse,
  type SeriesResponse,
  SLOT_MS,
} from '@bunsen/profile';
import { mergeParams, mergeSql, planMerge, STACK_ROLLUPS } from '@bunsen/server/query/merge-plan';
import { selectionOf } from '@bunsen/server/query/selection';
import type { Rollups } from '@bunsen/server/store/rollups';
import type { Store } from '@bunsen/server/store/store';
import { startServer, temporaryFolder } from '../harness.ts';
import { type JsonStack, jsonTreeOf } from './json-tree.ts';
import { type Embedded, openEmbedded } from './open-embedded.ts';
import { cpuSecondsOf, treeRssMb } from './process-stats.ts';
import { Cleanups, type Figure, median, parseSize, report } from './report.ts';
import { BUSY, StoreFleet } from './store-fleet.ts';
import { insertFigures } from './store-insert.ts';
import { FLAT_TABLE, fillCoroot, optimize, sizesOf, type TableSize } from './store-layouts.ts';
import { type Loaded, load } from './store-load.ts';

const SEED = 1;
const RUNS = 7;
const HOUR_MS = 3_600_000;
const size = parseSize();
const full = size === 'full';

/** Of these layouts and not of Bunsen. */
const OTHERS = ['flat', 'coroot_samples', 'coroot_stacks'];
/** A column is listed from this many bytes a sample on. */
const LISTED = 0.01;

await Cleanups.run(async (t) => {
  const fleet = new StoreFleet(size, SEED);
  const figures: Figure[] = [];

  say('inserts …');
  const rounds = { rounds: 5, rows: full ? 300_000 : 60_000 };
  figures.push(...(await insertFigures(t, new StoreFleet(size, SEED + 1).fleetHour(), rounds)));

  const dataDir = temporaryFolder(t);
  const embedded = await openEmbedded(t, dataDir);
  const { store, rollups } = embedded;
  await store.command(FLAT_TABLE);
  const loaded = await loadAll(embedded, fleet, figures);
  say('rollups …');
  figures.push(...(await rollUp(embedded, loaded)));
  say("the same rows in Coroot's layout …");
  await fillCoroot(store);
  const [copied] = await store.rows<{ total: string }>(
    'SELECT sum(Value) AS total FROM coroot_samples',
  );
  same("rows in Coroot's layout", copied?.total, String(loaded.total));
  await optimize(store, say);
  figures.push(...diskFigures(await sizesOf(store), loaded));
  figures.push(...(await mergeFigures(store, rollups, fleet)));
  const jsonTree = await timeJsonTree(store, fleet);
  await store.close();

  const { url } = await startServer(t, { dataDir });
  figures.push(...(await httpFigures(url, fleet, loaded, jsonTree)));
  // The bars are those of the full size: a small one is mostly what a request costs at least.
  report('store', size, full ? figures : figures.map(({ bar: _, ...figure }) => figure));
});

async function loadAll(
  { store, profiles }: Embedded,
  fleet: StoreFleet,
  figures: Figure[],
): Promise<Loaded> {
  const begin = performance.now();
  const pid = store.embeddedPid as number;
  const own = process.cpuUsage();
  let said = begin;
  const loaded = await load(store, profiles, fleet.pushes(), ({ rows }) => {
    const now = performance.now();
    if (now - said < 10_000) return;
    said = now;
    const seconds = (now - begin) / 1000;
    const [millions, of] = [rows / 1e6, fleet.rows / 1e6];
    say(
      `loading: ${millions.toFixed(1)} of ${of.toFixed(1)} M rows, ${Math.round(seconds)} s, ${Math.round(treeRssMb(process.pid))} MB`,
    );
  });
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(own);
  const { rows, pushes } = loaded;
  figures.push(
    { name: 'load.rows', value: rows, unit: 'rows', note: `${pushes} pushes` },
    { name: 'load.rate', value: rows / seconds, unit: 'rows/s', note: 'the flat table beside it' },
    { name: 'load.store_cpu', value: (cpuSecondsOf(pid) / rows) * 1e6, unit: 'µs a row' },
    { name: 'load.own_cpu', value: (user + system) / rows, unit: 'µs a row' },
    { name: 'load.rss', value: treeRssMb(process.pid), unit: 'MB', note: 'bench and store' },
  );
  return loaded;
}

/** Everything that the server would have summed up by the time somebody asks. */
async function rollUp({ store, rollups }: Embedded, { rows }: Loaded): Promise<Figure[]> {
  const pid = store.embeddedPid as number;
  const cpu = cpuSecondsOf(pid);
  const begin = performance.now();
  await rollups.makeAll();
  const seconds = (performance.now() - begin) / 1000;
  return [
    { name: 'rollups.rate', value: rows / seconds, unit: 'rows/s' },
    {
      name: 'rollups.store_cpu',
      value: ((cpuSecondsOf(pid) - cpu) / rows) * 1e6,
      unit: 'µs a row',
    },
  ];
}

function diskFigures(sizes: Map<string, TableSize>, { rows }: Loaded): Figure[] {
  const sizeOf = (table: string) => sizes.get(table) as TableSize;
  const own = [...sizes.values()]
    .filter(({ table }) => !OTHERS.includes(table) && table !== 'stacks')
    .sort((a, b) => b.bytes - a.bytes);
  const perSample = (name: string, bytes: number, note = ''): Figure => ({
    name,
    value: bytes / rows,
    unit: 'B a sample',
    note,
  });
  const broken = (sizes: TableSize[]) =>
    sizes
      .filter(({ bytes }) => bytes / rows >= LISTED)
      .flatMap(({ table, bytes, rows: own, columns }) => [
        perSample(`disk.${table}`, bytes, `${own} rows`),
        ...columns
          .filter((column) => column.bytes / rows >= LISTED)
          .map((column) => perSample(`disk.${table}.${column.column}`, column.bytes)),
      ]);
  const all = own.reduce((sum, { bytes }) => sum + bytes, 0);
  const coroot = sizeOf('coroot_samples').bytes;
  const [stacks, corootStacks] = [sizeOf('stacks'), sizeOf('coroot_stacks')];
  return [
    ...broken([...own, sizeOf('coroot_samples'), sizeOf('flat')]),
    perSample('disk.all', all, 'without stacks'),
    { name: 'disk.ratio', value: all / coroot, unit: 'x Coroot', bar: '<= 0.30' },
    {
      name: 'disk.ratio_with_stacks',
      value: (all + stacks.bytes) / (coroot + corootStacks.bytes),
      unit: 'x Coroot',
    },
    {
      name: 'disk.stack',
      value: stacks.bytes / stacks.rows,
      unit: 'B a stack',
      bar: '<= 65',
      note: `${stacks.rows} of a service and week`,
    },
    {
      name: 'disk.coroot_stack',
      value: corootStacks.bytes / corootStacks.rows,
      unit: 'B a stack',
      note: `${corootStacks.rows} distinct`,
    },
  ];
}

/** Merges by stack in SQL alone, as the product plans them, and over the flat table. */
async function mergeFigures(
  store: Store,
  status: Rollups,
  { untilMs }: StoreFleet,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, service, hours, bar] of [
    ['merge_6h', BUSY, 6, '>= 8'],
    ['merge_7d', BUSY, 7 * 24, '>= 8'],
    ['merge_fleet_1h', undefined, 1, '>= 9'],
  ] as const) {
    const asked = { fromMs: untilMs - hours * HOUR_MS, untilMs };
    const matchers = service === undefined ? '' : `service_name="${service}"`;
    const options = { rollups: STACK_ROLLUPS, slotMs: SLOT_MS, status, nowMs: Date.now() };
    const plan = planMerge(asked, options);
    const selection = selectionOf(`${CPU_PROFILE_TYPE}{${matchers}}`, plan.range, true);
    const params = mergeParams(selection);
    const sums = (merge: string) =>
      store.rows<Sums>(`SELECT count() AS stacks, sum(v) AS total FROM (${merge})`, { params });
    const planned = await timed(() => sums(mergeSql(plan, selection)));
    const flat = await timed(() =>
      sums(
        `SELECT stack_id, sum(value) AS v FROM flat
         WHERE type = '${CPU_PROFILE_TYPE}' ${service === undefined ? '' : `AND service = '${service}'`}
           AND ts >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC')
           AND ts < fromUnixTimestamp64Milli({untilMs:Int64}, 'UTC')
         GROUP BY stack_id`,
      ),
    );
    same(name, planned.result[0]?.total, flat.result[0]?.total);
    const note = `${planned.result[0]?.stacks} stacks`;
    figures.push(
      { name, value: planned.ms, unit: 'ms', note },
      { name: `${name}.flat`, value: flat.ms, unit: 'ms' },
      { name: `${name}.ratio`, value: flat.ms / planned.ms, unit: 'x', bar },
    );
  }
  return figures;
}

interface Sums {
  stacks: string;
  total: string;
}

/** The busy service over 6 h: names joined, rows as JSON, the tree as a Map of Maps. */
async function timeJsonTree(store: Store, { untilMs }: StoreFleet): Promise<Timed<number>> {
  const sql = `SELECT Stack AS stack, v AS value FROM (
      SELECT StackHash, sum(Value) AS v FROM coroot_samples
      WHERE ServiceName = '${BUSY}' AND Type = '${CPU_PROFILE_TYPE}'
        AND Start >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC')
        AND Start < fromUnixTimestamp64Milli({untilMs:Int64}, 'UTC')
      GROUP BY StackHash
    ) AS samples
    INNER JOIN (
      SELECT Hash, any(Stack) AS Stack FROM coroot_stacks WHERE ServiceName = '${BUSY}' GROUP BY Hash
    ) AS stacks ON samples.StackHash = stacks.Hash`;
  const params = { fromMs: untilMs - 6 * HOUR_MS, untilMs };
  return timed(async () => jsonTreeOf(await store.rows<JsonStack>(sql, { params })).total);
}

async function httpFigures(
  url: string,
  { untilMs, plan }: StoreFleet,
  { total }: Loaded,
  jsonTree: Timed<number>,
): Promise<Figure[]> {
  const get = async (path: string, hours: number, params: Record<string, string>) => {
    const range = { from: String(untilMs - hours * HOUR_MS), until: String(untilMs) };
    const response = await fetch(`${url}${path}?${new URLSearchParams({ ...range, ...params })}`, {
      headers: { accept: path === API.flamegraph ? FLAME_CONTENT_TYPE : 'application/json' },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const json = async <T>(...args: Parameters<typeof get>) =>
    (await (await get(...args)).json()) as T;
  const flame = async (query: string, hours: number) => {
    const response = await get(API.flamegraph, hours, { query });
    return decodeFlame(new Uint8Array(await response.arrayBuffer())).tree.total[0] as number;
  };
  const everything = `${CPU_PROFILE_TYPE}{}`;
  const busy = `${CPU_PROFILE_TYPE}{service_name="${BUSY}"}`;

  say('questions over HTTP …');
  same('flame graph of everything', await flame(everything, 7 * 24), Number(total));
  const fleetFlame = await timed(() => flame(everything, 1));
  const busyFlame = await timed(() => flame(busy, 6));
  same('flame graph as JSON', jsonTree.result, busyFlame.result);
  const functions = await timed(() =>
    json<FunctionsResponse>(API.functions, 24, { query: everything, limit: '100' }),
  );
  same('functions', functions.result.functions.length, 100);
  const series = await timed(() => json<SeriesResponse>(API.series, 24, { query: busy }));
  const values = await timed(() =>
    json<LabelValuesResponse>(API.labelValues('pod'), 24, { query: busy }),
  );
  same('label values', values.result.values.length, plan.pods);
  const ms = (name: string, { ms }: Timed<unknown>, bar: string): Figure => ({
    name,
    value: ms,
    unit: 'ms',
    bar,
  });
  return [
    ms('http.flame_fleet_1h', fleetFlame, '<= 1500'),
    ms('http.flame_busy_6h', busyFlame, '<= 250'),
    { name: 'flame_busy_6h.json_map', value: jsonTree.ms, unit: 'ms' },
    { name: 'flame_busy_6h.ratio', value: jsonTree.ms / busyFlame.ms, unit: 'x', bar: '>= 4' },
    ms('http.functions_fleet_24h', functions, '<= 100'),
    ms('http.series_busy_24h', series, '<= 20'),
    ms('http.label_values_24h', values, '<= 5'),
  ];
}

interface Timed<T> {
  /** Median of the warm runs. */
  ms: number;
  /** Of the last run. */
  result: T;
}

/** Two runs to warm up, then the ones that count. */
async function timed<T>(run: () => Promise<T>): Promise<Timed<T>> {
  await run();
  let result = await run();
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const begin = performance.now();
    result = await run();
    times.push(performance.now() - begin);
  }
  return { ms: median(times), result };
}

/** A fast wrong answer is worth nothing. */
function same(what: string, got: unknown, expected: unknown): void {
  if (got !== expected) throw new Error(`${what}: ${got} is not ${expected}`);
}

function say(what: string): void {
  console.log(what);
}
