import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CPU_PROFILE_TYPE, decodePprof, type Profile } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { TestServer } from '../testing/test-server.ts';
import { hashTexts } from './content-hash.ts';
import { encodeBatch } from './profile-batch.ts';
import { ProfileStore } from './profile-store.ts';
import { SeenSet } from './seen-set.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The beginning of the day before yesterday: all of it is over. */
const T0 = (Math.floor(Date.now() / (24 * HOUR)) - 2) * 24 * HOUR;

let server: TestServer;
let pushes: ProfileStore;
before(async () => {
  server = await TestServer.start();
  pushes = new ProfileStore(server.app.store, server.app.rollups);
});
after(() => server.close());

interface Push {
  service: string;
  offsetMs: number;
  folded: string;
  labels?: Record<string, string>;
  change?: (profile: Profile) => Profile;
  types?: string[];
}

let pushCount = 0;

/** With a set of its own, so that its stacks are written again. */
async function push({ service, offsetMs, folded, labels, change, types }: Push): Promise<void> {
  const timeMs = T0 + offsetMs;
  const bytes = pprofOf(folded, { labels: { service_name: service, ...labels }, timeMs });
  const profile = (change ?? ((same) => same))(decodePprof(bytes));
  const pushId = hashTexts([`push ${pushCount++}`]);
  const batch = encodeBatch(
    { profile, types: types ?? [CPU_PROFILE_TYPE], timeMs, pushId },
    new SeenSet(64),
  );
  await pushes.write(batch);
}

const { rows, command } = {
  rows: (sql: string) => server.app.store.rows(sql),
  command: (sql: string) => server.app.store.command(sql),
};

/** A service's functions, in samples: `+65 v1 f 1/3`, seconds after T0, self/total. */
async function functionsIn(table: string, time: string, service: string): Promise<unknown[]> {
  const found = await rows(
    `SELECT concat('+', toString(toUnixTimestamp(${time}) - ${T0 / 1000}), ' v', version, ' ',
         splitByChar('\x1f', name.function)[1], ' ', toString(s / 1e7), '/', toString(t / 1e7)) AS line
     FROM (SELECT ${time}, version, function_id, sum(self) AS s, sum(total) AS t FROM ${table}
       WHERE service = '${service}' GROUP BY ALL HAVING s != 0 OR t != 0) AS sums
     LEFT JOIN (SELECT DISTINCT function_id, function FROM functions) AS name USING function_id
     ORDER BY line`,
  );
  return found.map((row) => (row as { line: string }).line);
}

async function stacksIn(table: string, service: string): Promise<unknown> {
  const [row] = await rows(
    `SELECT toFloat64(sum(total)) AS total, toUInt32(uniqExact(stack_id)) AS stacks
     FROM ${table} WHERE service = '${service}'`,
  );
  return row;
}

test('functions are summed by version and time; total counts a stack once, self is of its leaf', async () => {
  const service = 'versions';
  await push({
    service,
    offsetMs: 5_000,
    folded: 'main;f;f 1',
    labels: { version: '1', pod: 'a' },
  });
  await push({ service, offsetMs: 50_000, folded: 'main;f 2', labels: { version: '1', pod: 'b' } });
  await push({ service, offsetMs: 65_000, folded: 'main 4', labels: { 'service.version': '1' } });
  await push({ service, offsetMs: HOUR, folded: 'main;f 8' });
  await server.app.rollups.makeAll();
  assert.deepEqual(await functionsIn('function_minutes', 'minute', service), [
    '+0 v1 f 3/3',
    '+0 v1 main 0/3',
    '+3600 v f 8/8',
    '+3600 v main 0/8',
    '+60 v1 main 4/4',
  ]);
  assert.deepEqual(await functionsIn('function_hours', 'h', service), [
    '+0 v1 f 3/3',
    '+0 v1 main 4/7',
    '+3600 v f 8/8',
    '+3600 v main 0/8',
  ]);
  assert.deepEqual(await functionsIn('function_days', 'day', service), [
    '+0 v f 8/8',
    '+0 v main 0/8',
    '+0 v1 f 3/3',
    '+0 v1 main 4/7',
  ]);
});

test('stacks are summed by hour and day, also those that were written twice', async () => {
  const service = 'stacks';
  await push({ service, offsetMs: 0, folded: 'main;a 1\nmain;b 2' });
  await push({ service, offsetMs: 59 * MINUTE, folded: 'main;a 4' });
  await push({ service, offsetMs: 3 * HOUR, folded: 'main;a 8' });
  await server.app.rollups.makeAll();
  assert.deepEqual(await stacksIn('samples_1h', service), { total: 15e7, stacks: 2 });
  assert.deepEqual(await stacksIn('samples_1d', service), { total: 15e7, stacks: 2 });
  assert.deepEqual(await functionsIn('function_days', 'day', service), [
    '+0 v a 13/13',
    '+0 v b 2/2',
    '+0 v main 0/15',
  ]);
});

test('types are summed apart, negative values too, and a sample without a stack is not lost', async () => {
  const service = 'types';
  await push({
    service,
    offsetMs: 0,
    folded: 'main;a 1\nmain;b 2\nmain;c 3',
    types: ['x:a:count:a:count', 'x:b:bytes:b:bytes'],
    change: (profile) => ({
      ...profile,
      sampleTypes: [
        { type: 'a', unit: 'count' },
        { type: 'b', unit: 'bytes' },
      ],
      stackOffsets: Uint32Array.of(0, 2, 2, 6),
      sampleValues: BigInt64Array.of(10n, -7n, 20n, 0n, 0n, 5n),
    }),
  });
  await server.app.rollups.makeAll();
  const sums = await rows(
    `SELECT substring(type, 3, 1) AS t, name.function AS f, toInt32(sum(self)) AS self, toInt32(sum(total)) AS total
     FROM function_minutes LEFT JOIN (SELECT DISTINCT function_id, splitByChar('\x1f', function)[1] AS function FROM functions) AS name
     USING function_id WHERE service = 'types' GROUP BY t, f ORDER BY t, f`,
  );
  assert.deepEqual(sums, [
    { t: 'a', f: '', self: 20, total: 20 },
    { t: 'a', f: 'a', self: 10, total: 10 },
    { t: 'a', f: 'main', self: 0, total: 10 },
    { t: 'b', f: 'a', self: -7, total: -7 },
    { t: 'b', f: 'b', self: 0, total: 5 },
    { t: 'b', f: 'c', self: 5, total: 5 },
    { t: 'b', f: 'main', self: 0, total: -2 },
  ]);
});

test('a bucket that was made too early, twice or in part is mended', async () => {
  const service = 'mended';
  const check = async (value: number) => {
    await server.app.rollups.makeAll();
    const lines = [`+0 v f ${value}/${value}`, `+0 v main 0/${value}`];
    assert.deepEqual(await functionsIn('function_minutes', 'minute', service), lines);
    assert.deepEqual(await functionsIn('function_days', 'day', service), lines);
    assert.deepEqual(await stacksIn('samples_1d', service), { total: value * 1e7, stacks: 1 });
  };
  await push({ service, offsetMs: 0, folded: 'main;f 1' });
  await check(1);
  await push({ service, offsetMs: 20_000, folded: 'main;f 2' }); // late
  await check(3);
  await check(3);
  // Two servers made it at once: all rows twice, and all pushes.
  for (const table of ['function_minutes', 'function_days', 'samples_1h', 'samples_1d']) {
    await command(`INSERT INTO ${table} SELECT * FROM ${table} WHERE service = '${service}'`);
  }
  await command(`INSERT INTO rollup_state (tenant, name, bucket, pushes)
    SELECT tenant, name, bucket, 2 * pushes FROM rollup_state FINAL`);
  await check(3);
  // Killed after a part of the rows, before it was noted that the bucket is made.
  await command(`ALTER TABLE function_minutes DELETE WHERE service = '${service}' AND self != 0
    SETTINGS mutations_sync = 2`);
  await command(`INSERT INTO rollup_state (tenant, name, bucket, pushes)
    SELECT tenant, name, bucket, 0 FROM rollup_state FINAL WHERE bucket < ${T0 / 1000} + 86400`);
  await check(3);
});

test('a bucket is settled when it has all pushes, and not while one is being written', async () => {
  const { rollups } = server.app;
  const hour = T0 + 7 * HOUR;
  await push({ service: 'settled', offsetMs: 7 * HOUR + 90_000, folded: 'main;f 1' });
  assert.equal(rollups.isSettled('samples_1h', hour), false);
  assert.equal(rollups.isSettled('function_minutes', hour), true);
  assert.equal(rollups.isSettled('function_minutes', hour + MINUTE), false);
  await rollups.makeAll();
  assert.equal(rollups.isSettled('samples_1h', hour), true);
  rollups.touch(hour + 90_000);
  assert.equal(rollups.isSettled('samples_1d', T0), false);
  assert.equal(rollups.isSettled('function_minutes', hour + MINUTE), false);
  await rollups.makeDue(); // the push came to nothing: nothing has changed
  assert.equal(rollups.isSettled('function_minutes', hour + MINUTE), true);
  const thisMinute = Math.floor(Date.now() / MINUTE) * MINUTE;
  assert.equal(rollups.isSettled('function_minutes', thisMinute), false);
});
