import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CPU_PROFILE_TYPE, decodePprof } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { TestServer } from '../testing/test-server.ts';
import { hashTexts } from './content-hash.ts';
import {
  encodeBatch,
  mondayOf,
  type ProfileBatch,
  PUSH_TABLES,
  type PushTable,
  SPAN_WORDS,
} from './profile-batch.ts';
import { ProfileStore } from './profile-store.ts';
import { SeenSet } from './seen-set.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

/** The same for all pushes, so that no hour ends between two that are to be one group. */
const TIME_MS = Date.now();

/** A push all of whose samples are of one span, so that every table has the same sums. */
function batchOf(
  key: string,
  service: string,
  folded: string,
  {
    seen = new SeenSet(64),
    span = 5n,
    timeMs = TIME_MS,
  }: { seen?: SeenSet; span?: bigint; timeMs?: number } = {},
): ProfileBatch {
  const profile = decodePprof(pprofOf(folded, { labels: { service_name: service } }));
  const spans = new BigUint64Array(profile.sampleStack.length * SPAN_WORDS).fill(span);
  return encodeBatch(
    { profile, types: [CPU_PROFILE_TYPE], timeMs, pushId: hashTexts([key]), spans },
    seen,
  );
}

/** Sum of a service's values in each of the tables. */
async function sums(service: string): Promise<number[]> {
  const rows = await server.app.store.rows<Record<string, number>>(
    `SELECT toFloat64((SELECT sum(value * unit) FROM samples WHERE service = {service:String})) AS a,
       toFloat64((SELECT sum(total) FROM profiles WHERE service = {service:String})) AS b,
       toFloat64((SELECT sum(value * unit) FROM span_samples WHERE service = {service:String})) AS c`,
    { params: { service } },
  );
  return Object.values(rows[0] ?? {});
}

/** Parts in which a service's rows lie, by table. */
async function partsOf(service: string): Promise<Record<string, number>> {
  const rows = await server.app.store.rows<{ name: string; parts: number }>(
    PUSH_TABLES.map(
      (table) =>
        `SELECT '${table}' AS name, toUInt32(uniqExact(_part)) AS parts FROM ${table} WHERE service = {service:String}`,
    ).join(' UNION ALL '),
    { params: { service } },
  );
  return Object.fromEntries(rows.map(({ name, parts }) => [name, parts]));
}

/** What an interrupted push had done: the insert into one of the tables. */
async function insertInto(table: PushTable, batch: ProfileBatch): Promise<void> {
  const columns: Record<string, string> = {
    samples: 'tenant, service, type, h, stack_id, series, slot, value, unit',
    profiles: 'tenant, service, type, series, ts, total, n',
    span_samples:
      'tenant, service, type, h, span_id, trace_id, stack_id, series, slot, value, unit',
  };
  const blocks = [batch.tables[table] as Uint8Array];
  await server.app.store.insertNative(table, [columns[table] as string], blocks);
}

/** Every way in which a crash can leave a push in the tables, as a push each; the last is whole. */
async function leftovers(name: string): Promise<{ service: string; batch: ProfileBatch }[]> {
  const pushes = [];
  for (let subset = 0; subset < 1 << PUSH_TABLES.length; subset++) {
    const service = `${name}-${subset}`;
    const batch = batchOf(service, service, 'main;a 3\nmain;b 4');
    for (const [i, table] of PUSH_TABLES.entries()) {
      if (subset & (1 << i)) await insertInto(table, batch);
    }
    pushes.push({ service, batch });
  }
  return pushes;
}

/** What `sums` gives where every table has the same. */
const everySum = (sum: number) => PUSH_TABLES.map(() => sum);
/** What `partsOf` gives where every table has the same. */
const everyTable = (parts: number) =>
  Object.fromEntries(PUSH_TABLES.map((table) => [table, parts]));

test('a push that a crash left in some of the tables is completed, and never doubled', async () => {
  const store = new ProfileStore(server.app.store, server.app.rollups);
  const pushes = await leftovers('alone');
  for (const { service, batch } of pushes) {
    assert.deepEqual(await store.write(batch), { duplicate: batch === pushes.at(-1)?.batch });
    assert.deepEqual(await sums(service), everySum(7e7));
    assert.deepEqual(await store.write(batch), { duplicate: true });
    assert.deepEqual(await sums(service), everySum(7e7));
  }
});

test('a push is known again at any millisecond of its hour', async () => {
  const store = new ProfileStore(server.app.store, server.app.rollups);
  const hourMs = Math.floor(TIME_MS / 3_600_000 - 1) * 3_600_000;
  for (const ms of [0, 1, 999, 3_598_999, 3_599_000, 3_599_001, 3_599_500, 3_599_999]) {
    const service = `hour-${ms}`;
    const batch = batchOf(service, service, 'main;a 7', { timeMs: hourMs + ms });
    for (const duplicate of [false, true, true]) {
      assert.deepEqual(await store.write(batch), { duplicate }, `${ms}`);
      assert.deepEqual(await sums(service), everySum(7e7), `${ms}`);
    }
  }
});

test('and so are all of them as one group, among new pushes', async () => {
  const store = new ProfileStore(server.app.store, server.app.rollups);
  const pushes = await leftovers('group');
  for (const service of ['group-new-1', 'group-new-2']) {
    pushes.unshift({ service, batch: batchOf(service, service, 'main;a 3\nmain;b 4') });
  }
  const first = store.write(batchOf('first', 'first', 'main 1')); // meanwhile the others gather
  const results = await Promise.all(pushes.map(({ batch }) => store.write(batch)));
  await first;
  assert.deepEqual(
    results.map(({ duplicate }) => duplicate),
    pushes.map((_, i) => i === pushes.length - 1),
  );
  const again = await Promise.all(pushes.map(({ batch }) => store.write(batch)));
  assert.ok(again.every(({ duplicate }) => duplicate));
  for (const { service } of pushes) assert.deepEqual(await sums(service), everySum(7e7));
});

test('pushes that come together are one part in every table', async () => {
  await server.app.store.command('SYSTEM STOP MERGES');
  const store = new ProfileStore(server.app.store, server.app.rollups);
  await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      store.write(batchOf(`together-${i}`, 'together', `main;f${i} 1`)),
    ),
  );
  // The first one found nobody to wait for.
  assert.deepEqual(await partsOf('together'), everyTable(2));
  await server.app.store.command('SYSTEM START MERGES');
  assert.deepEqual(await sums('together'), everySum(1e9));
});

test('a push without spans has nothing in the table of spans, also in a group with one that has', async () => {
  const store = new ProfileStore(server.app.store, server.app.rollups);
  const marks = async () => {
    const [row] = await server.app.store.rows<{ n: string }>(
      `SELECT count() AS n FROM span_samples WHERE service = ''`,
    );
    return Number(row?.n);
  };
  const before = await marks();
  const plain = () => batchOf('plain', 'plain', 'main 3', { span: 0n });
  assert.equal(plain().tables.span_samples, undefined);
  assert.deepEqual(await store.write(plain()), { duplicate: false });
  assert.deepEqual(await store.write(plain()), { duplicate: true });
  assert.deepEqual(await sums('plain'), [3e7, 3e7, 0]);
  assert.equal(await marks(), before);

  const first = store.write(batchOf('mixed-0', 'mixed-0', 'main 1', { span: 0n }));
  const mixed = [0n, 7n].map((span, i) =>
    batchOf(`mixed-${i + 1}`, `mixed-${i + 1}`, 'main 2', { span }),
  );
  for (const duplicate of [false, true]) {
    const results = await Promise.all(mixed.map((batch) => store.write(batch)));
    assert.deepEqual(results, [{ duplicate }, { duplicate }]);
  }
  await first;
  assert.deepEqual(await sums('mixed-1'), [2e7, 2e7, 0]);
  assert.deepEqual(await sums('mixed-2'), everySum(2e7));
  assert.equal(await marks(), before + 1);
});

test('a push that the store refuses does not take its group along', async () => {
  const store = new ProfileStore(server.app.store, server.app.rollups);
  const broken = batchOf('broken', 'broken', 'main 1');
  broken.tables.profiles = broken.tables.profiles.subarray(0, -3);
  const first = store.write(batchOf('before', 'before', 'main 1'));
  const good = [1, 2, 3].map((i) => batchOf(`good-${i}`, 'good', 'main 1'));
  const [refused, ...written] = await Promise.allSettled(
    [broken, ...good].map((batch) => store.write(batch)),
  );
  await first;
  assert.equal(refused?.status, 'rejected');
  assert.deepEqual(
    written.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual(await sums('good'), everySum(3e7));
});

test('a large push is one part in every table', async () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `main;f${i % 1000};g${i} 1`).join('\n');
  const batch = batchOf('large', 'large', lines);
  await server.app.store.command('SYSTEM STOP MERGES');
  await new ProfileStore(server.app.store, server.app.rollups).write(batch);
  const parts = await partsOf('large');
  await server.app.store.command('SYSTEM START MERGES');
  assert.deepEqual(parts, everyTable(1));
});

test('stacks and series are written when they are not known yet, and again in another week', () => {
  const seen = new SeenSet(1024);
  const first = batchOf('a', 'weekly', 'main;a 1\nmain;b 1', { seen });
  assert.equal(first.newKeys.length, 3); // two stacks, a series
  for (const key of first.newKeys) seen.add(key);
  const second = batchOf('b', 'weekly', 'main;a 1\nmain;c 1', { seen });
  assert.equal(second.newKeys.length, 1);
  assert.equal(second.series.length, 0);
  const other = batchOf('c', 'another', 'main;a 1', { seen });
  assert.equal(other.newKeys.length, 2); // by service, so that a service's stacks are read together
});

test('values are stored in periods where all of them are multiples', () => {
  const units = (period: number, folded: string) => {
    const bytes = pprofOf(folded, { period: 1 });
    const profile = { ...decodePprof(bytes), period: BigInt(period) };
    const batch = encodeBatch(
      { profile, types: [CPU_PROFILE_TYPE], timeMs: 0, pushId: 1n },
      new SeenSet(64),
    );
    return batch.tables.samples.length;
  };
  assert.ok(units(10, 'a 20\nb 30') > 0);
  assert.ok(units(10, 'a 20\nb 31') > 0);
});

test('a week begins on Monday', () => {
  const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / 86_400_000;
  assert.equal(mondayOf(Date.parse('2026-11-22T23:59:59.999Z')), day('2026-11-16'));
  assert.equal(mondayOf(Date.parse('2026-11-23T00:00:00Z')), day('2026-11-23'));
});
