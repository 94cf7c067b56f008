import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CPU_PROFILE_TYPE, decodePprof } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { TestServer } from '../testing/test-server.ts';
import { hashTexts } from './content-hash.ts';
import { encodeBatch, mondayOf, type ProfileBatch, PUSH_TABLES } from './profile-batch.ts';
import { ProfileStore } from './profile-store.ts';
import { SeenSet } from './seen-set.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

function batchOf(
  key: string,
  service: string,
  folded: string,
  seen = new SeenSet(64),
): ProfileBatch {
  const profile = decodePprof(pprofOf(folded, { labels: { service_name: service } }));
  return encodeBatch(
    { profile, types: [CPU_PROFILE_TYPE], timeMs: Date.now(), pushId: hashTexts([key]) },
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

test('a push that a crash left in some of the tables is completed, and never doubled', async () => {
  const store = new ProfileStore(server.app.store);
  const all = 2 ** PUSH_TABLES.length - 1;
  const whole = PUSH_TABLES.map(() => 7e7);
  for (let subset = 0; subset <= all; subset++) {
    const service = `subset-${subset}`;
    const batch = batchOf(`key-${subset}`, service, 'main;a 3\nmain;b 4');
    for (const [i, table] of PUSH_TABLES.entries()) {
      if ((subset & (1 << i)) === 0) continue;
      // What the interrupted push had done: an insert of its own per table.
      const columns: Record<string, string> = {
        samples: 'tenant, service, type, h, stack_id, series, slot, value, unit',
        samples_1h: 'tenant, service, type, h, stack_id, total',
        profiles: 'tenant, service, type, series, ts, total, n',
        function_minutes: 'tenant, service, type, function_id, version, self, total, minute',
        function_hours: 'tenant, service, type, function_id, version, self, total, h',
      };
      await server.app.store.insertNative(table, [columns[table] as string], batch.tables[table]);
    }
    assert.deepEqual(await store.write(batch), { duplicate: subset === all });
    assert.deepEqual(await sums(service), whole);
    assert.deepEqual(await store.write(batch), { duplicate: true });
    assert.deepEqual(await sums(service), whole);
  }
});

test('a large push is one part in every table', async () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `main;f${i % 1000};g${i} 1`).join('\n');
  const batch = batchOf('large', 'large', lines);
  await server.app.store.command('SYSTEM STOP MERGES');
  await new ProfileStore(server.app.store).write(batch);
  const parts = await server.app.store.rows<{ table: string; parts: number }>(
    `SELECT table, toUInt32(uniqExact(_part)) AS parts FROM (
       SELECT 'samples' AS table, _part FROM samples WHERE service = 'large'
       UNION ALL SELECT 'samples_1h', _part FROM samples_1h WHERE service = 'large'
       UNION ALL SELECT 'profiles', _part FROM profiles WHERE service = 'large'
       UNION ALL SELECT 'function_minutes', _part FROM function_minutes WHERE service = 'large'
       UNION ALL SELECT 'function_hours', _part FROM function_hours WHERE service = 'large'
     ) GROUP BY table ORDER BY table`,
  );
  await server.app.store.command('SYSTEM START MERGES');
  assert.deepEqual(
    parts,
    [...PUSH_TABLES].sort().map((table) => ({ table, parts: 1 })),
  );
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
