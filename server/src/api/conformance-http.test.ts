/**
 * Every parameter of Pyroscope's and Prometheus' routes changes the answer, or is refused by its name;
 * every route that there is refuses what it does not know.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import type { OpenApiDocument } from '../reference/openapi.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { TestServer } from '../testing/test-server.ts';

const HOUR = 3_600_000;
const T0 = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
const SECOND = T0 / 1000;
const YESTERDAY = SECOND - 86_400;
const CPU = CPU_PROFILE_TYPE;
const MATCHERS = '{service_name="conf"}';

let server: TestServer;
let document: OpenApiDocument;
before(async () => {
  server = await TestServer.start();
  document = await server.get<OpenApiDocument>('/api/openapi.json');
  const push = (folded: string, ms: number, labels: Record<string, string>, more = {}) =>
    server.push(pprofOf(folded, { timeMs: T0 + ms, labels, period: 1, ...more }));
  await push('main;a 3\nmain;b 4', 1_000, { service_name: 'conf', pod: 'a' });
  await push('main;a 8', 61_000, { service_name: 'conf', pod: 'b' });
  await push('main;a 5', 62_000, { service_name: 'conf', pod: 'b' });
  await push(
    'main 1',
    -24 * HOUR,
    { service_name: 'past', rack: 'r1' },
    {
      sampleTypes: [{ type: 'wall', unit: 'nanoseconds' }],
      periodType: { type: 'wall', unit: 'nanoseconds' },
    },
  );
  await push('main 1', 1_000, { service_name: 'lines', shard: 's' });
  // Metadata are of the last 24 hours, in which the past is not at any hour of the day.
  const objects = { sampleTypes: [{ type: 'objects', unit: 'count' }] };
  await push('main 1', 1_000, { service_name: 'kinds' }, objects);
});
after(() => server.close());

/** Values of parameters; several for one that may be given so. */
type Values = Record<string, string | number | string[]>;

/** What is asked with a parameter, and what the answer is compared with. */
interface Case {
  set: Values;
  /** Without the parameter; the base by default. */
  than?: Values;
  /** It is refused, and the message says so. */
  refused?: RegExp;
  /** It has no effect on this answer, for a reason that lies in what is asked. */
  same?: string;
}

interface Route {
  /** With parts of the path put in; the path itself by default. */
  url?: string;
  base: Values;
  cases: Record<string, Case>;
}

const SELECTED: Values = { query: `${CPU}${MATCHERS}`, from: SECOND, until: SECOND + 120 };
const DIFF: Values = Object.fromEntries(
  ['left', 'right'].flatMap((side) => [
    [`${side}Query`, `${CPU}${MATCHERS}`],
    [`${side}From`, SECOND],
    [`${side}Until`, SECOND + 120],
  ]),
);
const NODES: Record<string, Case> = {
  'max-nodes': { set: { 'max-nodes': 2 } },
  maxNodes: { set: { maxNodes: 2 } },
};
const ONLY_LINES = { set: { query: '{service_name="lines"}' } };
/** Of what there is: told apart by the day. */
const days = (from: string, until: string): Record<string, Case> => ({
  [from]: { set: { [from]: YESTERDAY } },
  [until]: {
    set: { [from]: YESTERDAY, [until]: YESTERDAY + 1 },
    than: { [from]: YESTERDAY },
  },
});
const LISTED = { from: SECOND, until: SECOND + 120 };
const SELECT = `${CPU}${MATCHERS}`;
const OPTIONS: Record<string, Case> = {
  timeout: { set: { timeout: '0s' }, refused: /timeout=0s/ },
  limit: { set: { limit: 1 } },
  lookback_delta: { set: { lookback_delta: '10s' } },
};
const MATCH = { set: { 'match[]': ['{service_name="lines"}'] } };

const ROUTES: Record<string, Route> = {
  '/pyroscope/render': {
    base: SELECTED,
    cases: {
      query: { set: { query: `${CPU}{pod="a"}` } },
      from: { set: { from: SECOND + 60 } },
      until: { set: { until: SECOND + 60 } },
      groupBy: { set: { groupBy: 'pod' } },
      aggregation: { set: { aggregation: 'avg' } },
      format: { set: { format: 'dot' } },
      ...NODES,
    },
  },
  '/pyroscope/render-diff': {
    base: DIFF,
    cases: {
      ...Object.fromEntries(
        ['left', 'right'].flatMap((side): [string, Case][] => [
          [`${side}Query`, { set: { [`${side}Query`]: `${CPU}{pod="a"}` } }],
          [`${side}From`, { set: { [`${side}From`]: SECOND + 60 } }],
          [`${side}Until`, { set: { [`${side}Until`]: SECOND + 60 } }],
        ]),
      ),
      format: { set: { format: 'dot' }, refused: /format=dot/ },
      ...NODES,
    },
  },
  '/pyroscope/label-names': {
    base: LISTED,
    cases: { query: ONLY_LINES, ...days('from', 'until') },
  },
  '/pyroscope/label-values': {
    base: { ...LISTED, label: 'service_name' },
    cases: { label: { set: { label: 'pod' } }, query: ONLY_LINES, ...days('from', 'until') },
  },
  '/prometheus/api/v1/query': {
    base: { query: SELECT, time: SECOND + 70 },
    cases: {
      query: { set: { query: `${CPU}{pod="a"}` } },
      time: { set: { time: SECOND + 3_000 } },
      ...OPTIONS,
    },
  },
  '/prometheus/api/v1/query_range': {
    base: { query: SELECT, start: SECOND + 60, end: SECOND + 120, step: 15 },
    cases: {
      query: { set: { query: `${CPU}{pod="a"}` } },
      start: { set: { start: SECOND + 90 } },
      end: { set: { end: SECOND + 90 } },
      step: { set: { step: 30 } },
      ...OPTIONS,
    },
  },
  '/prometheus/api/v1/format_query': {
    base: { query: 'a+b' },
    cases: { query: { set: { query: 'a-b' } } },
  },
  '/prometheus/api/v1/status/buildinfo': { base: {}, cases: {} },
  '/prometheus/api/v1/series': {
    base: { 'match[]': ['{service_name=~".+"}'], start: SECOND, end: SECOND + 120 },
    cases: { 'match[]': MATCH, ...days('start', 'end'), limit: { set: { limit: 1 } } },
  },
  '/prometheus/api/v1/labels': {
    base: { start: SECOND, end: SECOND + 120 },
    cases: { 'match[]': MATCH, ...days('start', 'end'), limit: { set: { limit: 1 } } },
  },
  '/prometheus/api/v1/label/{name}/values': {
    url: '/prometheus/api/v1/label/service_name/values',
    base: { start: SECOND, end: SECOND + 120 },
    cases: { 'match[]': MATCH, ...days('start', 'end'), limit: { set: { limit: 1 } } },
  },
  '/prometheus/api/v1/metadata': {
    base: {},
    cases: {
      metric: { set: { metric: CPU } },
      limit: { set: { limit: 1 } },
      limit_per_metric: { set: { limit_per_metric: 1 }, same: 'a metric has one entry' },
    },
  },
};

function formOf(values: Values): URLSearchParams {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, String(each)]),
  );
  return new URLSearchParams(pairs);
}

async function ask(url: string, values: Values, headers = {}): Promise<[number, string]> {
  const reply = await server.fetch(`${url}?${formOf(values)}`, { headers });
  return [reply.status, await reply.text()];
}

/** The parameters of a route, which a form has as well. */
const parametersOf = (path: string) =>
  (document.paths[path]?.['get']?.parameters ?? [])
    .filter((parameter) => parameter.in === 'query')
    .map(({ name }) => name);

test('every route to ask Pyroscope or Prometheus has its cases', () => {
  const asked = Object.entries(document.paths)
    .filter(([, { get }]) => ['Pyroscope', 'Prometheus'].includes(get?.tags[0] ?? ''))
    .map(([path]) => path);
  assert.deepEqual(asked.sort(), Object.keys(ROUTES).sort());
});

for (const [path, { url = path, base, cases }] of Object.entries(ROUTES)) {
  test(`${path}: every parameter has a case`, () => {
    assert.deepEqual(parametersOf(path).sort(), Object.keys(cases).sort());
  });

  for (const [name, { set, than, refused, same }] of Object.entries(cases)) {
    test(`${path}: ${name}`, async () => {
      const [ok, without] = await ask(url, { ...base, ...than });
      assert.equal(ok, 200, without);
      const [status, answer] = await ask(url, { ...base, ...set });
      if (refused) {
        assert.ok(status >= 400 && status < 500, answer);
        assert.match(answer, refused);
        return;
      }
      assert.equal(status, 200, answer);
      if (same) assert.equal(answer, without);
      else assert.notEqual(answer, without);
    });
  }

  test(`${path}: whoever calls, and by a form where there is one`, async () => {
    const plain = await ask(url, base);
    for (const authorization of ['Bearer of-nobody', 'Basic Zm9vOmJhcg==', 'nonsense']) {
      assert.deepEqual(await ask(url, base, { authorization, 'x-scope-orgid': 'b' }), plain);
    }
    if (!document.paths[path]?.['post']) return;
    const reply = await server.fetch(url, { method: 'POST', body: formOf(base) });
    assert.deepEqual([reply.status, await reply.text()], plain);
  });
}

test('every route refuses a parameter that it does not have, and another method', async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const url = path.replace(/\{\w+\}/g, 'x');
    const isPrometheus = path.startsWith('/prometheus/');
    for (const [method, { requestBody, tags }] of Object.entries(methods)) {
      if (tags[0] === 'Server') continue; // probes may add what keeps caches away
      const init: RequestInit = {
        method: method.toUpperCase(),
        ...(requestBody && { body: isPrometheus ? new URLSearchParams() : 'x' }),
      };
      const reply = await server.fetch(`${url}?misspelled=1`, init);
      const body = (await reply.json()) as Record<string, string>;
      const said = isPrometheus ? body['error'] : body['message'];
      assert.equal(reply.status, 400, `${method} ${path}: ${said}`);
      assert.match(said ?? '', /unknown parameter "misspelled"/, `${method} ${path}`);
    }
    const reply = await server.fetch(url, { method: 'PUT' });
    assert.equal(reply.status, 405, path);
    const allowed = (reply.headers.get('allow') ?? '')
      .split(', ')
      .filter((each) => each !== 'HEAD');
    assert.deepEqual(
      allowed.sort(),
      Object.keys(methods)
        .map((method) => method.toUpperCase())
        .sort(),
      path,
    );
  }
});

test('what is not there is said in JSON where programs ask, never with a page', async () => {
  for (const path of [
    '/api/v1/nothing',
    '/pyroscope/nothing',
    '/prometheus/api/v1/nothing',
    '/ingest/nothing',
    '/v1development/nothing',
    '/querier.v1.QuerierService/Nothing',
  ]) {
    for (const method of ['GET', 'POST']) {
      const refused = await server.refusal(path, { method });
      assert.deepEqual([refused.status, refused.code], [404, 'NOT_FOUND'], `${method} ${path}`);
    }
  }
});
