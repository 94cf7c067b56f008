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
       toFloat64((SELECT sum(total) FROM profiles WHERE service = {service:String})) AS c`,
    { params: { service } },
  );
  return Object.values(rows[0] ?? {});
}

test('a push that a crash left in some of the tables is completed, and never doubled', async () => {
  const store = new ProfileStore(server.app.store);
  for (let subset = 0; subset < 8; subset++) {
    const service = `subset-${subset}`;
    const batch = batchOf(`key-${subset}`, service, 'main;a 3\nmain;b 4');
    for (const [i, table] of PUSH_TABLES.entries()) {
      if ((subset & (1 << i)) === 0) continue;
      // What the interrupted push had done: an insert of its own per table.
      const columns: Record<string, string> = {
        samples: 'tenant, service, type, h, stack_id, series, slot, value, unit',
        samples_1h: 'tenant, service, type, h, stack_id, total',
        profiles: 'tenant, service, type, series, ts, total, n',
      };
      await server.app.store.insertNative(table, [columns[table] as string], batch.tables[table]);
    }
    assert.deepEqual(await store.write(batch), { duplicate: subset === 7 });
    assert.deepEqual(await sums(service), [7e7, 7e7, 7e7]);
    assert.deepEqual(await store.write(batch), { duplicate: true });
    assert.deepEqual(await sums(service), [7e7, 7e7, 7e7]);
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
  assert.equal(first.newKeys.length, 3); // two stacks, one series
  for (const key of first.newKeys) seen.add(key);
  const second = batchOf('b', 'weekly', 'main;a 1\nmain;c 1', seen);
  assert.equal(second.newKeys.length, 1);
  assert.equal(second.series.length, 0);
  const other = batchOf('c', 'another', 'main;a 1', seen);
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
