import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import {
  HeatmapQueryType,
  QuerierService,
  SelectSeriesRequestSchema,
  SelectSeriesResponseSchema,
} from '@bunsen/proto/querier/v1/querier';
import { TimeSeriesAggregationType } from '@bunsen/proto/types/v1/types';
import { createClient } from '@connectrpc/connect';
import { pprofOf } from '../testing/pprof-of.ts';
import { GrpcClient, postJson, type Refusal, TRANSPORTS } from '../testing/rpc-clients.ts';
import { TestServer } from '../testing/test-server.ts';

const SERVICE = '/querier.v1.QuerierService';
const T0 = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
const STEP = 60_000;

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

const clientOf = (name = 'connect, HTTP/2') =>
  createClient(QuerierService, TRANSPORTS[name]!(server.url));
const post = <Answer>(method: string, body: unknown) =>
  postJson<Answer>(`${server.url}${SERVICE}/${method}`, body);

async function push(
  service: string,
  folded: string,
  timeMs: number,
  labels: Record<string, string> = {},
): Promise<void> {
  const own = { service_name: service, ...labels };
  await server.push(pprofOf(folded, { labels: own, timeMs, period: 1 }));
}

const requestOf = (service: string) => ({
  profileTypeID: CPU_PROFILE_TYPE,
  labelSelector: `{service_name="${service}"}`,
  start: BigInt(T0),
  end: BigInt(T0 + 150_000),
  step: STEP / 1000,
});

type Series = {
  labels: { name: string; value: string }[];
  points: { value: number; timestamp: bigint }[];
};
/** Labels as text, and the seconds since T0 and the value of each point. */
const pointsOf = ({ series }: { series: Series[] }) =>
  series.map(({ labels, points }) => [
    labels.map(({ name, value }) => `${name}=${value}`).join(),
    ...points.map(({ timestamp, value }) => [(Number(timestamp) - T0) / 1000, value]),
  ]);

test('buckets end at their times: the first at start, the last by end', async () => {
  const values: [number, number][] = [
    [-STEP, 1], // belongs to the bucket before
    [-STEP + 1, 2],
    [0, 4],
    [1, 8],
    [STEP, 16],
    [STEP + 1, 32],
    [2 * STEP + 1, 64], // after the last whole step
  ];
  for (const [ms, value] of values) await push('edges', `main ${value}`, T0 + ms);
  const expected = [['', [0, 6], [60, 24], [120, 32]]];
  for (const name of Object.keys(TRANSPORTS)) {
    assert.deepEqual(pointsOf(await clientOf(name).selectSeries(requestOf('edges'))), expected);
  }
  const later = { ...requestOf('edges'), start: BigInt(T0 + 1) };
  assert.deepEqual(pointsOf(await clientOf().selectSeries(later)), [
    ['', [0.001, 12], [60.001, 48], [120.001, 64]],
  ]);
  const fine = { ...requestOf('edges'), start: BigInt(T0), end: BigInt(T0 + 2), step: 0.001 };
  assert.deepEqual(pointsOf(await clientOf().selectSeries(fine)), [['', [0, 4], [0.001, 8]]]);
});

test('grpc-js', async (t) => {
  await push('grpc-js', 'main 5', T0);
  const client = new GrpcClient(server.url);
  t.after(() => client.close());
  const schema = SelectSeriesRequestSchema;
  const bytes = toBinary(schema, create(schema, requestOf('grpc-js')));
  const reply = await client.call(`${SERVICE}/SelectSeries`, bytes);
  assert.deepEqual(pointsOf(fromBinary(SelectSeriesResponseSchema, reply)), [['', [0, 5]]]);
});

test('grouped by labels, the largest first, and no more than are asked for', async () => {
  const pods: [string | undefined, number, number][] = [
    ['a', 1, 0],
    ['a', 2, 1],
    ['b', 7, 0],
    ['c', 3, 1],
    [undefined, 5, 0],
  ];
  for (const [pod, value, step] of pods) {
    await push('groups', `main ${value}`, T0 + step * STEP, pod === undefined ? {} : { pod });
  }
  const client = clientOf();
  const byPod = { ...requestOf('groups'), groupBy: ['pod'] };
  const all = [
    ['pod=b', [0, 7]],
    ['', [0, 5]],
    ['pod=a', [0, 1], [60, 2]],
    ['pod=c', [60, 3]],
  ];
  assert.deepEqual(pointsOf(await client.selectSeries(byPod)), all);
  assert.deepEqual(pointsOf(await client.selectSeries({ ...byPod, limit: 2n })), all.slice(0, 2));
  assert.deepEqual(pointsOf(await client.selectSeries({ ...byPod, limit: 0n })), all);
  const groupBy = ['service_name', '__type__'];
  assert.deepEqual(pointsOf(await client.selectSeries({ ...byPod, groupBy })), [
    ['__type__=cpu,service_name=groups', [0, 13], [60, 5]],
  ]);
  const both = { ...byPod, groupBy: ['pod', '__type__'], limit: 1n };
  assert.deepEqual(pointsOf(await client.selectSeries(both)), [['__type__=cpu,pod=b', [0, 7]]]);
  assert.deepEqual(pointsOf(await client.selectSeries(requestOf('nobody'))), []);
});

test('averages are of the profiles in a bucket', async () => {
  const of: [string, number, number][] = [
    ['a', 10, 0],
    ['a', 20, -1000],
    ['b', 60, 0],
    ['b', 5, STEP],
  ];
  for (const [pod, value, ms] of of) await push('gauge', `main ${value}`, T0 + ms, { pod });
  const aggregation = TimeSeriesAggregationType.AVERAGE;
  const request = { ...requestOf('gauge'), aggregation };
  assert.deepEqual(pointsOf(await clientOf().selectSeries(request)), [['', [0, 30], [60, 5]]]);
  assert.deepEqual(pointsOf(await clientOf().selectSeries({ ...request, groupBy: ['pod'] })), [
    ['pod=b', [0, 60], [60, 5]],
    ['pod=a', [0, 15]],
  ]);
});

test('the series of a call site', async () => {
  const half = STEP / 2;
  await push('site', 'main;a 1\nmain;b 2\nother;main 4', T0 - half, { pod: 'x' });
  await push('site', 'main;a;c 8', T0 + half, { pod: 'y' });
  await push('site', 'main 16', T0 + 2.5 * STEP, { pod: 'y' }); // too late
  const at = async (names: string[], more: object = {}) => {
    const stackTraceSelector = { callSite: names.map((name) => ({ name })) };
    return pointsOf(
      await clientOf().selectSeries({ ...requestOf('site'), stackTraceSelector, ...more }),
    );
  };
  assert.deepEqual(await at(['main']), [['', [0, 3], [60, 8]]]);
  assert.deepEqual(await at(['main', 'a']), [['', [0, 1], [60, 8]]]);
  assert.deepEqual(await at(['a']), []);
  assert.deepEqual(await at([]), [['', [0, 7], [60, 8]]]);
  assert.deepEqual(await at(['main'], { groupBy: ['pod'] }), [
    ['pod=y', [60, 8]],
    ['pod=x', [0, 3]],
  ]);
});

test('a heatmap of profiles: twenty rows from the smallest to the largest', async () => {
  const of: [string, number, number][] = [
    ['a', 100, 0],
    ['a', 100, -1000],
    ['a', 104, 0], // the edge of the second row is 105
    ['b', 200, 0],
    ['b', 105, STEP],
  ];
  for (const [pod, value, ms] of of) await push('heat', `main ${value}`, T0 + ms, { pod });
  const queryType = HeatmapQueryType.INDIVIDUAL;
  const cellsOf = async (more: object) => {
    const { series } = await clientOf().selectHeatmap({ ...requestOf('heat'), queryType, ...more });
    return series.map(({ labels, slots }) => [
      labels.map(({ value }) => value).join(),
      ...slots.map(({ timestamp, yMin, counts }) => {
        assert.deepEqual(
          yMin,
          Array.from({ length: 20 }, (_, i) => 100 + 5 * i),
        );
        assert.equal(counts.length, 20);
        const filled = counts.flatMap((count, row) => (count === 0 ? [] : [[row, count]]));
        return [Number(timestamp) - T0, ...filled];
      }),
    ]);
  };
  assert.deepEqual(await cellsOf({}), [['', [0, [0, 3], [19, 1]], [STEP, [1, 1]]]]);
  const byPod = [
    ['b', [0, [19, 1]], [STEP, [1, 1]]],
    ['a', [0, [0, 3]]],
  ];
  assert.deepEqual(await cellsOf({ groupBy: ['pod'] }), byPod);
  assert.deepEqual(await cellsOf({ groupBy: ['pod'], limit: 1n }), byPod.slice(0, 1));
  const none = await clientOf().selectHeatmap({ ...requestOf('nobody'), queryType });
  assert.deepEqual(none.series, []);
});

test('what is stored, and what a query is about', async (t) => {
  const empty = await TestServer.start();
  t.after(() => empty.close());
  const none = createClient(QuerierService, TRANSPORTS['gRPC, gzip']!(empty.url));
  const { dataIngested } = await none.getProfileStats({});
  assert.equal(dataIngested, false);
  const [oldest, newest] = [T0 - 600_000, T0 + 600_000];
  for (const timeMs of [oldest, newest]) {
    const labels = { service_name: 'stats', pod: `${timeMs}` };
    await empty.push(pprofOf('main 1\nmain;a 2', { labels, timeMs }));
  }
  const stats = await none.getProfileStats({});
  assert.deepEqual(
    [stats.dataIngested, stats.oldestProfileTime, stats.newestProfileTime],
    [true, BigInt(oldest), BigInt(newest)],
  );
  const range = { start: BigInt(T0 - 3_600_000), end: BigInt(T0 + 3_600_000) };
  const sizeOf = async (query: string) => {
    const { queryScopes, queryImpact } = await none.analyzeQuery({ query, ...range });
    const [scope] = queryScopes;
    assert.equal(queryImpact?.totalQueriedSeries, scope?.seriesCount);
    return [scope?.seriesCount, scope?.profileCount, scope?.sampleCount].map(Number);
  };
  assert.deepEqual(await sizeOf('{service_name="stats"}'), [2, 2, 4]);
  assert.deepEqual(await sizeOf(`${CPU_PROFILE_TYPE}{pod="${oldest}"}`), [1, 1, 2]);
  assert.deepEqual(await sizeOf('{service_name="nobody"}'), [0, 0, 0]);
});

test('what is wrong, or not there, is named', async () => {
  const good = {
    profileTypeID: CPU_PROFILE_TYPE,
    labelSelector: '{}',
    start: T0,
    end: T0 + 1000,
    step: 15,
  };
  const goPgo = { goPgo: { keepLocations: 5 } };
  const site = { callSite: [{ name: 'main' }] };
  const cases: [method: string, body: object, code: string, message: RegExp][] = [
    ['SelectSeries', { ...good, labelSelector: '' }, 'SELECTOR_MALFORMED', /""/],
    ['SelectSeries', { ...good, start: 0 }, 'PARAMETER_INVALID', /start is missing/],
    ['SelectSeries', { ...good, end: T0 - 1 }, 'RANGE_EMPTY', /end=/],
    ['SelectSeries', { ...good, step: 0 }, 'PARAMETER_INVALID', /step=0 is not from 0.001/],
    ['SelectSeries', { ...good, step: 0.0009 }, 'PARAMETER_INVALID', /step=0.0009/],
    ['SelectSeries', { ...good, step: 'NaN' }, 'PARAMETER_INVALID', /step=NaN/],
    [
      'SelectSeries',
      { ...good, end: T0 + 20_000, step: 0.001 },
      'PARAMETER_INVALID',
      /step=0.001 makes 20001 points; at most 11000/,
    ],
    ['SelectSeries', { ...good, limit: -1 }, 'PARAMETER_INVALID', /limit=-1 is not from 0 to 1000/],
    ['SelectSeries', { ...good, aggregation: 7 }, 'PARAMETER_INVALID', /aggregation=7/],
    [
      'SelectSeries',
      { ...good, groupBy: [...'abcdefghi'] },
      'PARAMETER_INVALID',
      /group_by has 9 labels/,
    ],
    [
      'SelectSeries',
      { ...good, stackTraceSelector: goPgo },
      'NOT_IMPLEMENTED',
      /stack_trace_selector.go_pgo/,
    ],
    [
      'SelectSeries',
      { ...good, stackTraceSelector: site, aggregation: 'TIME_SERIES_AGGREGATION_TYPE_AVERAGE' },
      'PARAMETER_CONTRADICTION',
      /stack_trace_selector/,
    ],
    ['SelectHeatmap', { ...good, step: 0 }, 'PARAMETER_INVALID', /step=0/],
    ['AnalyzeQuery', {}, 'SELECTOR_MALFORMED', /""/],
  ];
  for (const [method, body, code, message] of cases) {
    const refused = await post<Refusal>(method, body);
    assert.equal(refused.headers.get('bunsen-code'), code, refused.body.message);
    assert.match(refused.body.message, message);
  }
  const none = { ...good, exemplarType: 'EXEMPLAR_TYPE_NONE' };
  assert.equal((await post('SelectSeries', none)).status, 200);
});
