import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { API, type LabelDifferencesResponse } from '@bunsen/profile';
import { PERIOD_NS, pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, searchOf, TestServer } from '../testing/test-server.ts';

const timeMs = Math.floor(Date.now() / 15_000) * 15_000 - 60_000;
const RANGE = { from: timeMs, until: timeMs + 15_000 };
let server: TestServer;

async function push(folded: string, labels: Record<string, string>): Promise<void> {
  await server.push(pprofOf(folded, { timeMs, labels: { service_name: 'api', ...labels } }));
}

function differences(query: string, label: string, more = {}): Promise<LabelDifferencesResponse> {
  return server.get(API.labelDifferences, { query, label, ...RANGE, ...more });
}

before(async () => {
  server = await TestServer.start();
  await push('main;parse 600\nmain;render 400', { host: 'a', team: 'x' });
  await push('main;handle;parse 300\nmain;render 200', { host: 'b', team: 'x' });
  await push('main;parse 100\nmain;render 100\nmain;spin 300', { host: 'c' });
});
after(() => server.close());

test('how far the shares of a value are from those of all others, the farthest first', async () => {
  const answer = await differences(cpuQuery('service_name="api"'), 'host');
  assert.equal(answer.total, 2000 * PERIOD_NS);
  assert.equal(answer.unit, 'nanoseconds');
  const [c, a, b] = answer.values;
  assert.deepEqual([c?.value, a?.value, b?.value], ['c', 'a', 'b']);
  // c: parse 0.2, render 0.2, spin 0.6; the rest: 0.6, 0.4, 0.
  assert.equal(c?.total, 500 * PERIOD_NS);
  assert.ok(Math.abs((c?.distance ?? 0) - 0.6) < 1e-9, `${c?.distance}`);
  assert.deepEqual(
    c?.functions.map(({ name }) => name),
    ['spin', 'parse', 'render'],
  );
  assert.deepEqual(c?.functions[0], { name: 'spin', module: 'app', share: 0.6, restShare: 0 });
  // a lacks what c has: 0.6 0.4 0 against 0.4 0.3 0.3. Whoever calls parse does not matter.
  assert.ok(Math.abs((a?.distance ?? 0) - 0.3) < 1e-9, `${a?.distance}`);
  assert.equal(a?.functions.length, 2);
  // b: 0.6 0.4 0 against 700/1500, 500/1500, 300/1500.
  assert.ok(Math.abs((b?.distance ?? 0) - 0.2) < 1e-9, `${b?.distance}`);
});

test('series without the label are a value of their own, and other labels limit it', async () => {
  const { values } = await differences(cpuQuery(), 'team');
  assert.deepEqual(values.map(({ value }) => value).toSorted(), ['', 'x']);
  const onlyX = await differences(cpuQuery('team="x"'), 'host');
  assert.deepEqual(
    onlyX.values.map(({ value, distance }) => [value, Math.round(distance * 1e6)]),
    [
      ['a', 0],
      ['b', 0],
    ],
  );
  const services = await differences(cpuQuery(), 'service_name', { limit: 1 });
  assert.deepEqual(
    services.values.map(({ value, distance, chance }) => [value, distance, chance]),
    [['api', 0, 0]],
  );
});

test('values that are drawn from one profile are as far apart as chance has them', async () => {
  // 300 functions by Zipf's law, a few hundred samples each: most functions are met once or never.
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const weights = Array.from({ length: 300 }, (_, i) => 1 / (i + 1));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const draw = () => {
    let left = random() * whole;
    return weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
  };
  for (let pod = 0; pod < 8; pod++) {
    const counts = new Map<number, number>();
    for (let i = 0; i < 400; i++) {
      const fn = draw();
      counts.set(fn, (counts.get(fn) ?? 0) + 1);
    }
    const folded = Array.from(counts, ([fn, count]) => `main;f${fn} ${count}`).join('\n');
    await push(folded, { service_name: 'even', pod: `p${pod}` });
  }
  const { values } = await differences(cpuQuery('service_name="even"'), 'pod');
  assert.equal(values.length, 8);
  const mean = (of: 'distance' | 'chance') =>
    values.reduce((sum, value) => sum + value[of], 0) / values.length;
  const ratio = mean('distance') / mean('chance');
  assert.ok(ratio > 0.75 && ratio < 1.25, `${mean('distance')} against ${mean('chance')}`);
  assert.ok(mean('distance') > 0.1);
});

test('what is wrong is named', async () => {
  const refusal = (params: Record<string, string>) =>
    server.refusal(`${API.labelDifferences}?${searchOf(params)}`);
  assert.match((await refusal({ query: cpuQuery() })).message, /label is missing: label=host/);
  const tooMany = await refusal({ query: cpuQuery(), label: 'a', limit: '1001' });
  assert.match(tooMany.message, /limit=1001 is not a whole number from 1 to 1000/);
});
