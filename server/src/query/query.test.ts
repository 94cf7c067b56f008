import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  API,
  CPU_PROFILE_TYPE,
  decodePprof,
  type FlameJson,
  type LabelNamesResponse,
  type LabelValuesResponse,
  type SeriesResponse,
  type ServicesResponse,
} from '@bunsen/profile';
import { hashTexts } from '../store/content-hash.ts';
import { encodeBatch } from '../store/profile-batch.ts';
import { ProfileStore } from '../store/profile-store.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, foldedOf, searchOf, TestServer, totalOf } from '../testing/test-server.ts';

const HOUR = 3_600_000;
/** The beginning of an hour, some hours ago. */
const T0 = Math.floor(Date.now() / HOUR) * HOUR - 6 * HOUR;
const SLOT = 15_000;

let server: TestServer;

before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

/** A small random number generator, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('sums are exact over any range, by rollup and by samples alike', async () => {
  const next = random(7);
  const windows: { timeMs: number; value: number }[] = [];
  const store = new ProfileStore(server.app.store, server.app.rollups);
  // Five hours with a window a minute; written as pushes are, without the way over HTTP.
  for (let minute = 0; minute < 300; minute += 3) {
    const timeMs = T0 + minute * 60_000 + Math.floor(next() * 4) * SLOT;
    const value = 1 + Math.floor(next() * 1000);
    windows.push({ timeMs, value });
    const profile = decodePprof(
      pprofOf(`main;a ${value}\nmain;f${minute % 7} 1`, {
        timeMs,
        labels: { service_name: 'exact', pod: `p${minute % 2}` },
      }),
    );
    const pushId = hashTexts([`exact-${minute}`]);
    await store.write(
      encodeBatch({ profile, types: [CPU_PROFILE_TYPE], timeMs, pushId }, store.seen),
    );
  }
  await server.app.rollups.makeAll();
  for (let i = 0; i < 25; i++) {
    const a = T0 + Math.floor(next() * 5 * 240) * SLOT;
    const b = T0 + Math.floor(next() * 5 * 240) * SLOT;
    const [fromMs, untilMs] = [Math.min(a, b), Math.max(a, b) + SLOT];
    const expected = windows
      .filter(({ timeMs }) => timeMs >= fromMs && timeMs < untilMs)
      .reduce((sum, { value }) => sum + (value + 1) * 1e7, 0);
    const range = { from: fromMs, until: untilMs };
    // Without other labels the planner takes the rollup; a matcher that all pass forbids it.
    const planned = await server.flame(cpuQuery('service_name="exact"'), range);
    const bySamples = await server.flame(cpuQuery('service_name="exact", pod=~".*"'), range);
    assert.equal(totalOf(planned), expected);
    assert.deepEqual(foldedOf(planned), foldedOf(bySamples));
    const series = await server.get<SeriesResponse>(API.series, {
      query: cpuQuery('service_name="exact"'),
      stepMs: SLOT,
      ...range,
    });
    const sum =
      series.series[0]?.values.reduce<number>((total, value) => total + (value ?? 0), 0) ?? 0;
    assert.equal(sum, expected);
  }
});

test('frames are merged by function, whatever their file and line', async () => {
  const text = pprofOf('main;a 1\nmain;a 2\nmain;a;b 4', { labels: { service_name: 'merge' } });
  await server.push(text);
  await server.push(text);
  assert.deepEqual(foldedOf(await server.flame(cpuQuery('service_name="merge"'))), [
    'main;a 60000000',
    'main;a;b 80000000',
  ]);
});

test('a cut tree keeps its total to the last unit, and says what was folded', async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => `main;f${i % 50};g${i} ${1 + (i % 13)}`);
  await server.push(pprofOf(lines.join('\n'), { labels: { service_name: 'cut' } }));
  const query = cpuQuery('service_name="cut"');
  const whole = await server.flame(query);
  assert.equal(whole.meta.foldedNodes, 0);
  const cut = await server.flame(query, { maxNodes: 100 });
  assert.equal(totalOf(cut), totalOf(whole));
  assert.ok(cut.tree.total.length <= 200);
  assert.ok(cut.meta.foldedNodes > 2000 && cut.meta.foldedValue > 0);
  const json = await server.get<FlameJson>(API.flamegraph, { query, maxNodes: 100 });
  assert.equal(json.nodes.total[0], totalOf(whole));
  assert.deepEqual(json.nodes.self, Array.from(cut.tree.self));
});

test('matchers: equal, not equal, regular expressions, absent labels, odd values', async () => {
  const odd = `it's "a\\b"\n{x}`;
  const pods: [string, string | undefined, number][] = [
    ['api-1', 'eu', 1],
    ['api-2', 'us', 2],
    ['web-1', undefined, 4],
    [odd, 'eu', 8],
  ];
  for (const [pod, region, value] of pods) {
    const labels = { service_name: 'match', pod, ...(region !== undefined && { region }) };
    await server.push(pprofOf(`main ${value}`, { labels }));
  }
  const cases: [string, number][] = [
    ['', 15],
    ['pod="api-1"', 1],
    ['pod!="api-1"', 14],
    ['pod=~"api-.*"', 3],
    ['pod=~"api"', 0], // anchored
    ['pod!~"api-.*|web-1"', 8],
    ['region=""', 4],
    ['region!=""', 11],
    ['region=~"eu|us", pod=~".*-1"', 1],
    [`pod=${JSON.stringify(odd)}`, 8],
    ['pod=~"it.s.*x."', 8], // . matches line ends, too
    [`pod="'; DROP TABLE samples; --"`, 0],
  ];
  for (const [matchers, expected] of cases) {
    const query = cpuQuery(`service_name="match"${matchers && `, ${matchers}`}`);
    assert.equal(totalOf(await server.flame(query)), expected * 1e7, matchers);
    const series = await server.get<SeriesResponse>(API.series, { query });
    const sum =
      series.series[0]?.values.reduce<number>((total, value) => total + (value ?? 0), 0) ?? 0;
    assert.equal(sum, expected * 1e7, matchers);
  }
  const byService = await server.flame(cpuQuery('service_name=~"mat.h"'));
  assert.equal(totalOf(byService), 15e7);
});

test('the series of a function is what its callees hold, in every step', async () => {
  const service = { service_name: 'of-function' };
  const push = (folded: string, timeMs: number, moduleOf?: (name: string) => string) =>
    server.push(pprofOf(folded, { labels: service, timeMs, ...(moduleOf && { moduleOf }) }));
  await push('main;work 1\nmain;rest 2\nwork;main;work 4', T0);
  await push('main;work;deep 8', T0 + 3 * SLOT);
  await push('main;work 16', T0 + 3 * SLOT, () => 'other');
  const range = { from: T0, until: T0 + 4 * SLOT };
  const query = cpuQuery('service_name="of-function"');
  const of = async (more: Record<string, string | number>) => {
    const { series } = await server.get<SeriesResponse>(API.series, {
      query,
      stepMs: SLOT,
      ...range,
      ...more,
    });
    return series.map(({ values }) => values.map((value) => (value === null ? null : value / 1e7)));
  };
  assert.deepEqual(await of({ function: 'work' }), [[5, null, null, 24]]);
  assert.deepEqual(await of({ function: 'work', module: 'app' }), [[5, null, null, 8]]);
  assert.deepEqual(await of({ function: 'work', module: 'other', stepMs: 2 * SLOT }), [[null, 16]]);
  assert.deepEqual(await of({ function: 'main' }), [[7, null, null, 24]]);
  assert.deepEqual(await of({ function: 'mai' }), []);
  const callees = await server.get<FlameJson>(API.callees, { query, ...range, function: 'work' });
  assert.equal(callees.nodes.total[0], 29e7);

  const refusal = (params: Record<string, string | number>) =>
    server.refusal(`${API.series}?${searchOf({ query, ...range, ...params })}`);
  assert.match((await refusal({ function: 'work', stepMs: 1000 })).message, /stepMs=1000/);
  assert.match((await refusal({ module: 'app' })).message, /module=app needs a function/);
});

test('a label that no series has is warned about, not refused', async () => {
  await server.push(pprofOf('main 1', { labels: { service_name: 'warned', host: 'h' } }));
  const flame = await server.flame(cpuQuery('service_name="warned", foo="x"'));
  assert.equal(totalOf(flame), 0);
  assert.deepEqual(flame.meta.warnings, [
    "no series has the label 'foo'; labels here: service_name, host",
  ]);
});

test('series are grouped by labels, the largest first', async () => {
  const timeMs = T0 + 30_000;
  for (const [pod, value] of [
    ['a', 1],
    ['b', 5],
    ['a', 2],
  ] as const) {
    await server.push(
      pprofOf(`main ${value}`, { timeMs, labels: { service_name: 'grouped', pod } }),
    );
  }
  const params = { from: T0, until: T0 + 60_000, stepMs: 30_000 };
  const query = cpuQuery('service_name="grouped"');
  const grouped = await server.get<SeriesResponse>(API.series, {
    query,
    groupBy: 'pod',
    ...params,
  });
  assert.deepEqual(grouped, {
    unit: 'nanoseconds',
    fromMs: T0,
    untilMs: T0 + 60_000,
    stepMs: 30_000,
    series: [
      { labels: { pod: 'b' }, values: [null, 5e7] },
      { labels: { pod: 'a' }, values: [null, 3e7] },
    ],
    warnings: [],
  });
  const whole = await server.get<SeriesResponse>(API.series, { query, ...params });
  assert.deepEqual(whole.series, [{ labels: {}, values: [null, 8e7] }]);
});

test('services, label names and values', async () => {
  await server.push(
    pprofOf('main 3', { labels: { service_name: 'listed', 'k8s.pod': 'p"1', zone: 'z' } }),
  );
  const { services, unit } = await server.get<ServicesResponse>(API.services, {
    type: CPU_PROFILE_TYPE,
  });
  assert.equal(unit, 'nanoseconds');
  const listed = services.find(({ service }) => service === 'listed');
  assert.equal(listed?.total, 3e7);
  assert.equal(listed?.series, 1);
  assert.ok(Math.abs((listed?.lastSeenMs ?? 0) - Date.now()) < 60_000);
  const query = '{service_name="listed"}';
  assert.deepEqual(await server.get<LabelNamesResponse>(API.labelNames, { query }), {
    labels: [
      { name: 'k8s.pod', values: 1 },
      { name: 'service_name', values: 1 },
      { name: 'zone', values: 1 },
    ],
  });
  assert.deepEqual(await server.get<LabelValuesResponse>(API.labelValues('k8s.pod'), { query }), {
    values: ['p"1'],
    warnings: [],
  });
  const names = await server.get<LabelValuesResponse>(API.labelValues('service_name'));
  assert.ok(names.values.includes('listed'));
  const yesterday = { from: 'now-50h', until: 'now-49h' };
  assert.deepEqual((await server.get<LabelNamesResponse>(API.labelNames, yesterday)).labels, []);
});

test('what is wrong with a query is said, with the place', async () => {
  const good = { query: cpuQuery() };
  const cases: [string, Record<string, string | number>, number, string, RegExp][] = [
    [API.flamegraph, {}, 400, 'PARAMETER_INVALID', /query is missing/],
    [API.flamegraph, { query: '{a="b"}' }, 400, 'PARAMETER_INVALID', /profile type/],
    [
      API.flamegraph,
      { query: `${CPU_PROFILE_TYPE}{a=b}` },
      400,
      'SELECTOR_MALFORMED',
      /position 46/,
    ],
    [API.flamegraph, { query: 'cpu{}' }, 400, 'PROFILE_TYPE_MALFORMED', /name:sample_type/],
    [API.flamegraph, { query: cpuQuery('pod=~"("') }, 400, 'REGEX_MALFORMED', /RE2/],
    [API.flamegraph, { query: cpuQuery('pod=~"a)|(b"') }, 400, 'REGEX_MALFORMED', /RE2/],
    [API.flamegraph, { query: cpuQuery(), from: 'now-9000w' }, 400, 'PARAMETER_INVALID', /1970/],
    [API.flamegraph, { ...good, from: 2000, until: 1000 }, 400, 'RANGE_EMPTY', /until/],
    [API.flamegraph, { ...good, from: 'now', until: 'now-1h' }, 400, 'RANGE_EMPTY', /until/],
    [API.flamegraph, { ...good, from: 'monday' }, 400, 'PARAMETER_INVALID', /from=monday/],
    [API.flamegraph, { ...good, maxNodes: 0 }, 400, 'PARAMETER_INVALID', /maxNodes=0/],
    [API.flamegraph, { ...good, max_nodes: 5 }, 400, 'PARAMETER_UNKNOWN', /max_nodes.*maxNodes/],
    [API.series, { ...good, stepMs: 1 }, 400, 'PARAMETER_INVALID', /stepMs=1 makes/],
    [API.services, {}, 400, 'PARAMETER_INVALID', /type is missing/],
    [API.services, { type: 'x' }, 400, 'PROFILE_TYPE_MALFORMED', /"x"/],
    ['/api/v1/nothing', {}, 404, 'NOT_FOUND', /GET \/api\/v1\/nothing/],
  ];
  for (const [path, params, status, code, message] of cases) {
    const refusal = await server.refusal(`${path}?${searchOf(params)}`);
    assert.deepEqual(
      [refusal.status, refusal.code],
      [status, code],
      `${path} ${JSON.stringify(params)}`,
    );
    assert.match(refusal.message, message);
  }
  const twice = await server.refusal(`${API.services}?type=a&type=b`);
  assert.match(twice.message, /more than once/);
});

test('a query that takes too long, or too much, names the limit', async () => {
  const slow = await TestServer.start({
    BUNSEN_QUERY_TIME_MS: '1000',
    BUNSEN_QUERY_ROWS: '100000000000',
  });
  await assert.rejects(
    slow.app.store.rows('SELECT sum(sipHash64(number)) FROM numbers(10000000000)'),
    { code: 'QUERY_TIMEOUT', message: /BUNSEN_QUERY_TIME_MS/ },
  );
  await slow.close();
  const small = await TestServer.start({ BUNSEN_QUERY_MEMORY_BYTES: String(1 << 20) });
  await assert.rejects(small.app.store.rows('SELECT uniqExact(number) FROM numbers(10000000)'), {
    code: 'QUERY_MEMORY_LIMIT',
    message: /BUNSEN_QUERY_MEMORY_BYTES/,
  });
  await small.close();
  const few = await TestServer.start({ BUNSEN_QUERY_ROWS: '2' });
  await few.push(pprofOf('main;a 1\nmain;b 2\nmain;c 3'));
  const refusal = await few.refusal(`${API.flamegraph}?${searchOf({ query: cpuQuery() })}`);
  assert.deepEqual([refusal.status, refusal.code], [422, 'QUERY_ROWS_LIMIT']);
  assert.match(refusal.message, /BUNSEN_QUERY_ROWS/);
  await few.push(pprofOf('main;a 1')); // what comes in is not limited
  await few.close();
});

test('a range may begin in 1970 and end in 2099', async () => {
  await server.push(pprofOf('main 2', { labels: { service_name: 'ages' } }));
  const ages = { from: 0, until: Date.UTC(2099, 0, 1) };
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="ages"'), ages)), 2e7);
  const series = await server.get<SeriesResponse>(API.series, {
    query: cpuQuery('service_name="ages"'),
    ...ages,
  });
  assert.equal(Math.max(...(series.series[0]?.values ?? []).map(Number)), 2e7);
});

test('sums go beyond 64 bits', async () => {
  const push = pprofOf('main 6000000000000000000', {
    labels: { service_name: 'vast' },
    period: 1,
  });
  await server.push(push);
  await server.push(push);
  const type = `${CPU_PROFILE_TYPE}:delta`; // old clients send a sixth part
  const { services } = await server.get<ServicesResponse>(API.services, { type });
  assert.equal(services.find(({ service }) => service === 'vast')?.total, 1.2e19);
  const query = cpuQuery('service_name="vast"');
  const flame = await server.flame(query);
  assert.equal(totalOf(flame), 1.2e19);
  assert.match(flame.meta.warnings.join(), /2\^53/);
  for (const groupBy of ['', 'service_name', 'pod']) {
    const { series } = await server.get<SeriesResponse>(API.series, {
      query,
      groupBy,
      stepMs: 86_400_000,
      from: 'now-1d',
    });
    assert.equal(
      (series[0]?.values ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0),
      1.2e19,
      groupBy,
    );
  }
});

test('a range at the beginning of time has nothing, and is no error', async () => {
  const range = { from: '0', until: '1' };
  const query = `${CPU_PROFILE_TYPE}{}`;
  for (const [path, params] of [
    [API.flamegraph, { query }],
    [API.functions, { query }],
    [API.functionCosts, { query, function: 'main' }],
    [API.labelDifferences, { query, label: 'host' }],
    [API.series, { query, stepMs: '15000' }],
    [API.services, { type: CPU_PROFILE_TYPE }],
    [API.labelNames, { query }],
  ] as const) {
    const response = await server.fetch(`${path}?${searchOf({ ...params, ...range })}`);
    assert.equal(response.status, 200, `${path}: ${await response.text()}`);
  }
});
