// The store against what one would write first, and against the best-known open layout: the same made-up
// fleet in all of them, in one run. README.md says what each line means.
import type { BatchSource } from '@bunsen/server/store/profile-batch';
import type { Store } from '@bunsen/server/store/store';
import { startServer, temporaryFolder } from '../harness.ts';
import { type Embedded, openEmbedded } from './open-embedded.ts';
import { cpuSecondsOf, treeRssMb } from './process-stats.ts';
import { Cleanups, type Figure, parseSize, report } from './report.ts';
import { StoreFleet } from './store-fleet.ts';
import { insertFigures } from './store-insert.ts';
import {
  createCoroot,
  FLAT_TABLE,
  fillCoroot,
  optimize,
  sizesOf,
  type TableSize,
} from './store-layouts.ts';
import { type Loaded, load } from './store-load.ts';
import { httpFigures, mergeFigures, same, timeJsonTree } from './store-questions.ts';

const SEED = 1;
const PROGRESS_MS = 10_000;
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
  await createCoroot(store);
  const loaded: Loaded = { pushes: 0, rows: 0, total: 0n };
  for (const [part, pushes] of [
    ['hour', fleet.fleetHour()],
    ['days', fleet.busyDays()],
  ] as const) {
    await loadPart(embedded, part, { pushes, loaded, figures });
    say("the same rows in Coroot's layout …");
    await fillCoroot(store, part === 'days' ? fleet.hourMs : fleet.untilMs);
    const [copied] = await store.rows<{ total: string }>(
      'SELECT sum(Value) AS total FROM coroot_samples',
    );
    same("rows in Coroot's layout", copied?.total, String(loaded.total));
    await optimize(store, say);
    figures.push(...diskFigures(await sizesOf(store), loaded, part));
  }
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

/** A part of the data, and what the server would have summed up meanwhile. */
async function loadPart(
  { store, profiles, rollups }: Embedded,
  part: string,
  { pushes, loaded, figures }: { pushes: Iterable<BatchSource>; loaded: Loaded; figures: Figure[] },
): Promise<void> {
  const before = usageOf(store);
  let said = before.ms;
  const {
    rows,
    pushes: count,
    total,
  } = await load(store, profiles, pushes, (progress) => {
    const nowMs = performance.now();
    if (nowMs - said < PROGRESS_MS) return;
    said = nowMs;
    const seconds = Math.round((nowMs - before.ms) / 1000);
    const memory = Math.round(treeRssMb(process.pid));
    say(`loading ${part}: ${(progress.rows / 1e6).toFixed(1)} M rows, ${seconds} s, ${memory} MB`);
  });
  const after = usageOf(store);
  say(`rollups of ${part} …`);
  await rollups.makeAll();
  const rolledUp = usageOf(store);
  const figure = (name: string, value: number, unit: string, note = ''): Figure => ({
    name: `load.${part}.${name}`,
    value,
    unit,
    note,
  });
  figures.push(
    figure('rows', rows, 'rows', `${count} pushes`),
    figure('rate', (rows / (after.ms - before.ms)) * 1000, 'rows/s', 'the flat table beside it'),
    figure('own_cpu', (after.ownMicros - before.ownMicros) / rows, 'µs a row'),
    figure('store_cpu', (after.storeMicros - before.storeMicros) / rows, 'µs a row'),
    figure('rss', treeRssMb(process.pid), 'MB', 'bench and store'),
    figure('rollups', (rolledUp.ms - after.ms) / 1000, 's'),
    figure('rollups_cpu', (rolledUp.storeMicros - after.storeMicros) / rows, 'µs a row'),
  );
  loaded.pushes += count;
  loaded.rows += rows;
  loaded.total += total;
}

/** The clock, and the CPU time of this process and of the store. */
function usageOf(store: Store): { ms: number; ownMicros: number; storeMicros: number } {
  const { user, system } = process.cpuUsage();
  const storeMicros = cpuSecondsOf(store.embeddedPid as number) * 1e6;
  return { ms: performance.now(), ownMicros: user + system, storeMicros };
}

/** @param part `hour`, after which there is the fleet's hour alone, or `days`: then everything */
function diskFigures(
  sizes: Map<string, TableSize>,
  { rows }: Loaded,
  part: 'hour' | 'days',
): Figure[] {
  const disk = part === 'hour' ? 'disk.hour' : 'disk';
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
        perSample(`${disk}.${table}`, bytes, `${own} rows`),
        ...columns
          .filter((column) => column.bytes / rows >= LISTED)
          .map((column) => perSample(`${disk}.${table}.${column.column}`, column.bytes)),
      ]);
  const all = own.reduce((sum, { bytes }) => sum + bytes, 0);
  const coroot = sizeOf('coroot_samples').bytes;
  const [stacks, corootStacks] = [sizeOf('stacks'), sizeOf('coroot_stacks')];
  return [
    ...broken([...own, sizeOf('coroot_samples'), sizeOf('flat')]),
    perSample(`${disk}.all`, all, 'without stacks'),
    { name: `${disk}.ratio`, value: all / coroot, unit: 'x Coroot', bar: '<= 0.30' },
    {
      name: `${disk}.ratio_with_stacks`,
      value: (all + stacks.bytes) / (coroot + corootStacks.bytes),
      unit: 'x Coroot',
    },
    {
      name: `${disk}.stack`,
      value: stacks.bytes / stacks.rows,
      unit: 'B a stack',
      bar: '<= 65',
      note: `${stacks.rows} of a service and week`,
    },
    {
      name: `${disk}.coroot_stack`,
      value: corootStacks.bytes / corootStacks.rows,
      unit: 'B a stack',
      note: `${corootStacks.rows} distinct`,
    },
  ];
}

function say(what: string): void {
  console.log(what);
}
