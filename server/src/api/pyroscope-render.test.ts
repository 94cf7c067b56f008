import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, searchOf, TestServer } from '../testing/test-server.ts';

const HOUR = 3_600_000;
const T0 = Math.floor(Date.now() / HOUR) * HOUR - 6 * HOUR;
const SECOND = T0 / 1000;

let server: TestServer;

before(async () => {
  server = await TestServer.start();
  const push = (folded: string, timeMs: number, labels: Record<string, string>) =>
    server.push(pprofOf(folded, { timeMs, labels: { service_name: 'render', ...labels } }));
  await push('main;a 3\nmain;b 1', T0 + 15_000, { pod: 'x' });
  await push('main 6', T0 + 15_000, { pod: 'y' });
  await push('main;a 2', T0 + 16_000, { pod: 'y' });
  await push('main;c 5', T0 + HOUR, {});
});
after(() => server.close());

const query = cpuQuery('service_name="render"');
const params = { query, from: SECOND, until: SECOND + 60 };

type Reply = Record<string, unknown>;
const render = (more: Record<string, string | number>) =>
  server.get<Reply>('/pyroscope/render', { ...params, ...more });

test('render answers as Pyroscope does', async () => {
  const reply = await render({ groupBy: 'pod', 'max-nodes': 100 });
  assert.deepEqual(reply['flamebearer'], {
    names: ['total', 'main', 'a', 'b'],
    levels: [
      [0, 12e7, 0, 0],
      [0, 12e7, 6e7, 1],
      [6e7, 5e7, 5e7, 2, 0, 1e7, 1e7, 3],
    ],
    numTicks: 12e7,
    maxSelf: 6e7,
  });
  assert.deepEqual(reply['metadata'], {
    format: 'single',
    spyName: '',
    sampleRate: 1e9,
    units: 'samples',
    name: 'cpu',
  });
  const timeline = { startTime: SECOND, durationDelta: 15 };
  assert.deepEqual(reply['timeline'], { ...timeline, samples: [0, 12e7, 0, 0] });
  assert.deepEqual(reply['groups'], {
    x: { ...timeline, samples: [0, 4e7, 0, 0] },
    y: { ...timeline, samples: [0, 8e7, 0, 0] },
  });
  assert.deepEqual([reply['version'], reply['heatmap']], [1, null]);
});

test('aggregation is of the profiles in a step; series without the label are one group', async () => {
  const average = await render({ aggregation: 'avg', groupBy: 'pod' });
  const timeline = { startTime: SECOND, durationDelta: 15 };
  assert.deepEqual(average['timeline'], { ...timeline, samples: [0, 4e7, 0, 0] });
  assert.deepEqual(average['groups'], {
    x: { ...timeline, samples: [0, 4e7, 0, 0] },
    y: { ...timeline, samples: [0, 4e7, 0, 0] },
  });
  const later = { from: SECOND + 3600, until: SECOND + 3630, groupBy: 'pod' };
  const { groups } = await render({ ...later, aggregation: 'sum' });
  assert.deepEqual(groups, {
    '*': { startTime: SECOND + 3600, durationDelta: 15, samples: [5e7, 0] },
  });
});

test('the step of the timeline is a multiple of 15 s, and at least that', async () => {
  for (const [hours, step] of [
    [1, 15],
    [9, 15], // 21.6 s are nearer to 15 than to 30
    [24, 60], // 57.6 s
    [7 * 24, 405], // 403.2 s
  ] as const) {
    const { timeline } = (await render({ until: SECOND + hours * 3600 })) as {
      timeline: { durationDelta: number; samples: number[] };
    };
    assert.equal(timeline.durationDelta, step);
    const sum = timeline.samples.reduce((all, value) => all + value, 0);
    assert.equal(sum, hours === 1 ? 12e7 : 17e7);
  }
});

test('both spellings of max-nodes cut, and 0 stands for the default', async () => {
  for (const name of ['max-nodes', 'maxNodes']) {
    const { flamebearer } = (await render({ [name]: 1 })) as { flamebearer: { names: string[] } };
    assert.deepEqual(flamebearer.names, ['total', 'other']);
  }
  const { flamebearer } = (await render({ maxNodes: 0 })) as { flamebearer: { names: string[] } };
  assert.deepEqual(flamebearer.names, ['total', 'main', 'a', 'b']);
});

test('format=dot is the call graph', async () => {
  const response = await server.fetch(
    `/pyroscope/render?${searchOf({ ...params, format: 'dot', 'max-nodes': 2 })}`,
  );
  assert.equal(response.headers.get('content-type'), 'text/vnd.graphviz; charset=utf-8');
  const text = await response.text();
  assert.match(text, /^digraph /);
  assert.match(text, /N1 -> N2 \[label=" 50\.0 ms"/);
  assert.equal(text.match(/^N\d+ \[/gm)?.length, 2);
});

test('render-diff has both sides of a node, and places on each', async () => {
  const reply = await server.get<Reply>('/pyroscope/render-diff', {
    leftQuery: query,
    leftFrom: SECOND,
    leftUntil: SECOND + 60,
    rightQuery: query,
    rightFrom: SECOND + 3600,
    rightUntil: SECOND + 3660,
    'max-nodes': 100,
  });
  assert.deepEqual(reply['flamebearer'], {
    names: ['total', 'main', 'a', 'b', 'c'],
    levels: [
      [0, 12e7, 0, 0, 5e7, 0, 0],
      [0, 12e7, 6e7, 0, 5e7, 0, 1],
      [6e7, 5e7, 5e7, 0, 0, 0, 2, 0, 1e7, 1e7, 0, 0, 0, 3, 0, 0, 0, 0, 5e7, 5e7, 4],
    ],
    numTicks: 17e7,
    maxSelf: 6e7,
  });
  assert.deepEqual([reply['leftTicks'], reply['rightTicks']], [12e7, 5e7]);
  assert.equal((reply['metadata'] as Reply)['format'], 'double');
});

test('label-names and label-values: of the label that is asked for, narrowed by a query', async () => {
  await server.push(pprofOf('main 1', { labels: { service_name: 'other', zone: 'z', pod: 'q' } }));
  const range = { from: SECOND, until: 'now+1m' };
  const get = (path: string, more: Record<string, string> = {}) =>
    server.get<string[]>(`/pyroscope/${path}`, { ...range, ...more });
  assert.deepEqual(await get('label-names'), ['__name__', 'pod', 'service_name', 'zone']);
  assert.deepEqual(await get('label-names', { query }), ['__name__', 'pod', 'service_name']);
  assert.deepEqual(await get('label-values', { label: 'pod' }), ['q', 'x', 'y']);
  assert.deepEqual(await get('label-values', { label: 'pod', query }), ['x', 'y']);
  assert.deepEqual(await get('label-values', { label: 'nope' }), []);
  const types = ['process_cpu:cpu:nanoseconds:cpu:nanoseconds'];
  assert.deepEqual(await get('label-values', { label: '__name__' }), types);
  const lastHour = await server.get<string[]>('/pyroscope/label-values', { label: 'zone' });
  assert.deepEqual(lastHour, ['z']);
});

test('what is wrong with a request is said', async () => {
  const sides = { leftQuery: query, leftFrom: 10, leftUntil: 20, rightFrom: 10, rightUntil: 20 };
  const memory = 'memory:alloc_space:bytes:space:bytes{}';
  const cases: [string, Record<string, string | number>, string, RegExp][] = [
    ['render', { ...params, from: 20, until: 10 }, 'RANGE_EMPTY', /until/],
    ['render', { query }, 'PARAMETER_INVALID', /from is missing/],
    ['render', { ...params, aggregation: 'max' }, 'PARAMETER_INVALID', /aggregation=max/],
    ['render', { ...params, groupBy: 'a,b' }, 'PARAMETER_INVALID', /groupBy=a,b/],
    ['render', { ...params, format: 'html' }, 'FORMAT_UNSUPPORTED', /format=html/],
    ['render', { ...params, format: 'dot', groupBy: 'a' }, 'PARAMETER_INVALID', /leave them out/],
    ['render', { ...params, 'max-nodes': -1 }, 'PARAMETER_INVALID', /max-nodes=-1/],
    ['render', { ...params, 'max-nodes': 1, maxNodes: 2 }, 'PARAMETER_INVALID', /give it once/],
    ['render', { ...params, name: 'x' }, 'PARAMETER_UNKNOWN', /"name"/],
    ['render-diff', sides, 'PARAMETER_INVALID', /rightQuery is missing/],
    ['render-diff', { ...sides, rightQuery: memory }, 'PARAMETER_INVALID', /one type/],
    ['render-diff', { ...sides, rightQuery: '{}' }, 'PARAMETER_INVALID', /profile type/],
    ['label-values', {}, 'PARAMETER_INVALID', /label is missing/],
    ['label-values', { label: '__name__', query }, 'PARAMETER_INVALID', /profile types/],
    ['label-names', { query: '{a' }, 'SELECTOR_MALFORMED', /position 2/],
  ];
  for (const [path, search, code, message] of cases) {
    const refusal = await server.refusal(`/pyroscope/${path}?${searchOf(search)}`);
    assert.equal(refusal.code, code, `${path} ${JSON.stringify(search)}`);
    assert.match(refusal.message, message);
  }
  const twice = await server.refusal(`/pyroscope/render?${searchOf(params)}&groupBy=a&groupBy=b`);
  assert.match(twice.message, /groupBy is given more than once/);
});
