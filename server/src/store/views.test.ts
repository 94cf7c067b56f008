import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { API, type FunctionsResponse } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, searchOf, TestServer } from '../testing/test-server.ts';
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

async function rows<Row>(sql: string): Promise<Row[]> {
  return server.app.store.rows<Row>(sql);
}

function push(service: string, timeMs: number, folded: string, version = ''): Promise<unknown> {
  const labels = { service_name: service, ...(version && { version }) };
  return server.push(pprofOf(folded, { timeMs, labels }));
}

/** Makes all rollups, and waits until the views believe it. */
async function settle(): Promise<void> {
  await server.app.rollups.makeAll();
  for (let i = 0; ; i++) {
    const [open] = await rows<{ n: number }>(
      'SELECT toUInt32(countIf(is_open)) AS n FROM open_buckets',
    );
    if (open?.n === 0) return;
    assert.ok(i < 120, 'buckets stay open for a minute');
    await sleep(500);
  }
}

interface Sums {
  name: string;
  self: number;
  total: number;
}

/** A service's functions by a view. @param time condition on its time */
function functionsOf(view: string, service: string, time = '1'): Promise<Sums[]> {
  return rows(
    `SELECT function AS name, toFloat64(sum(self)) AS self, toFloat64(sum(total)) AS total FROM ${view}
     WHERE service = '${service}' AND ${time} GROUP BY function
     HAVING self != 0 OR total != 0 ORDER BY name`,
  );
}

async function answerOf(service: string, from: number, until: number): Promise<Sums[]> {
  const query = cpuQuery(`service_name="${service}"`);
  const { functions } = await server.get<FunctionsResponse>(API.functions, { query, from, until });
  return functions
    .map(({ name, self, total }) => ({ name, self, total }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const within = (from: number, until: number) =>
  `time >= toDateTime(${from / 1000}, 'UTC') AND time < toDateTime(${until / 1000}, 'UTC')`;

/** Every view of functions answers as the API does, over ranges that its buckets can tell apart. */
async function assertAsAnswered(service: string): Promise<void> {
  const now = Date.now();
  const ranges: [string, number, number][] = [
    ['flame_function_minutes', T0 + 7 * MINUTE, T0 + 3 * HOUR + 2 * MINUTE],
    ['flame_function_minutes', T0 - DAY, now + MINUTE],
    ['flame_function_hours', T0 + HOUR, T0 + 30 * HOUR],
    ['flame_function_hours', T0 - DAY, now + HOUR],
    ['flame_function_days', T0, T0 + DAY],
    ['flame_function_days', T0 - DAY, T0 + 4 * DAY],
  ];
  for (const [view, from, until] of ranges) {
    const answer = await answerOf(service, from, Math.min(until, now + 10 * MINUTE));
    assert.ok(answer.length > 2, view);
    assert.deepEqual(await functionsOf(view, service, within(from, until)), answer, view);
  }
  const [stacks] = await rows(
    `SELECT toFloat64(sum(value)) AS self FROM flame_stack_hours WHERE service = '${service}'`,
  );
  const [samples] = await rows(
    `SELECT toFloat64(sum(value)) AS self FROM flame_samples WHERE service = '${service}'`,
  );
  const [profiles] = await rows(
    `SELECT toFloat64(sum(value)) AS self FROM flame_profiles WHERE service = '${service}'`,
  );
  assert.deepEqual([stacks, samples], [profiles, profiles]);
}

test('views answer as the API does: before there are rollups, after, and when something comes late', async () => {
  for (let minute = 0; minute < 50 * 60 && T0 + minute * MINUTE < Date.now(); minute += 67) {
    const folded = `main;f${minute % 3};f${minute % 3} ${minute + 1}\nmain;g 1`;
    await push('shop', T0 + minute * MINUTE + 20_000, folded, `${minute % 2}`);
  }
  await push('shop', Date.now(), 'main;f0;current 5');
  await push('other', T0, 'main;f0 1000');
  await assertAsAnswered('shop');
  await settle();
  await assertAsAnswered('shop');
  await push('shop', T0 + 2 * HOUR, 'main;late 3');
  await push('shop', Date.now(), 'main;f0;current 7');
  await assertAsAnswered('shop');
  await settle();
  await assertAsAnswered('shop');
});

test('what is settled is read from its rollup, and stays when the samples expire', async () => {
  await push('kept', T0 + HOUR, 'main;a 1\nmain;b 2');
  await settle();
  const names = ['hours', 'days'].map((each) => `flame_function_${each}`);
  const before = await Promise.all(names.map((view) => functionsOf(view, 'kept')));
  const stacks = `SELECT functions, toFloat64(value) AS value FROM flame_stack_hours
    WHERE service = 'kept' ORDER BY functions`;
  assert.deepEqual(before[0], [
    { name: 'a', self: 1e7, total: 1e7 },
    { name: 'b', self: 2e7, total: 2e7 },
    { name: 'main', self: 0, total: 3e7 },
  ]);
  const day = new Date(T0).toISOString().slice(0, 10);
  await server.app.store.command(`ALTER TABLE samples DROP PARTITION '${day}'`);
  assert.deepEqual(await Promise.all(names.map((view) => functionsOf(view, 'kept'))), before);
  assert.deepEqual(await rows(stacks), [
    { functions: ['main', 'a'], value: 1e7 },
    { functions: ['main', 'b'], value: 2e7 },
  ]);
});

test('what was deleted is in no view, also before its rows are merged', async () => {
  await withoutMerges(server, async () => {
    await push('deleted', T0 + HOUR, 'main;kept 1', 'a');
    await push('deleted', T0 + HOUR, 'main;secret 2', 'b');
    await settle();
    const query = '{service_name="deleted", version="b"}';
    const search = searchOf({ query, from: T0, until: T0 + DAY });
    const response = await server.fetch(`${API.push}?${search}`, { method: 'DELETE' });
    assert.equal(response.status, 200);
    await settle();
    for (const each of ['minutes', 'hours', 'days']) {
      const view = `flame_function_${each}`;
      const found = await rows(
        `SELECT function, version, toFloat64(total) AS total FROM ${view}
         WHERE service = 'deleted' ORDER BY function`,
      );
      const sums = { version: 'a', total: 1e7 };
      assert.deepEqual(
        found,
        [
          { function: 'kept', ...sums },
          { function: 'main', ...sums },
        ],
        view,
      );
    }
    const stacks = await rows(
      `SELECT functions, toFloat64(value) AS value FROM flame_stack_hours WHERE service = 'deleted'`,
    );
    assert.deepEqual(stacks, [{ functions: ['main', 'kept'], value: 1e7 }]);
  });
});

test('marks of pushes are in no view', async () => {
  await push('marked', Date.now(), 'main 1');
  const views = await rows<{ name: string }>(
    `SELECT name FROM system.tables
     WHERE database = currentDatabase() AND startsWith(name, 'flame_') ORDER BY name`,
  );
  assert.equal(views.length, 9);
  for (const { name } of views) {
    const hasService = name !== 'flame_types';
    const hasType = name !== 'flame_stacks';
    const [found] = await rows(
      `SELECT count() > 0 AS rows, countIf(${hasService ? `service = ''` : '0'} OR ${hasType ? `type = ''` : '0'}) AS marks
       FROM ${name}`,
    );
    assert.deepEqual(found, { rows: 1, marks: '0' }, name);
  }
});

test('samples have their labels and frames, and one without a stack is there', async () => {
  await server.push(
    pprofOf('main;a 2', {
      timeMs: T0 + DAY + 20_000,
      labels: { service_name: 'labelled', pod: 'p-1', zone: 'z' },
      moduleOf: (name) => (name === 'a' ? 'liba.so' : ''),
    }),
  );
  await server.app.store.command(
    `INSERT INTO samples SELECT * REPLACE (1 AS stack_id) FROM samples WHERE service = 'labelled'`,
  );
  const samples = await rows(
    `SELECT toString(time) AS time, labels, functions, modules, toFloat64(value) AS value
     FROM flame_samples WHERE service = 'labelled' AND labels['pod'] = 'p-1' ORDER BY functions`,
  );
  const time = new Date(T0 + DAY + 15_000).toISOString().slice(0, 19).replace('T', ' ');
  const labels = { pod: 'p-1', zone: 'z' };
  assert.deepEqual(samples, [
    { time, labels, functions: ['[unknown]'], modules: [''], value: 2e7 },
    { time, labels, functions: ['main', 'a'], modules: ['', 'liba.so'], value: 2e7 },
  ]);
});
