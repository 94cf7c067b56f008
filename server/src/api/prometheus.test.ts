import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { searchOf, TestServer } from '../testing/test-server.ts';

const HOUR = 3_600_000;
const T0 = Math.floor(Date.now() / HOUR) * HOUR - 3 * HOUR;
const SECOND = T0 / 1000;
const CPU = CPU_PROFILE_TYPE;

let server: TestServer;

/** Pushes: (seconds after T0, pod, folded). A sample is 10 ms. */
const PUSHES: [number, string, string][] = [
  [0, 'a', 'main;f 2\nmain;g 1'],
  [15, 'a', 'main;f;g 3'],
  [60, 'a', 'main;g 4'],
  [0, 'b', 'main;f 10'],
  [90, 'b', 'idle 5'],
];

before(async () => {
  server = await TestServer.start();
  for (const [seconds, pod, folded] of PUSHES) {
    const timeMs = T0 + seconds * 1000;
    await server.push(pprofOf(folded, { timeMs, labels: { service_name: 'api', pod } }));
  }
  await server.push(
    pprofOf('main;f 100', { timeMs: T0 + 30_000, labels: { service_name: 'web', 'k8s.pod': 'w' } }),
  );
  for (const [seconds, value] of [
    [0, 7],
    [30, 3],
    [60, 5],
  ] as const) {
    await server.push(
      pprofOf(`main ${value}`, {
        timeMs: T0 + seconds * 1000,
        period: 1,
        labels: { service_name: 'mem' },
        sampleTypes: [{ type: 'inuse_space', unit: 'bytes' }],
        periodType: { type: 'space', unit: 'bytes' },
      }),
    );
  }
});
after(() => server.close());

interface Answer {
  status: string;
  data: {
    resultType: string;
    result: {
      metric: Record<string, string>;
      value: [number, string];
      values: [number, string][];
    }[];
  };
  warnings?: string[];
}

async function query(text: string, seconds = 120, more = {}): Promise<Answer['data']> {
  const time = SECOND + seconds;
  return (await server.get<Answer>('/prometheus/api/v1/query', { query: text, time, ...more }))
    .data;
}

/** A vector as `{labels} value`, in order. */
async function vector(text: string, seconds = 120): Promise<string[]> {
  const { resultType, result } = await query(text, seconds);
  assert.equal(resultType, 'vector');
  return result.map(({ metric, value: [time, value] }) => {
    assert.equal(time, SECOND + seconds);
    return `${JSON.stringify(metric)} ${value}`;
  });
}

const api = `${CPU}{service_name="api"}`;

test('increase is the sum of what began in the range, its beginning included and its end not', async () => {
  const pods = (a: number | undefined, b: number | undefined) => [
    ...(a === undefined ? [] : [`{"pod":"a","service_name":"api"} ${a}`]),
    ...(b === undefined ? [] : [`{"pod":"b","service_name":"api"} ${b}`]),
  ];
  assert.deepEqual(await vector(`increase(${api}[2m])`), pods(10e7, 15e7));
  assert.deepEqual(await vector(`increase(${api}[1m])`), pods(4e7, 5e7));
  assert.deepEqual(await vector(`increase(${api}[15s])`, 15), pods(3e7, 10e7));
  assert.deepEqual(await vector(`increase(${api}[15s])`, 16), pods(3e7, undefined));
  assert.deepEqual(await vector(`increase(${api}[15s])`, 15.001), pods(3e7, undefined));
  assert.deepEqual(await vector(`sum_over_time(${api}[2m] offset 1m)`), pods(6e7, 10e7));
  assert.deepEqual(await vector(`increase(${api}[2m] offset -1m)`, 60), pods(10e7, 15e7));
});

test('rate is per second, in the unit of the type; arithmetic makes cores of it', async () => {
  assert.deepEqual(await vector(`rate(${CPU}{service_name="web"}[50s])`, 80), [
    '{"k8s.pod":"w","service_name":"web"} 20000000',
  ]);
  assert.deepEqual(await vector(`sum(rate(${api}[2m])) / 1e9`), ['{} 0.0020833333333333333']);
  assert.deepEqual(await vector(`2 * rate(${api}[2m]) > 2000000`), [
    '{"pod":"b","service_name":"api"} 2500000',
  ]);
  assert.deepEqual(await vector(`2000000 < bool 2 * rate(${api}[2m])`), [
    '{"pod":"a","service_name":"api"} 0',
    '{"pod":"b","service_name":"api"} 1',
  ]);
  assert.deepEqual(await vector(`-rate(${api}[2m]) % 1000`), [
    '{"pod":"a","service_name":"api"} -333.33333333337214',
    '{"pod":"b","service_name":"api"} -0',
  ]);
});

test('statistics of the profiles in a range', async () => {
  const memory = 'memory:inuse_space:bytes:space:bytes';
  for (const [name, value] of [
    ['avg_over_time', 5],
    ['min_over_time', 3],
    ['max_over_time', 7],
    ['count_over_time', 3],
    ['sum_over_time', 15],
  ] as const) {
    assert.deepEqual(await vector(`${name}(${memory}[2m])`), [`{"service_name":"mem"} ${value}`]);
  }
  const named = `{"__name__":"${memory}","service_name":"mem"}`;
  assert.deepEqual(await vector(`last_over_time(${memory}[1m])`, 60), [`${named} 3`]);
  // Without a function: the latest profile of the last five minutes.
  assert.deepEqual(await vector(memory, 31), [`${named} 3`]);
  assert.deepEqual(await vector(memory, 360), [`${named} 5`]);
  assert.deepEqual(await vector(memory, 361), []);
  assert.deepEqual((await query(memory, 361, { lookback_delta: '6m' })).result.length, 1);
});

test('aggregations by labels, where the store sums and where it does not', async () => {
  const increase = `increase(${CPU}[2m])`;
  assert.deepEqual(await vector(`sum(${increase})`), ['{} 1250000000']);
  assert.deepEqual(await vector(`sum by (service_name) (${increase})`), [
    '{"service_name":"api"} 250000000',
    '{"service_name":"web"} 1000000000',
  ]);
  assert.deepEqual(await vector(`sum by (pod, nope) (${increase})`), [
    '{} 1000000000',
    '{"pod":"a"} 100000000',
    '{"pod":"b"} 150000000',
  ]);
  assert.deepEqual(await vector(`sum by ("k8s.pod", service_name) (${increase})`), [
    '{"k8s.pod":"w","service_name":"web"} 1000000000',
    '{"service_name":"api"} 250000000',
  ]);
  assert.deepEqual(await vector(`sum without (pod) (${increase})`), [
    '{"k8s.pod":"w","service_name":"web"} 1000000000',
    '{"service_name":"api"} 250000000',
  ]);
  // Summed here and not in the store: it is the same.
  assert.deepEqual(
    await vector(`sum by (pod) (${increase} * 1)`),
    await vector(`sum by (pod) (${increase})`),
  );
  assert.deepEqual(await vector(`avg by (service_name) (increase(${api}[2m]))`), [
    '{"service_name":"api"} 125000000',
  ]);
  assert.deepEqual(await vector(`min(${increase})`), ['{} 100000000']);
  assert.deepEqual(await vector(`max(${increase})`), ['{} 1000000000']);
  assert.deepEqual(await vector(`count by (service_name) (${increase})`), [
    '{"service_name":"api"} 2',
    '{"service_name":"web"} 1',
  ]);
  assert.deepEqual(await vector(`topk(2, ${increase})`), [
    '{"k8s.pod":"w","service_name":"web"} 1000000000',
    '{"pod":"b","service_name":"api"} 150000000',
  ]);
  assert.deepEqual(await vector(`bottomk(1, ${increase})`), [
    '{"pod":"a","service_name":"api"} 100000000',
  ]);
  assert.deepEqual(await vector(`topk by (service_name) (1, ${increase})`), [
    '{"pod":"b","service_name":"api"} 150000000',
    '{"k8s.pod":"w","service_name":"web"} 1000000000',
  ]);
});

test('vectors are matched one to one', async () => {
  const share = `sum by (pod) (increase(${api}[1m])) / on (pod) sum by (pod) (increase(${api}[2m]))`;
  assert.deepEqual(await vector(share), ['{"pod":"a"} 0.4', '{"pod":"b"} 0.3333333333333333']);
  assert.deepEqual(
    await vector(
      `increase(${api}[1m]) < ignoring (pod) sum by (service_name) (increase(${CPU}{pod="a"}[2m]))`,
    ).catch((error: Error) => error.message),
    '400: {"status":"error","errorType":"bad_data","error":"PROMQL_MALFORMED: < between vectors: several series of the left side have the labels [[\\"service_name\\",\\"api\\"]]: aggregate them, or match by more labels"}',
  );
});

test('functions: a series each, with the total of the stacks that have it', async () => {
  const f = `${CPU}{service_name="api", function="f"}`;
  // From stacks, by series: f of pod a has 2 and 3 (with g below it), of pod b 10.
  assert.deepEqual(await vector(`increase(${f}[2m])`), [
    '{"function":"f","module":"app","pod":"a","service_name":"api"} 50000000',
    '{"function":"f","module":"app","pod":"b","service_name":"api"} 100000000',
  ]);
  assert.deepEqual(await vector(`increase(${f}[15s])`, 29), [
    // Until the slot before: 0 to 15 s.
    '{"function":"f","module":"app","pod":"a","service_name":"api"} 20000000',
    '{"function":"f","module":"app","pod":"b","service_name":"api"} 100000000',
  ]);
  const many = `${CPU}{service_name="api", function=~"f|g|idle", module="app"}`;
  const expected = [
    '{"function":"f"} 150000000',
    '{"function":"g"} 80000000',
    '{"function":"idle"} 50000000',
  ];
  assert.deepEqual(await vector(`sum by (function) (increase(${many}[2m]))`), expected);
  // From the sums by function, once they are made, and it is the same.
  await server.app.rollups.makeAll();
  assert.deepEqual(await vector(`sum by (function) (increase(${many}[2m]))`), expected);
  assert.deepEqual(await vector(`sum by (function) (increase(${many}[2m]) * 1)`), expected);
  assert.deepEqual(
    await vector(`topk(1, sum by (function) (rate(${CPU}{function!~"main|f"}[2m])))`),
    ['{"function":"g"} 666666.6666666666'],
  );
  assert.deepEqual(await vector(`sum(rate(${f}[2m])) / sum(rate(${api}[2m])) > 0.5`), ['{} 0.6']);
  assert.deepEqual(
    await vector(`sum(increase(${CPU}{service_name="api",pod="a",function="g"}[2m]))`),
    ['{} 80000000'],
  );
});

test('sums by function answer where they can: without a sample', async () => {
  const rolledUp = await TestServer.start();
  await rolledUp.push(
    pprofOf('main;f 2\nidle 1', { timeMs: T0, labels: { service_name: 'api', pod: 'a' } }),
  );
  await rolledUp.app.rollups.makeAll();
  // The marks of pushes stay, by which the server knows that minutes are complete.
  await rolledUp.app.store.command(
    `ALTER TABLE samples DELETE WHERE type != '' SETTINGS mutations_sync = 1`,
  );
  const f = `increase(${CPU}{service_name="api", function="f"}[5m])`;
  const values = async (text: string) => {
    const { data } = await rolledUp.get<Answer>('/prometheus/api/v1/query', {
      query: text,
      time: SECOND + 300.5,
    });
    return data.result.map(({ value }) => value[1]);
  };
  assert.deepEqual(await values(`sum by (service_name) (${f})`), ['20000000']);
  assert.deepEqual(await values(`sum(${f})`), ['20000000']);
  assert.deepEqual(await values(f), []);
  await rolledUp.close();
});

test('a range is evaluated at each step, as an instant is', async () => {
  const { data } = await server.get<Answer>('/prometheus/api/v1/query_range', {
    query: `sum by (pod) (increase(${api}[30s]))`,
    start: SECOND,
    end: SECOND + 125,
    step: 15,
  });
  assert.equal(data.resultType, 'matrix');
  const at = (pairs: [number, number][]) => pairs.map(([s, v]) => [SECOND + s, String(v * 1e7)]);
  assert.deepEqual(data.result, [
    {
      metric: { pod: 'a' },
      values: at([
        [15, 3],
        [30, 6],
        [45, 3],
        [75, 4],
        [90, 4],
      ]),
    },
    {
      metric: { pod: 'b' },
      values: at([
        [15, 10],
        [30, 10],
        [105, 5],
        [120, 5],
      ]),
    },
  ]);
  for (const text of [
    `rate(${api}[25s])`,
    `increase(${api}[6s])`,
    `increase(${api}[7s])`,
    api,
    `max_over_time(${api}[70s]) > 30000000`,
    `sum by (function) (increase(${CPU}{function=~"f|g"}[1m]))`,
    `count(${api})`,
  ]) {
    const range = await server.get<Answer>('/prometheus/api/v1/query_range', {
      query: text,
      start: SECOND + 3,
      end: SECOND + 200,
      step: '7s',
    });
    const points = range.data.result.flatMap(({ metric, values }) =>
      values.map(([time, value]) => `${time} ${JSON.stringify(metric)} ${value}`),
    );
    const single: string[] = [];
    for (let seconds = 3; seconds <= 200; seconds += 7) {
      for (const line of await vector(text, seconds)) single.push(`${SECOND + seconds} ${line}`);
    }
    assert.deepEqual(points.sort(), single.sort(), text);
    assert.ok(points.length >= 5);
  }
});

test('scalars, also over a range', async () => {
  assert.deepEqual(await query('1 + 2 * 3'), { resultType: 'scalar', result: [SECOND + 120, '7'] });
  assert.deepEqual((await query('1 / 0')).result, [SECOND + 120, '+Inf']);
  assert.deepEqual((await query('2 > bool 1')).result, [SECOND + 120, '1']);
  const { data } = await server.get<Answer>('/prometheus/api/v1/query_range', {
    query: '2 ^ 0.5',
    start: new Date(T0).toISOString(),
    end: SECOND + 0.5,
    step: '500ms',
  });
  assert.deepEqual(data, {
    resultType: 'matrix',
    result: [
      {
        metric: {},
        values: [
          [SECOND, '1.4142135623730951'],
          [SECOND + 0.5, '1.4142135623730951'],
        ],
      },
    ],
  });
});

test('a form does as well as an address', async () => {
  const response = await server.fetch(`/prometheus/api/v1/query?time=${SECOND + 120}`, {
    method: 'POST',
    body: new URLSearchParams({ query: `sum(increase(${api}[2m]))` }),
  });
  const { data } = (await response.json()) as Answer;
  assert.deepEqual(data.result, [{ metric: {}, value: [SECOND + 120, '250000000'] }]);
  const json = await server.fetch('/prometheus/api/v1/query', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"1"}',
  });
  assert.equal(json.status, 415);
  assert.equal(((await json.json()) as { errorType: string }).errorType, 'bad_data');
});

test('timeout and limit are kept', async () => {
  const late = await server.fetch(
    `/prometheus/api/v1/query?${searchOf({ query: api, timeout: '1ms' })}`,
  );
  assert.equal(late.status, 503);
  const { errorType, error } = (await late.json()) as Record<string, string>;
  assert.equal(errorType, 'timeout');
  assert.match(error as string, /longer than timeout=1ms/);
  const two = await server.get<Answer>('/prometheus/api/v1/query', {
    query: `increase(${api}[2m])`,
    time: SECOND + 120,
    limit: 1,
    timeout: '1m',
  });
  assert.equal(two.data.result.length, 1);
  assert.match(two.warnings?.join() ?? '', /there are 2 series; limit=1/);
});

test('series, labels, values and metadata', async () => {
  const range = { start: SECOND, end: SECOND + 120 };
  const get = async (path: string, more: Record<string, string | number> = {}) =>
    server.get<{ data: unknown; warnings?: string[] }>(`/prometheus/api/v1/${path}`, {
      ...range,
      ...more,
    });
  assert.deepEqual((await get('series', { 'match[]': `${CPU}{pod=~"a|b"}` })).data, [
    { __name__: CPU, pod: 'a', service_name: 'api' },
    { __name__: CPU, pod: 'b', service_name: 'api' },
  ]);
  const names = (await get('labels')).data;
  assert.deepEqual(names, ['__name__', 'function', 'k8s.pod', 'module', 'pod', 'service_name']);
  assert.deepEqual((await get('label/__name__/values')).data, [
    'memory:inuse_space:bytes:space:bytes',
    CPU,
  ]);
  const some = { 'match[]': '{__name__=~".*space.*"}' };
  assert.deepEqual((await get('label/__name__/values', some)).data, [
    'memory:inuse_space:bytes:space:bytes',
  ]);
  assert.deepEqual((await get('label/service_name/values', some)).data, ['mem']);
  assert.deepEqual((await get('label/pod/values', { 'match[]': api })).data, ['a', 'b']);
  assert.deepEqual((await get('label/function/values', { 'match[]': api })).data, [
    'f',
    'g',
    'idle',
    'main',
  ]);
  const limited = await get('label/pod/values', { limit: 1 });
  assert.deepEqual(limited.data, ['a']);
  assert.match(limited.warnings?.join() ?? '', /there are 2; limit=1/);
  assert.deepEqual((await get('series', { 'match[]': 'up' })).data, []);
  const two = await server.fetch('/prometheus/api/v1/series', {
    method: 'POST',
    body: `match[]=${encodeURIComponent('{service_name="web"}')}&match[]=${encodeURIComponent('{service_name="mem"}')}&start=${SECOND}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.equal(((await two.json()) as { data: unknown[] }).data.length, 2);
  const { data } = await server.get<{ data: Record<string, { type: string; unit: string }[]> }>(
    '/prometheus/api/v1/metadata',
  );
  assert.deepEqual(
    data[CPU]?.map(({ type, unit }) => [type, unit]),
    [['counter', 'nanoseconds']],
  );
  assert.equal(data['memory:inuse_space:bytes:space:bytes']?.[0]?.type, 'gauge');
});

test('format_query and buildinfo', async () => {
  const formatted = await server.get<{ data: string }>('/prometheus/api/v1/format_query', {
    query: 'sum(rate(a [ 300s ]))by(b)',
  });
  assert.equal(formatted.data, 'sum by (b) (rate(a[5m]))');
  const build = await server.get<{ data: { version: string } }>(
    '/prometheus/api/v1/status/buildinfo',
  );
  assert.match(build.data.version, /^3\./);
});

test('a metric that there is none of has no samples, and a warning', async () => {
  const answer = await server.get<Answer>('/prometheus/api/v1/query', {
    query: 'sum(rate(up[5m]))',
  });
  assert.deepEqual(answer.data, { resultType: 'vector', result: [] });
  assert.match(answer.warnings?.join() ?? '', /no metric is called "up"/);
  const nope = await server.get<Answer>('/prometheus/api/v1/query', { query: `${CPU}{nope="x"}` });
  assert.match(nope.warnings?.join() ?? '', /no series has the label 'nope'/);
});

test('what is wrong is said as Prometheus does', async () => {
  const range = { query: '1', start: 0, end: 10, step: 1 };
  const cases: [string, Record<string, string | number>, number, string, RegExp][] = [
    ['query', {}, 400, 'bad_data', /query is missing/],
    ['query', { query: 'sum(' }, 400, 'bad_data', /unexpected "the end" at position 4/],
    ['query', { query: 'absent(a)' }, 400, 'bad_data', /PROMQL_UNSUPPORTED.*absent\(\)/],
    ['query', { query: '{service_name="a"}' }, 400, 'bad_data', /does not name one metric/],
    ['query', { query: `${CPU}{function="f"}` }, 400, 'bad_data', /inside of rate/],
    ['query', { query: `rate(${CPU}{function="f"}[20s])` }, 400, 'bad_data', /multiple of 15s/],
    ['query', { query: `${CPU}{a=~"("}` }, 400, 'bad_data', /RE2/],
    ['query', { query: `rate(${CPU}{function=~"("}[1m])` }, 400, 'bad_data', /RE2/],
    ['query', { query: '1', time: 'monday' }, 400, 'bad_data', /time=monday/],
    ['query', { query: '1', stats: 'all' }, 400, 'bad_data', /unknown parameter "stats"/],
    ['query', { query: '1', timeout: 'x' }, 400, 'bad_data', /timeout=x/],
    ['query_range', { ...range, step: 0 }, 400, 'bad_data', /step=0/],
    ['query_range', { ...range, end: 20_000 }, 400, 'bad_data', /20001 points.*11000/],
    ['query_range', { ...range, start: 11 }, 400, 'bad_data', /end=10 is before start=11/],
    ['query_range', { query: '1', start: 0, end: 1 }, 400, 'bad_data', /step is missing/],
    ['series', {}, 400, 'bad_data', /match\[\] is missing/],
    ['series', { 'match[]': 'rate(a[5m])' }, 400, 'bad_data', /not a series selector/],
  ];
  for (const [path, params, status, errorType, message] of cases) {
    const response = await server.fetch(`/prometheus/api/v1/${path}?${searchOf(params)}`);
    const body = (await response.json()) as Record<string, string>;
    assert.deepEqual(
      [response.status, body['status'], body['errorType']],
      [status, 'error', errorType],
    );
    assert.match(body['error'] as string, message);
  }
});

test('labels of series that are called as those of functions are theirs where none is matched', async () => {
  const labels = { service_name: 'own', module: 'm', function: 'x' };
  await server.push(pprofOf('main 1', { timeMs: T0, labels }));
  const own = `increase(${CPU}{service_name="own"}[1m])`;
  assert.deepEqual(await vector(`sum by (module) (${own})`, 60), ['{"module":"m"} 10000000']);
  assert.deepEqual(await vector(own, 60), [
    '{"function":"x","module":"m","service_name":"own"} 10000000',
  ]);
});
