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

function batchOf(
  key: string,
  service: string,
  folded: string,
  seen = new SeenSet(64),
): ProfileBatch {
  const profile = decodePprof(pprofOf(folded, { labels: { service_name: service } }));
  return encodeBatch(
    { profile, types: [CPU_PROFILE_TYPE], timeMs: TIME_MS, pushId: hashTexts([key]) },
    seen,
  );
}

/** Sum of a service's values in each of the tables. */
async function sums(service: string): Promise<number[]> {
  const rows = await server.app.store.rows<Record<string, number>>(
    `SELECT toFloat64((SELECT sum(value * unit) FROM samples WHERE service = {service:String})) AS a,
       toFloat64((SELECT sum(total) FROM samples_1h WHERE service = {service:String})) AS b,
       toFloat64((SELECT sum(total) FROM profiles WHERE service = {service:String})) AS c,
       toFloat64((SELECT sum(self) FROM function_minutes WHERE service = {service:String})) AS d,
       toFloat64((SELECT sum(self) FROM function_hours WHERE service = {service:String})) AS e`,
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
    samples_1h: 'tenant, service, type, h, stack_id, total',
    profiles: 'tenant, service, type, series, ts, total, n',
    function_minutes: 'tenant, service, type, function_id, version, self, total, minute',
    function_hours: 'tenant, service, type, function_id, version, self, total, h',
  };
  await server.app.store.insertNative(table, [columns[table] as string], [batch.tables[table]]);
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
  const store = new ProfileStore(server.app.store);
  const pushes = await leftovers('alone');
  for (const { service, batch } of pushes) {
    assert.deepEqual(await store.write(batch), { duplicate: batch === pushes.at(-1)?.batch });
    assert.deepEqual(await sums(service), everySum(7e7));
    assert.deepEqual(await store.write(batch), { duplicate: true });
    assert.deepEqual(await sums(service), everySum(7e7));
  }
});

test('and so are all of them as one group, among new pushes', async () => {
  const store = new ProfileStore(server.app.store);
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
  const store = new ProfileStore(server.app.store);
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

test('a push that the store refuses does not take its group along', async () => {
  const store = new ProfileStore(server.app.store);
  const broken = batchOf('broken', 'broken', 'main 1');
  broken.tables.samples_1h = broken.tables.samples_1h.subarray(0, -3);
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
  await new ProfileStore(server.app.store).write(batch);
  const parts = await partsOf('large');
  await server.app.store.command('SYSTEM START MERGES');
  assert.deepEqual(parts, everyTable(1));
});

test('stacks and series are written when they are not known yet, and again in another week', () => {
  const seen = new SeenSet(1024);
  const first = batchOf('a', 'weekly', 'main;a 1\nmain;b 1', seen);
  // Two stacks, one series, and the functions main, a, b and the one of samples without a stack.
  assert.equal(first.newKeys.length, 7);
  for (const key of first.newKeys) seen.add(key);
  const second = batchOf('b', 'weekly', 'main;a 1\nmain;c 1', seen);
  assert.equal(second.newKeys.length, 2); // a stack, a function
  assert.equal(second.series.length, 0);
  const other = batchOf('c', 'another', 'main;a 1', seen);
  assert.equal(other.newKeys.length, 2); // by service, so that a service's stacks are read together
  assert.equal(other.functions, undefined); // by name alone: services share functions
});

test('functions are summed by version and minute, and have their names', async () => {
  const store = new ProfileStore(server.app.store);
  const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  const push = (offsetS: number, version: string, folded: string) => {
    const timeMs = hour + offsetS * 1000;
    const labels = { service_name: 'versions', pod: 'p', ...(version !== '' && { version }) };
    const profile = decodePprof(pprofOf(folded, { labels, timeMs }));
    const pushId = hashTexts([`versions-${offsetS}-${version}`]);
    return store.write(
      encodeBatch({ profile, types: [CPU_PROFILE_TYPE], timeMs, pushId }, store.seen),
    );
  };
  await push(5, '1', 'main;f;f 1');
  await push(50, '1', 'main;f 2');
  await push(65, '1', 'main 4');
  await push(70, '', 'main;f 8');
  await server.app.store.command('OPTIMIZE TABLE function_hours FINAL');
  const sumsOf = (table: string, time: string) =>
    server.app.store.rows(
      `SELECT toFloat64(toUInt32(${time}) - ${hour / 1000}) AS s, version,
         splitByChar('\x1f', name.function)[1] AS f,
         toFloat64(sum(self)) / 1e7 AS self, toFloat64(sum(total)) / 1e7 AS total
       FROM ${table} INNER JOIN (SELECT DISTINCT function_id, function FROM functions) AS name
         USING function_id
       WHERE service = 'versions' GROUP BY ALL ORDER BY s, version, f`,
    );
  assert.deepEqual(await sumsOf('function_minutes', 'minute'), [
    { s: 0, version: '1', f: 'f', self: 3, total: 3 },
    { s: 0, version: '1', f: 'main', self: 0, total: 3 },
    { s: 60, version: '', f: 'f', self: 8, total: 8 },
    { s: 60, version: '', f: 'main', self: 0, total: 8 },
    { s: 60, version: '1', f: 'main', self: 4, total: 4 },
  ]);
  assert.deepEqual(await sumsOf('function_hours', 'h'), [
    { s: 0, version: '', f: 'f', self: 8, total: 8 },
    { s: 0, version: '', f: 'main', self: 0, total: 8 },
    { s: 0, version: '1', f: 'f', self: 3, total: 3 },
    { s: 0, version: '1', f: 'main', self: 4, total: 7 },
  ]);
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
