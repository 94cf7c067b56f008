/** Prometheus' own client, from Debian's packages, against our server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import { unpackedDebian } from '../testing/debian-package.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { TestServer } from '../testing/test-server.ts';

const debian = unpackedDebian('debian-prometheus', () => ['prometheus']);
const skip =
  'missing' in debian ? `SKIPPED: no promtool from Debian's packages: ${debian.missing}` : false;
if (skip) console.error(`⚠ promtool.test: ${skip}`);

const MINUTE = 60_000;
const T0 = Math.floor(Date.now() / MINUTE) * MINUTE - 10 * MINUTE;
const CPU = CPU_PROFILE_TYPE;

let server: TestServer;

before(async () => {
  server = await TestServer.start();
  for (const [pod, value] of [
    ['a', 6],
    ['b', 3],
  ] as const) {
    const labels = { service_name: 'api', pod };
    await server.push(pprofOf(`main;f ${value}\nmain 1`, { timeMs: T0, labels }));
  }
});
after(() => server.close());

/** What `promtool query` prints. */
async function promtool(kind: string, options: string[], ...args: string[]): Promise<string[]> {
  const { root } = debian as { root: string };
  const program = join(root, 'usr/bin/promtool');
  const url = `${server.url}/prometheus`;
  const { stdout } = await promisify(execFile)(program, ['query', kind, ...options, url, ...args]);
  return stdout.trim().split('\n');
}

const second = T0 / 1000;

test('promtool query instant', { skip }, async () => {
  const time = [`--time=${second + 60}`];
  assert.deepEqual(await promtool('instant', time, `rate(${CPU}[1m]) / 1e9`), [
    `{pod="a", service_name="api"} => 0.0011666666666666668 @[${second + 60}]`,
    `{pod="b", service_name="api"} => 0.0006666666666666666 @[${second + 60}]`,
  ]);
  assert.deepEqual(
    await promtool('instant', time, `topk(1, ${CPU}{function="f"} > 1)`).catch(told),
    [
      'PROMQL_UNSUPPORTED: values of functions are sums: select them inside of rate, increase or sum_over_time',
    ],
  );
  assert.deepEqual(await promtool('instant', time, '1 / 0'), [`scalar: +Inf @[${second + 60}]`]);
  assert.deepEqual(await promtool('instant', time, 'sum(').catch(told), [
    'PROMQL_MALFORMED: query "sum(": unexpected "the end" at position 4',
  ]);
});

/** What promtool makes of an error: `query error: bad_data: …`. */
function told(error: { stderr: string }): string[] {
  return error.stderr
    .trim()
    .split('\n')
    .map((line) => line.replace(/^.*bad_data: /, ''));
}

test('promtool query range', { skip }, async () => {
  const range = [`--start=${second}`, `--end=${second + 120}`, '--step=30s'];
  const query = `sum by (service_name) (increase(${CPU}{pod=~"a|b", function="f"}[1m]))`;
  assert.deepEqual(await promtool('range', range, query), [
    '{service_name="api"} =>',
    `90000000 @[${second + 30}]`,
    `90000000 @[${second + 60}]`,
  ]);
});

test('promtool query series and labels', { skip }, async () => {
  const range = [`--start=${second}`, `--end=${second + 60}`];
  assert.deepEqual(await promtool('series', [...range, `--match=${CPU}{pod="b"}`]), [
    `{__name__="${CPU}", pod="b", service_name="api"}`,
  ]);
  assert.deepEqual(await promtool('labels', range, 'pod'), ['a', 'b']);
  assert.deepEqual(await promtool('labels', range, '__name__'), [CPU]);
});
