import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  API,
  type Deletion,
  type DeletionsResponse,
  type FunctionCostsResponse,
  type FunctionsResponse,
  type LabelValuesResponse,
  type SeriesResponse,
} from '@bunsen/profile';
import { Rollups } from '../store/rollups.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, foldedOf, searchOf, TestServer, tempDir } from '../testing/test-server.ts';
import { withoutMerges } from '../testing/without-merges.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The beginning of the day before yesterday: all of it is over. */
const T0 = (Math.floor(Date.now() / DAY) - 2) * DAY;

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

function midnight(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 10)} 00:00:00`;
}

/** Two pods with a minute each in three hours; values tell them all apart. */
async function fill(
  service: string,
  afterwards = (): unknown => server.app.rollups.makeAll(),
): Promise<void> {
  for (const [i, offsetMs] of [0, 30 * MINUTE, HOUR, 5 * HOUR].entries()) {
    for (const [j, pod] of ['a', 'b'].entries()) {
      await server.push(
        pprofOf(`main;f 1\nmain;g ${10 ** (i + 1) * (j + 1)}`, {
          timeMs: T0 + offsetMs,
          labels: { service_name: service, pod },
        }),
        `${service}-${i}-${j}`,
      );
    }
  }
  await afterwards();
}

type Time = number | string;

async function remove(query: string, from: Time, until: Time): Promise<Deletion> {
  const response = await server.fetch(`${API.push}?${searchOf({ query, from, until })}`, {
    method: 'DELETE',
  });
  assert.equal(response.status, 200);
  return (await response.json()) as Deletion;
}

/** What every table has of a service, in samples: the same number, or it is named. */
async function leftOf(service: string): Promise<number> {
  const tables = ['samples_1h', 'samples_1d', 'profiles'].map(
    (table) =>
      `SELECT '${table}' AS name, sum(total) AS v FROM ${table} WHERE service = '${service}'`,
  );
  const functions = ['function_minutes', 'function_hours', 'function_days'].map(
    (table) =>
      `SELECT '${table}' AS name, sum(self) AS v FROM ${table} WHERE service = '${service}'`,
  );
  const samples = `SELECT 'samples' AS name, sum(value * unit) AS v FROM samples WHERE service = '${service}'`;
  const rows = await server.app.store.rows<{ name: string; v: number }>(
    `SELECT name, toFloat64(v) / 1e7 AS v FROM (${[samples, ...tables, ...functions].join(' UNION ALL ')})`,
  );
  const values = new Set(rows.map(({ v }) => v));
  assert.equal(values.size, 1, JSON.stringify(rows));
  return rows[0]?.v as number;
}

test('what is deleted is gone from samples, series and every rollup; the rest is as it was', async () => {
  const service = 'shop';
  await fill(service);
  await fill('other');
  const other = await leftOf('other');
  assert.equal(await leftOf(service), 8 + 3 * 11_110);
  const query = cpuQuery(`service_name="${service}", pod="b"`);
  const deletion = await remove(query, T0 + 15 * MINUTE, T0 + 2 * HOUR);
  assert.equal(deletion.state, 'done');
  assert.equal(await leftOf(service), 6 + 3 * 10_010 + 100 + 1000);
  assert.equal(await leftOf('other'), other);

  const of = cpuQuery(`service_name="${service}"`);
  const range = { from: T0, until: T0 + DAY };
  assert.deepEqual(foldedOf(await server.flame(of, range)), [
    'main;f 60000000',
    'main;g 311300000000',
  ]);
  const { functions } = await server.get<FunctionsResponse>(API.functions, { query: of, ...range });
  assert.deepEqual(
    functions.map(({ name, total }) => `${name} ${total / 1e7}`),
    ['main 31136', 'g 31130', 'f 6'],
  );
  const series = await server.get<SeriesResponse>(API.series, {
    query: of,
    ...range,
    stepMs: HOUR,
  });
  assert.deepEqual(
    series.series[0]?.values.slice(0, 6).map((value) => value && value / 1e7),
    [32 + 101, 1001, null, null, null, 30_002],
  );

  // A repeated push was stored, and does not come back.
  const again = await server.push(
    pprofOf('main;f 1\nmain;g 200', {
      timeMs: T0 + 30 * MINUTE,
      labels: { service_name: service, pod: 'b' },
    }),
    `${service}-1-1`,
  );
  assert.equal(again.duplicate, true);
  assert.equal(await leftOf(service), 31_136);

  const { deletions } = await server.get<DeletionsResponse>(API.deletions);
  assert.deepEqual(deletions[0], deletion);
});

test('rollups that are made while samples are being deleted are made again', async (t) => {
  const service = 'meanwhile';
  await fill(service);
  const { store, rollups } = server.app;
  const command = store.command.bind(store);
  let passes = 0;
  t.mock.method(store, 'command', async (...args: Parameters<typeof command>) => {
    if (args[0].startsWith('ALTER TABLE samples DELETE')) {
      // Something late makes a pass make the day, of all that is still there.
      await server.push(
        pprofOf('main;g 1', { timeMs: T0 + MINUTE, labels: { service_name: 'late' } }),
      );
      await rollups.makeAll();
      passes++;
    }
    return command(...args);
  });
  const { state } = await remove(cpuQuery(`service_name="${service}"`), T0, T0 + 3 * HOUR);
  assert.deepEqual([state, passes], ['done', 1]);
  assert.equal(await leftOf(service), 30_002);
});

test('a pass that has read what is then deleted does not have the last word', async (t) => {
  const service = 'under-way';
  await fill(service);
  await server.push(pprofOf('main;g 1', { timeMs: T0 + 90_000, labels: { service_name: 'late' } }));
  const { store, rollups } = server.app;
  const command = store.command.bind(store);
  const insertJson = store.insertJson.bind(store);
  const query = cpuQuery(`service_name="${service}"`);
  let deletion: Promise<Deletion> | undefined;
  let onDeleted = () => {};
  const deleted = new Promise<void>((resolve) => {
    onDeleted = resolve;
  });
  t.mock.method(store, 'command', async (...args: Parameters<typeof command>) => {
    await command(...args);
    if (args[0].startsWith('ALTER TABLE profiles DELETE')) onDeleted();
  });
  t.mock.method(store, 'insertJson', async (...args: Parameters<typeof insertJson>) => {
    // The pass has made its first buckets, and is about to note them.
    if (args[0] === 'rollup_state' && !deletion) {
      deletion = remove(query, T0, T0 + 3 * HOUR);
      await deleted;
    }
    return insertJson(...args);
  });
  await rollups.makeAll();
  assert.equal((await deletion)?.state, 'done');
  assert.equal(await leftOf(service), 30_002);
});

test('what another server has read before, and writes after the deletion, is taken away', async (t) => {
  const service = 'two-servers';
  const { store, rollups } = server.app;
  await fill(service, () => {});
  const command = store.command.bind(store);
  const query = cpuQuery(`service_name="${service}"`);
  let deletion: Deletion | undefined;
  t.mock.method(store, 'command', async (...args: Parameters<typeof command>) => {
    if (deletion || !args[0].startsWith('INSERT INTO samples_1h ')) return command(...args);
    t.mock.restoreAll();
    await command('CREATE TABLE late AS samples_1h');
    await command(args[0].replace('samples_1h', 'late'));
    deletion = await remove(query, T0, T0 + 3 * HOUR);
    await command('INSERT INTO samples_1h SELECT * FROM late');
  });
  await new Rollups(store, assert.fail).makeAll();
  assert.equal(deletion?.state, 'done');
  await rollups.makeAll();
  assert.equal(await leftOf(service), 30_002);
  await store.command('DROP TABLE late');
});

test('functions and stacks that are gone are not listed with zeros', async () => {
  const service = 'zeros';
  await withoutMerges(server, async () => {
    for (const [pod, folded] of [
      ['a', 'main;kept 5\nmain;cancel;plus 2'],
      ['b', 'main;secret 7'],
    ]) {
      await server.push(
        pprofOf(folded as string, {
          timeMs: T0 + 9 * HOUR,
          labels: { service_name: service, pod: pod as string, version: pod as string },
        }),
      );
    }
    // Real values may be negative, and sum up to nothing together.
    await server.app.store.command(
      `INSERT INTO samples SELECT * REPLACE (-value AS value, 77 AS stack_id)
       FROM (SELECT * FROM samples WHERE service = '${service}' AND value * unit = 20000000)`,
    );
    await server.app.store.command(
      `INSERT INTO stacks
       SELECT * REPLACE (77 AS stack_id, arrayMap(f -> replaceOne(f, 'plus', 'minus'), frames) AS frames)
       FROM (SELECT * FROM stacks WHERE service = '${service}' AND startsWith(frames[-1], 'plus'))`,
    );
    await server.app.rollups.makeAll();
    const { state } = await remove(`{service_name="${service}", pod="b"}`, T0, T0 + DAY);
    assert.equal(state, 'done');
    const query = cpuQuery(`service_name="${service}"`);
    const range = { from: T0, until: T0 + DAY };
    const { functions } = await server.get<FunctionsResponse>(API.functions, { query, ...range });
    assert.deepEqual(
      functions.map(({ name, self, total }) => `${name} ${self / 1e7}/${total / 1e7}`).sort(),
      ['kept 5/5', 'main 0/5', 'minus -2/-2', 'plus 2/2'],
    );
    const { costs } = await server.get<FunctionCostsResponse>(API.functionCosts, {
      query,
      ...range,
      function: 'main',
    });
    assert.deepEqual(
      costs.map(({ version, total }) => `${version} ${total / 1e7}`),
      ['a 5'],
    );
    assert.deepEqual(foldedOf(await server.flame(query, range)), [
      'main;cancel;minus -20000000',
      'main;cancel;plus 20000000',
      'main;kept 50000000',
    ]);
  });
});

test('whole days take the labels with them, and what is pushed again has them again', async () => {
  await fill('gone');
  const pods = async () =>
    (
      await server.get<LabelValuesResponse>(API.labelValues('pod'), {
        query: '{service_name="gone"}',
        from: T0,
        until: T0 + DAY,
      })
    ).values;
  assert.deepEqual(await pods(), ['a', 'b']);
  await remove('{service_name="gone", pod=~"b|c"}', T0, T0 + DAY);
  assert.deepEqual(await pods(), ['a']);
  assert.equal(await leftOf('gone'), 4 + 11_110);
  const pprof = pprofOf('main;f 1', { timeMs: T0, labels: { service_name: 'gone', pod: 'b' } });
  await server.push(pprof);
  assert.deepEqual(await pods(), ['a', 'b']);
});

test('what only rollups have is deleted by whole hours, or days', async () => {
  const { store } = server.app;
  const old = (Math.floor(Date.now() / DAY) - 30) * DAY;
  const oldest = (Math.floor(Date.now() / DAY) - 200) * DAY;
  const insert = (table: string, columns: string, values: string[]) =>
    store.command(
      `INSERT INTO ${table} (tenant, service, type, ${columns}) VALUES ${values
        .map((value) => `('anonymous', 'old', 't:a:count:a:count', ${value})`)
        .join(', ')}`,
    );
  const at = (ms: number) => `toDateTime(${ms / 1000}, 'UTC')`;
  await insert('samples_1h', 'h, stack_id, total', [`${at(old)}, 1, 1`, `${at(old + HOUR)}, 1, 2`]);
  await insert('samples_1d', 'day, stack_id, total', [`${at(old)}, 1, 3`, `${at(oldest)}, 1, 4`]);
  await insert('function_hours', 'h, function_id, self, total', [
    `${at(old)}, 1, 1, 1`,
    `${at(old + HOUR)}, 1, 2, 2`,
  ]);
  await insert('function_days', 'day, function_id, self, total', [
    `${at(old)}, 1, 3, 3`,
    `${at(oldest)}, 1, 4, 4`,
  ]);
  const sums = async () => {
    const [row] = await store.rows<Record<string, number>>(
      `SELECT ${['samples_1h', 'samples_1d', 'function_hours', 'function_days']
        .map(
          (table) =>
            `toUInt32((SELECT sum(total) FROM ${table} WHERE service = 'old')) AS ${table}`,
        )
        .join(', ')}`,
    );
    return Object.values(row ?? {});
  };
  assert.deepEqual(await sums(), [3, 7, 3, 7]);
  await remove('{service_name="old"}', old + HOUR, old + 2 * HOUR);
  assert.deepEqual(await sums(), [1, 5, 1, 5]);
  await remove('{service_name="old"}', oldest, oldest + DAY);
  assert.deepEqual(await sums(), [1, 1, 1, 1]);
});

test('what cannot be deleted exactly is refused, and nothing is deleted', async () => {
  const recent = T0 + HOUR;
  const old = T0 - 30 * DAY;
  const cases: [Record<string, string | number>, RegExp][] = [
    [{ query: '{}', from: recent }, /until is missing/],
    [{ query: '{}', until: recent }, /from is missing/],
    [{ from: old, until: recent }, /query is missing/],
    [
      { query: '{}', from: recent + 1, until: recent + HOUR },
      /from=\d+ is not a multiple of 15000/,
    ],
    [{ query: '{}', from: old + MINUTE, until: recent }, /from=\d+ is not a multiple of 3600000/],
    [{ query: '{}', from: T0 - 200 * DAY + HOUR, until: recent }, /not a multiple of 86400000/],
    [{ query: '{pod="a"}', from: old, until: recent }, /only sums by service are left/],
    [{ query: '{pod="a"}', from: 'now-30d', until: recent }, /from=now-30d is before \d+, where/],
    [{ query: '{}', from: 'now-1h', until: recent + 1 }, /until \(.* is not after from/],
    [{ query: '{}', from: 'now', until: 'now' }, /until \(.* is not after from/],
  ];
  for (const [params, message] of cases) {
    const refusal = await server.refusal(`${API.push}?${searchOf(params)}`, { method: 'DELETE' });
    assert.deepEqual(
      [refusal.status, refusal.code],
      [400, /not after/.test(refusal.message) ? 'RANGE_EMPTY' : 'PARAMETER_INVALID'],
    );
    assert.match(refusal.message, message);
  }
  const { deletions } = await server.get<DeletionsResponse>(API.deletions);
  assert.ok(deletions.every(({ query }) => query !== '{}' && query !== '{pod="a"}'));
});

test('relative times are widened to what can be told apart, and the answer says to what', async () => {
  const labels = { service_name: 'relative' };
  const nowMs = Date.now();
  await server.push(pprofOf('main 1', { timeMs: nowMs, labels }));
  await server.push(pprofOf('main 2', { timeMs: nowMs - 2 * HOUR, labels }));
  const query = '{service_name="relative"}';
  const recent = await remove(query, 'now-1h', 'now');
  assert.equal(recent.state, 'done');
  assert.deepEqual([recent.fromMs % 15_000, recent.untilMs % 15_000], [0, 0]);
  assert.ok(recent.fromMs <= recent.requestedMs - HOUR);
  assert.ok(recent.fromMs > recent.requestedMs - HOUR - 15_000);
  assert.ok(recent.untilMs >= recent.requestedMs);
  assert.ok(recent.untilMs < recent.requestedMs + 15_000);
  await server.app.rollups.makeAll();
  assert.equal(await leftOf('relative'), 2);
  const old = await remove(query, 'now-30d', 'now-20d');
  assert.deepEqual([old.fromMs % HOUR, old.untilMs % HOUR], [0, 0]);
  const oldest = await remove(query, 'now-200d', 'now-30d');
  assert.deepEqual([oldest.fromMs % DAY, oldest.untilMs % HOUR], [0, 0]);
});

test('a deletion that a crash interrupted is taken up by the next start', async () => {
  const dir = tempDir();
  const first = await TestServer.start({ BUNSEN_DATA_DIR: dir });
  const timeMs = T0 + HOUR;
  await first.push(pprofOf('main 1', { timeMs, labels: { service_name: 'a' } }));
  await first.push(pprofOf('main 2', { timeMs, labels: { service_name: 'b' } }));
  await first.app.rollups.makeAll();
  // What a server that was killed leaves: the note, and the rows of one table deleted.
  await first.app.store.insertJson('deletions', [
    {
      tenant: 'anonymous',
      id: '0b3cbd3e-0000-4000-8000-000000000000',
      query: '{service_name="a"}',
      range_from: midnight(T0),
      range_until: midnight(T0 + DAY),
      requested: midnight(Date.now()),
      state: 'running',
    },
  ]);
  await first.app.store.command(
    `ALTER TABLE samples DELETE WHERE service = 'a' SETTINGS mutations_sync = 2`,
  );
  await first.close();
  const second = await TestServer.start({ BUNSEN_DATA_DIR: dir });
  for (let tries = 0; ; tries++) {
    const { deletions } = await second.get<DeletionsResponse>(API.deletions);
    if (deletions[0]?.state === 'done') break;
    assert.ok(tries < 200, 'the deletion is not taken up');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const flame = await second.flame(cpuQuery(), { from: T0, until: T0 + DAY });
  assert.deepEqual(foldedOf(flame), ['main 20000000']);
  await second.close();
});
