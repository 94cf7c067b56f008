import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { API, type FunctionCostsResponse } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, searchOf, TestServer } from '../testing/test-server.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The beginning of an hour, so long ago that a day fits in until now. */
const T0 = Math.floor(Date.now() / HOUR) * HOUR - 30 * HOUR;
const RANGE = { from: T0, until: T0 + HOUR };

let server: TestServer;
before(async () => {
  server = await TestServer.start();
  const push = (labels: Record<string, string>, folded: string) =>
    server.push(pprofOf(folded, { timeMs: T0 + MINUTE, labels }));
  await push({ service_name: 'api', version: '1', pod: 'a' }, 'main;parse;parse 3\nmain;idle 1');
  await push({ service_name: 'api', version: '2', pod: 'b' }, 'main;parse;copy 5');
  await push({ service_name: 'api', version: '3', pod: 'c' }, 'main;idle 7');
  await push({ service_name: 'web', service_version: '9', pod: 'd' }, 'run;parse 6\nrun 4');
  await push({ service_name: 'cron', pod: 'e' }, 'run;sleep 100');
});
after(() => server.close());

type Params = Record<string, string | number>;

function ask(params: Params, query = cpuQuery()): Promise<FunctionCostsResponse> {
  return server.get<FunctionCostsResponse>(API.functionCosts, { query, ...RANGE, ...params });
}

/** Costs as `service version self/total of whole`, in the order of the answer, in samples. */
async function costsOf(params: Params, query?: string): Promise<string[]> {
  const { costs } = await ask(params, query);
  return costs.map(
    ({ service, version, self, total, whole }) =>
      `${service} ${version} ${self / 1e7}/${total / 1e7} of ${whole / 1e7}`,
  );
}

test('a function in every version of the services that have it, from stacks and from sums', async () => {
  for (const made of [false, true]) {
    if (made) await server.app.rollups.makeAll();
    const everywhere = ['api 2 0/5 of 5', 'api 1 3/3 of 4', 'api 3 0/0 of 7', 'web 9 6/6 of 10'];
    assert.deepEqual(await costsOf({ function: 'parse' }), everywhere);
    assert.deepEqual(await costsOf({ function: 'parse', module: 'app' }), everywhere);
    assert.deepEqual(await costsOf({ function: 'parse', module: 'libc' }), []);
    assert.deepEqual(await costsOf({ function: 'pars' }), []);
    assert.deepEqual(await costsOf({ function: 'parse' }, cpuQuery('service_name="web"')), [
      'web 9 6/6 of 10',
    ]);
    assert.deepEqual(await costsOf({ function: 'parse' }, cpuQuery('version=~"1|3"')), [
      'api 1 3/3 of 4',
      'api 3 0/0 of 7',
    ]);
    assert.deepEqual(await costsOf({ function: 'parse' }, cpuQuery('pod="b"')), ['api 2 0/5 of 5']);
    assert.deepEqual(await costsOf({ function: 'sleep' }), ['cron  100/100 of 100']);
  }
});

test('what the answer says about itself', async () => {
  const { costs, ...rest } = await ask({ function: 'sleep' }, cpuQuery('zone="x"'));
  assert.deepEqual(costs, []);
  assert.deepEqual(rest, {
    profileType: cpuQuery().slice(0, -2),
    unit: 'nanoseconds',
    fromMs: T0,
    untilMs: T0 + HOUR,
    warnings: [
      "no series has the label 'zone'; labels here: service_name, pod, service_version, version",
    ],
  });
});

test('a request without a function is refused', async () => {
  const refusal = await server.refusal(`${API.functionCosts}?${searchOf({ query: cpuQuery() })}`);
  assert.match(JSON.stringify(refusal), /the parameter function is missing/);
});
