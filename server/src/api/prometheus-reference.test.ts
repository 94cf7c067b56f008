/** The same samples in a real Prometheus, from Debian's packages, and here: the same answers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { debianPrometheus, startPrometheus } from '../testing/debian-prometheus.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { searchOf, TestServer } from '../testing/test-server.ts';

const debian = debianPrometheus();
const skip =
  'missing' in debian ? `SKIPPED: no Prometheus from Debian's packages: ${debian.missing}` : false;
if (skip) console.error(`⚠ prometheus-reference.test: ${skip}`);

const HOUR = 3_600_000;
const SECOND = Math.floor(Date.now() / HOUR) * 3600 - 3 * 3600;
const M = 'memory:inuse_space:bytes:space:bytes';

/** Series with a gauge each, at some of the times. */
const SERIES: { labels: Record<string, string>; values: (number | undefined)[] }[] = [
  { labels: { service_name: 'api', pod: 'a', region: 'eu' }, values: [7, 3, 5, 8] },
  { labels: { service_name: 'api', pod: 'b', region: 'us' }, values: [2, undefined, 9, 4] },
  { labels: { service_name: 'web', pod: 'c', region: 'eu' }, values: [100, 50, undefined, 25] },
  { labels: { service_name: 'web', pod: 'd' }, values: [1, 1, 1, undefined] },
  { labels: { service_name: 'db', pod: 'e', region: 'us' }, values: [undefined, 60, 70, 80] },
];
/** Ranges begin and end elsewhere: Prometheus has their end in them, and we their beginning. */
const SECONDS = [0, 30, 60, 90];

let server: TestServer;
let reference: { url: string; stop: () => Promise<void> } | undefined;

before(async () => {
  if ('missing' in debian) return;
  server = await TestServer.start();
  const lines = [`# TYPE ${M} gauge`];
  for (const { labels, values } of SERIES) {
    for (const [i, value] of values.entries()) {
      if (value === undefined) continue;
      const at = SECOND + (SECONDS[i] as number);
      const pairs = Object.entries(labels).map(([name, text]) => `${name}="${text}"`);
      lines.push(`${M}{${pairs}} ${value} ${at}`);
      await server.push(
        pprofOf(`main ${value}`, {
          timeMs: at * 1000,
          period: 1,
          labels,
          sampleTypes: [{ type: 'inuse_space', unit: 'bytes' }],
          periodType: { type: 'space', unit: 'bytes' },
        }),
      );
    }
  }
  reference = await startPrometheus(debian.root, `${lines.join('\n')}\n# EOF\n`);
});
after(async () => {
  await server?.close();
  await reference?.stop();
});

interface Answer {
  status: string;
  errorType?: string;
  data?: { resultType: string; result: unknown };
}

async function ask(base: string, path: string, params: Record<string, string | number>) {
  const response = await fetch(`${base}/api/v1/${path}?${searchOf(params)}`);
  return (await response.json()) as Answer;
}

/** Values as numbers of 12 digits, as means are summed up in another order; series in any order. */
function comparable({ status, errorType, data }: Answer, ordered: boolean): unknown {
  const rounded = JSON.stringify(data, (_, value) =>
    typeof value === 'string' && /^[-+]?(\d|Inf|NaN)/.test(value)
      ? String(Number(Number(value.replace('Inf', 'Infinity')).toPrecision(12)))
      : value && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
  );
  if (data === undefined) return { status, errorType };
  const { resultType, result } = JSON.parse(rounded) as { resultType: string; result: unknown[] };
  if (ordered || resultType === 'scalar') return { status, resultType, result };
  return { status, resultType, result: result.map((each) => JSON.stringify(each)).sort() };
}

async function compare(path: string, params: Record<string, string | number>, ordered = false) {
  const theirs = await ask((reference as { url: string }).url, path, params);
  const ours = await ask(`${server.url}/prometheus`, path, params);
  assert.deepEqual(
    comparable(ours, ordered),
    comparable(theirs, ordered),
    `${path} ${JSON.stringify(params)}`,
  );
}

const EXPRESSIONS = [
  M,
  `{__name__="${M}"}`,
  `${M}{region="eu"}`,
  `${M}{region=""}`,
  `${M}{pod=~"a|b",region!~"u.*"}`,
  `${M} offset 30s`,
  `${M} offset -20s`,
  ...['sum', 'avg', 'min', 'max', 'count', 'last'].map((name) => `${name}_over_time(${M}[70s])`),
  `sum_over_time(${M}[40s] offset 25s)`,
  ...['sum', 'avg', 'min', 'max', 'count'].flatMap((name) => [
    `${name}(${M})`,
    `${name} by (region) (${M})`,
    `${name} without (pod, region) (${M})`,
    `${name} by (nope) (${M})`,
    `${name} by (__name__, service_name) (${M})`,
  ]),
  `sum by (region) (sum_over_time(${M}[50s]))`,
  `sum by (region, service_name) (sum_over_time(${M}[50s])) / 7`,
  `count(count by (region) (${M}))`,
  `topk(2, ${M})`,
  `topk by (region) (1, ${M})`,
  `bottomk(3, ${M} * -1)`,
  `topk(0, ${M})`,
  `topk(1 + 1, sum by (service_name) (${M}))`,
  `${M} + 1`,
  `2 ^ ${M} % 7`,
  `-${M}`,
  `-${M} ^ 2`,
  `${M} > 5`,
  `5 < ${M}`,
  `${M} > bool 5`,
  `5 >= bool ${M}`,
  `${M} == 1`,
  `${M} != ${M}`,
  `${M} / ${M}`,
  `${M} / 0`,
  `(${M} - ${M}) / 0`,
  `${M} > ${M} offset 30s`,
  `${M} > bool ${M} offset 30s`,
  `${M} - on (pod) ${M} offset 30s`,
  `sum by (region) (${M}) / ignoring (service_name) sum by (region) (${M}{service_name="api"})`,
  `sum by (region) (${M}) > on (region) sum by (region) (${M}{service_name="api"})`,
  `sum by (pod, region) (${M}) > ignoring (region) sum by (pod) (${M} offset 30s)`,
  `min(${M} / 0) + max((${M} - ${M}) / 0)`,
  `${M} / on (service_name) ${M}`,
  `${M}{pod="zzz"}`,
  'sum(',
  '1 > 2',
  `rate(${M})`,
];

test('every expression has the same samples at every time', { skip }, async () => {
  for (const query of EXPRESSIONS) {
    const ordered = /^(topk|bottomk)\(/.test(query);
    for (const seconds of [1, 45, 100, 355, 395]) {
      await compare('query', { query, time: SECOND + seconds }, ordered);
    }
  }
});

test('every expression has the same samples over a range', { skip }, async () => {
  for (const query of EXPRESSIONS) {
    const range = { start: SECOND - 9.5, end: SECOND + 170, step: 17 };
    await compare('query_range', { query, ...range });
  }
});

test('expressions are formatted in the same way', { skip }, async () => {
  for (const query of [...EXPRESSIONS, '-2^2', '- - 1', '1e-9', '1234567', `sum((${M}))by(a)`]) {
    const theirs = await ask((reference as { url: string }).url, 'format_query', { query });
    const ours = await ask(`${server.url}/prometheus`, 'format_query', { query });
    // Long ones take several lines there.
    const line = String(theirs.data).replace(/\s+/g, ' ').trim();
    assert.deepEqual([ours.status, String(ours.data)], [theirs.status, line]);
  }
});
