import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestServer, tempDir } from '../testing/test-server.ts';
import type { Store } from './store.ts';

const dataDir = tempDir();
let server: TestServer;
before(async () => {
  server = await TestServer.start({ BUNSEN_DATA_DIR: dataDir });
});
after(() => server.close());

async function restart(days: { raw: number; hourly: number; daily: number }): Promise<void> {
  await server.close();
  server = await TestServer.start({
    BUNSEN_DATA_DIR: dataDir,
    BUNSEN_RETENTION_RAW_DAYS: `${days.raw}`,
    BUNSEN_RETENTION_HOURLY_DAYS: `${days.hourly}`,
    BUNSEN_RETENTION_DAILY_DAYS: `${days.daily}`,
    BUNSEN_MAX_AGE_MS: '3600000',
  });
}

/** Days of each table's TTL. */
async function days(store: Store): Promise<Record<string, number>> {
  const rows = await store.rows<{ name: string; days: number }>(
    `SELECT name, toUInt32(extract(engine_full, 'TTL .* \\\\+ toIntervalDay\\\\((\\\\d+)\\\\)')) AS days
     FROM system.tables WHERE database = currentDatabase() AND position(engine_full, ' TTL ') > 0`,
  );
  return Object.fromEntries(rows.map(({ name, days }) => [name, days]));
}

/** A sample of some days ago, in a part of its own. */
async function insertSample(store: Store, ageDays: number): Promise<void> {
  await store.command(
    `INSERT INTO samples SELECT 'anonymous', 'aged', 'cpu', toStartOfHour(now() - INTERVAL ${ageDays} DAY), 1, 1, 0, ${ageDays}, 1`,
  );
}

/** Ages of the samples that are there, once the merges have taken away what has expired. */
async function ages(store: Store): Promise<number[]> {
  await store.command('OPTIMIZE TABLE samples FINAL');
  const rows = await store.rows<{ value: string }>(
    `SELECT value FROM samples WHERE service = 'aged' ORDER BY value`,
  );
  return rows.map(({ value }) => Number(value));
}

test('by default the tables keep what the README says, and what is referred to longer', async () => {
  assert.deepEqual(await days(server.app.store), {
    samples: 14,
    span_samples: 14,
    function_minutes: 14,
    samples_1h: 90,
    function_hours: 90,
    profiles: 90,
    adhoc_profiles: 90,
    agent_reports: 14,
    samples_1d: 400,
    function_days: 400,
    rollup_state: 400,
    series: 128,
    stacks: 438,
    functions: 438,
  });
});

test('another value at a restart: the tables have it, and so have the parts that are there', async () => {
  await restart({ raw: 30, hourly: 90, daily: 400 });
  assert.equal((await days(server.app.store))['samples'], 30);
  for (const age of [25, 10, 3]) await insertSample(server.app.store, age);
  assert.deepEqual(await ages(server.app.store), [3, 10, 25]);

  await restart({ raw: 15, hourly: 20, daily: 50 });
  assert.deepEqual(await ages(server.app.store), [3, 10]);
  const { samples, profiles, samples_1d, stacks } = await days(server.app.store);
  assert.deepEqual([samples, profiles, samples_1d, stacks], [15, 20, 50, 88]);

  // Longer: what is there would expire as it was written, were its time not computed anew.
  await restart({ raw: 60, hourly: 90, daily: 400 });
  const [part] = await server.app.store.rows<{ days: number }>(
    `SELECT toUInt32(round((max(delete_ttl_info_max) - max(max_time)) / 86400)) AS days FROM system.parts
     WHERE database = currentDatabase() AND table = 'samples' AND active`,
  );
  assert.equal(part?.days, 60);
  assert.deepEqual(await ages(server.app.store), [3, 10]);
});
