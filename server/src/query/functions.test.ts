import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { API, type FunctionsResponse } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, searchOf, TestServer } from '../testing/test-server.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The beginning of an hour, so long ago that a day fits in until now. */
const T0 = Math.floor(Date.now() / HOUR) * HOUR - 30 * HOUR;

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

type Params = Record<string, string | number>;

/** Functions as `name self/total`, in the order of the answer, in samples. */
async function functionsOf(query: string, params: Params = {}): Promise<string[]> {
  const { functions } = await ask(query, params);
  return functions.map(({ name, self, total }) => `${name} ${self / 1e7}/${total / 1e7}`);
}

function ask(query: string, params: Params = {}): Promise<FunctionsResponse> {
  return server.get<FunctionsResponse>(API.functions, { query, ...params });
}

/** What is true of the answers before there are rollups, from stacks, and after. */
async function bothWays(check: () => Promise<void>): Promise<void> {
  await check();
  await server.app.rollups.makeAll();
  await check();
}

test('the largest functions, by self and by total, with the names that are asked for', async () => {
  await server.push(
    pprofOf('main;run;run;add 3\nmain;run 2\nmain;idle 4\ninit;main 1', {
      timeMs: T0 + MINUTE,
      labels: { service_name: 'top' },
    }),
  );
  const query = cpuQuery('service_name="top"');
  const range = { from: T0, until: T0 + HOUR };
  const byTotal = ['main 1/10', 'run 2/5', 'idle 4/4', 'add 3/3', 'init 0/1'];
  await bothWays(async () => {
    assert.deepEqual(await functionsOf(query, range), byTotal);
    assert.deepEqual(await functionsOf(query, { ...range, orderBy: 'self', limit: 2 }), [
      'idle 4/4',
      'add 3/3',
    ]);
    assert.deepEqual(await functionsOf(query, { ...range, name: '^i|dd' }), [
      'idle 4/4',
      'add 3/3',
      'init 0/1',
    ]);
    const none = await ask(query, { ...range, name: 'nobody' });
    assert.deepEqual([none.functions, none.total], [[], 10e7]);
  });
  assert.deepEqual(await ask(query, { ...range, limit: 1 }), {
    profileType: cpuQuery().slice(0, -2),
    unit: 'nanoseconds',
    fromMs: T0,
    untilMs: T0 + HOUR,
    total: 10e7,
    functions: [{ name: 'main', module: 'app', self: 1e7, total: 10e7 }],
    warnings: [],
  });
});

test('a version is matched by its label, and other labels by stacks', async () => {
  const push = (labels: Record<string, string>, folded: string) =>
    server.push(
      pprofOf(folded, { timeMs: T0 + MINUTE, labels: { service_name: 'rolled', ...labels } }),
    );
  await push({ version: '1', pod: 'a' }, 'main;old 1');
  await push({ version: '2', pod: 'b' }, 'main;new 2');
  await push({ service_version: '2', pod: 'c' }, 'main;odd 4');
  const range = { from: T0, until: T0 + HOUR };
  const of = (matchers: string) =>
    functionsOf(cpuQuery(`service_name="rolled", ${matchers}`), range);
  assert.deepEqual(await of('pod=~"a|c"'), ['main 0/5', 'odd 4/4', 'old 1/1']);
  // The tables call both labels the version; the selector means one.
  assert.deepEqual(await of('version="2"'), ['main 0/2', 'new 2/2']);
  assert.deepEqual(await of('service_version="2"'), ['main 0/4', 'odd 4/4']);
  assert.deepEqual(await of('version!="1"'), ['main 0/6', 'odd 4/4', 'new 2/2']);
  const only = (matchers: string) =>
    functionsOf(cpuQuery(`service_name="tagged", ${matchers}`), range);
  for (const [version, value] of [
    ['1', 1],
    ['2', 2],
    ['10', 4],
  ] as const) {
    await server.push(
      pprofOf(`main;v${version} ${value}`, {
        timeMs: T0 + MINUTE,
        labels: { service_name: 'tagged', 'service.version': version },
      }),
    );
  }
  await bothWays(async () => {
    assert.deepEqual(await only('service.version=~"1.*"'), ['main 0/5', 'v10 4/4', 'v1 1/1']);
    assert.deepEqual(await only('service.version!="2", service.version!="10"'), [
      'main 0/1',
      'v1 1/1',
    ]);
  });
});

test('sums by the minute and by the hour are those of the flame graph of the same range', async () => {
  for (let minute = 0; minute < 29 * 60; minute += 41) {
    await server.push(
      pprofOf(`main;f${minute % 3};f${minute % 3} ${minute + 1}\nmain;g 1`, {
        timeMs: T0 + minute * MINUTE + 20_000,
        labels: { service_name: 'long' },
      }),
    );
  }
  const query = cpuQuery('service_name="long"');
  const ranges = [
    [T0 + 7 * MINUTE, T0 + 49 * MINUTE + 1],
    [T0 + 55 * MINUTE, T0 + 7 * HOUR + 3 * MINUTE],
    [T0 + 2 * HOUR + 10 * MINUTE, T0 + 28 * HOUR + 1 * MINUTE],
  ] as const;
  await bothWays(async () => {
    for (const [from, until] of ranges) {
      const { fromMs, untilMs, total, functions } = await ask(query, { from, until });
      assert.ok(fromMs <= from && untilMs >= until && fromMs % MINUTE === 0);
      assert.equal(fromMs % HOUR === 0 && untilMs % HOUR === 0, until - from >= 24 * HOUR);
      const { tree } = await server.flame(query, { from: fromMs, until: untilMs });
      assert.equal(total, tree.total[0]);
      assert.equal(functions[0]?.total, total);
      assert.equal(
        functions.reduce((sum, { self }) => sum + self, 0),
        total,
      );
      assert.ok(functions.every((each) => each.name === 'main' || each.self === each.total));
    }
  });
});

test('what is wrong with a request is said', async () => {
  const cases: [Params, string, RegExp][] = [
    [{}, 'PARAMETER_INVALID', /query is missing/],
    [{ query: cpuQuery(), orderBy: 'name' }, 'PARAMETER_INVALID', /orderBy=name/],
    [{ query: cpuQuery(), limit: 0 }, 'PARAMETER_INVALID', /limit=0/],
    [{ query: cpuQuery(), name: '(' }, 'REGEX_MALFORMED', /RE2/],
  ];
  for (const [params, code, message] of cases) {
    const refusal = await server.refusal(`${API.functions}?${searchOf(params)}`);
    assert.deepEqual([refusal.status, refusal.code], [400, code]);
    assert.match(refusal.message, message);
  }
});
