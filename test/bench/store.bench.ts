// The store against what one would write first, and against the best-known open layout: the same made-up
// fleet in all of them, in one run. README.md says what each line means.
import { startServer, temporaryFolder } from '../harness.ts';
import { type Embedded, openEmbedded } from './open-embedded.ts';
import { cpuSecondsOf, treeRssMb } from './process-stats.ts';
import { Cleanups, type Figure, parseSize, report } from './report.ts';
import { StoreFleet } from './store-fleet.ts';
import { insertFigures } from './store-insert.ts';
import { FLAT_TABLE, fillCoroot, optimize, sizesOf, type TableSize } from './store-layouts.ts';
import { type Loaded, load } from './store-load.ts';
import { httpFigures, mergeFigures, same, timeJsonTree } from './store-questions.ts';

const SEED = 1;
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
  say('merges …');
  figures.push(...(await mergeFigures(store, rollups, fleet)));
  const jsonTree = await timeJsonTree(store, fleet);
  await store.close();

  say('questions over HTTP …');
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

function say(what: string): void {
  console.log(what);
}
