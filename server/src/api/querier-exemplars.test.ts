/** Exemplars, and what leads on from them: flame graphs of single profiles and spans. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import {
  HeatmapQueryType,
  QuerierService,
  type SelectMergeStacktracesResponse,
} from '@bunsen/proto/querier/v1/querier';
import { type Exemplar, ExemplarType } from '@bunsen/proto/types/v1/types';
import { createClient } from '@connectrpc/connect';
import { parseProfileId, profileId } from '../query/profile-id.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { postJson, type Refusal, TRANSPORTS } from '../testing/rpc-clients.ts';
import { TestServer } from '../testing/test-server.ts';

const T0 = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
const STEP = 60_000;
const A = '9a517183f26a089d';
const B = '00000000000000ff';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

const clientOf = (name = 'connect, HTTP/2') =>
  createClient(QuerierService, TRANSPORTS[name]!(server.url));

const requestOf = (service: string) => ({
  profileTypeID: CPU_PROFILE_TYPE,
  labelSelector: `{service_name="${service}"}`,
  start: BigInt(T0),
  end: BigInt(T0 + 5 * STEP),
});
const seriesOf = (service: string) => ({ ...requestOf(service), step: STEP / 1000 });

async function push(
  service: string,
  folded: string,
  ms: number,
  labels: Record<string, string> = {},
  spans: (string | undefined)[] = [],
): Promise<void> {
  const own = { service_name: service, ...labels };
  const labelsOf = (line: number) => {
    const span_id = spans[line];
    return span_id === undefined ? own : { ...own, span_id };
  };
  await server.push(pprofOf(folded, { labelsOf, timeMs: T0 + ms, period: 1 }));
}

/** Milliseconds since T0, value, span and labels. */
const shown = ({ timestamp, value, spanId, labels }: Exemplar) => [
  Number(timestamp) - T0,
  Number(value),
  spanId,
  labels.map(({ name, value }) => `${name}=${value}`).join(),
];

async function totalOf(service: string, selector: object): Promise<number> {
  const merged: SelectMergeStacktracesResponse = await clientOf().selectMergeStacktraces({
    ...requestOf(service),
    ...selector,
  });
  return Number(merged.flamegraph?.total);
}

test('the id of a profile is a UUID of its series and slot, in the order of time', () => {
  const slotMs = 1_766_000_010_000;
  for (const series of [0n, 1n, 0x9a517183f26a089dn, (1n << 64n) - 1n]) {
    const id = profileId({ series, slotMs });
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(parseProfileId(id.toUpperCase()), { series, slotMs });
    assert.ok(id < profileId({ series: 0n, slotMs: slotMs + 15_000 }));
    for (const other of [id.slice(1), `${id.slice(0, -1)}1`, id.replace(/-8/, '-4'), `f${id}`]) {
      assert.equal(parseProfileId(other), undefined, other);
    }
  }
  assert.equal(parseProfileId(profileId({ series: 5n, slotMs: slotMs + 1 })), undefined);
});

for (const name of Object.keys(TRANSPORTS)) {
  test(`each point has its largest profile, over ${name}`, async () => {
    const service = `points-${Object.keys(TRANSPORTS).indexOf(name)}`;
    await push(service, 'main;a 3', 1_000, { pod: 'a' });
    await push(service, 'main;b 5', 20_000, { pod: 'b', zone: 'x' });
    await push(service, 'main;c 4', 40_000, { pod: 'a' });
    await push(service, 'main 9', STEP + 1, { pod: 'a' });
    const client = clientOf(name);
    const exemplarType = ExemplarType.INDIVIDUAL;
    const { series } = await client.selectSeries({ ...seriesOf(service), exemplarType });
    assert.deepEqual(
      series[0]?.points.map(({ value, exemplars }) => [value, ...exemplars.map(shown)]),
      [
        [12, [20_000, 5, '', `pod=b,service_name=${service},zone=x`]],
        [9, [STEP + 1, 9, '', `pod=a,service_name=${service}`]],
      ],
    );
    const id = series[0]?.points[0]?.exemplars[0]?.profileId ?? '';
    const { flamegraph } = await client.selectMergeStacktraces({
      ...requestOf(service),
      profileIdSelector: [id],
    });
    assert.deepEqual([flamegraph?.names, flamegraph?.total], [['total', 'main', 'b'], 5n]);
    const profile = await client.selectMergeProfile({
      ...requestOf(service),
      profileIdSelector: [id, series[0]?.points[1]?.exemplars[0]?.profileId ?? ''],
    });
    const sum = profile.sample.reduce((total, { value }) => total + (value[0] ?? 0n), 0n);
    assert.equal(sum, 14n);
  });
}

test('by the labels that are grouped by, which the exemplars leave out', async () => {
  await push('grouped', 'main 3', 1_000, { pod: 'a', zone: 'x' });
  await push('grouped', 'main 4', 20_000, { pod: 'a', zone: 'y' });
  await push('grouped', 'main 9', 20_000, { pod: 'b', zone: 'y' });
  const request = { ...seriesOf('grouped'), exemplarType: ExemplarType.INDIVIDUAL };
  const found = async (groupBy: string[]) =>
    (await clientOf().selectSeries({ ...request, groupBy })).series.map(({ points }) =>
      points.flatMap(({ exemplars }) => exemplars.map(shown)),
    );
  assert.deepEqual(await found(['pod']), [
    [[20_000, 9, '', 'service_name=grouped,zone=y']],
    [[20_000, 4, '', 'service_name=grouped,zone=y']],
  ]);
  assert.deepEqual(await found(['zone', 'service_name']), [
    [[20_000, 9, '', 'pod=b']],
    [[1_000, 3, '', 'pod=a']],
  ]);
  assert.deepEqual(
    (await clientOf().selectSeries(seriesOf('grouped'))).series[0]?.points[0]?.exemplars,
    [],
  );
});

test('an exemplar leads to the flame graph of its slot', async () => {
  await push('near', 'main;a 3', 16_000);
  await push('near', 'main;b 4', 29_999);
  await push('near', 'main;c 2', 31_000);
  await push('near', 'main;d 1', 29_999, { pod: 'other' });
  const exemplarType = ExemplarType.INDIVIDUAL;
  const { series } = await clientOf().selectSeries({ ...seriesOf('near'), exemplarType });
  const [exemplar] = series[0]?.points[0]?.exemplars ?? [];
  assert.deepEqual(exemplar && shown(exemplar), [29_999, 4, '', 'service_name=near']);
  assert.equal(await totalOf('near', { profileIdSelector: [exemplar?.profileId] }), 7);
});

test('spans of a point: what each took within a slot', async () => {
  await push('spans', 'main;a 3\nmain;b 4\nmain;c 90', 1_000, { pod: 'p' }, [A, B]);
  await push('spans', 'main;a 2', 9_000, { pod: 'p' }, [A]);
  await push('spans', 'main;b 1', STEP + 16_000, { pod: 'q' }, [B]);
  const exemplarType = ExemplarType.SPAN;
  const { series } = await clientOf().selectSeries({ ...seriesOf('spans'), exemplarType });
  assert.deepEqual(
    series[0]?.points.map(({ value, exemplars }) => [value, ...exemplars.map(shown)]),
    [
      [99, [9_000, 5, A, 'pod=p,service_name=spans']],
      [1, [STEP + 16_000, 1, B, 'pod=q,service_name=spans']],
    ],
  );
  const [exemplar] = series[0]?.points[0]?.exemplars ?? [];
  const spanSelector = [exemplar?.spanId];
  assert.equal(await totalOf('spans', { spanSelector }), 5);
  const profileIdSelector = [exemplar?.profileId];
  assert.equal(await totalOf('spans', { profileIdSelector }), 99);
  assert.equal(await totalOf('spans', { profileIdSelector, spanSelector: [B] }), 4);
});

test('a heatmap of spans, with the largest of each cell', async () => {
  await push('heat', 'main;a 100\nmain;b 140\nmain 7', 1_000, {}, [A, B]);
  await push('heat', 'main;a 40', 8_000, {}, [A]); // more of the same span: 140
  await push('heat', 'main;a 300', STEP + 1_000, {}, [A]);
  const request = {
    ...seriesOf('heat'),
    queryType: HeatmapQueryType.SPAN,
    exemplarType: ExemplarType.SPAN,
  };
  const { series } = await clientOf().selectHeatmap(request);
  const slots = series[0]?.slots ?? [];
  assert.deepEqual(
    slots[0]?.yMin,
    Array.from({ length: 20 }, (_, i) => 140 + 8 * i),
  );
  assert.deepEqual(
    slots.map(({ timestamp, counts, exemplars }) => [
      Number(timestamp) - T0,
      counts.flatMap((count, row) => (count === 0 ? [] : [[row, count]])),
      exemplars.map(shown),
    ]),
    [
      [STEP, [[0, 2]], [[7_500, 140, A, 'service_name=heat']]],
      [2 * STEP, [[19, 1]], [[STEP + 7_500, 300, A, 'service_name=heat']]],
    ],
  );
  const none = await clientOf().selectHeatmap({ ...request, exemplarType: ExemplarType.NONE });
  assert.deepEqual(
    none.series[0]?.slots.map(({ exemplars }) => exemplars.length),
    [0, 0],
  );
  const byService = await clientOf().selectHeatmap({
    ...request,
    groupBy: ['service_name', 'zone'],
  });
  assert.deepEqual(byService.series[0]?.slots[1]?.exemplars.map(shown), [
    [STEP + 7_500, 300, A, ''],
  ]);
  const nobody = await clientOf().selectHeatmap({ ...request, labelSelector: '{pod="x"}' });
  assert.deepEqual(nobody.series, []);
});

test('a heatmap of profiles, with the largest of each cell', async () => {
  for (const [i, value] of [100, 104, 200, 199].entries()) {
    await push('cells', `main ${value}`, i * 15_000 + 1);
  }
  const exemplarType = ExemplarType.INDIVIDUAL;
  const { series } = await clientOf().selectHeatmap({ ...seriesOf('cells'), exemplarType });
  const [slot] = series[0]?.slots ?? [];
  assert.deepEqual(
    slot?.exemplars.map(({ value }) => value),
    [104n, 200n],
  );
  const profileIdSelector = slot?.exemplars.map(({ profileId }) => profileId);
  assert.equal(await totalOf('cells', { profileIdSelector }), 304);
});

test('what is wrong, or contradicts itself, is named', async () => {
  const good = {
    profileTypeID: CPU_PROFILE_TYPE,
    labelSelector: '{}',
    start: T0,
    end: T0 + STEP,
    step: 15,
  };
  const site = { callSite: [{ name: 'main' }] };
  const uuid = 'f6591ef9-8f5a-46c3-a6f7-fb28929dd111';
  const cases: [method: string, more: object, code: string, message: RegExp][] = [
    ['SelectSeries', { exemplarType: 9 }, 'PARAMETER_INVALID', /exemplar_type=9 is none of EXEMP/],
    [
      'SelectSeries',
      { exemplarType: 'EXEMPLAR_TYPE_SPAN', stackTraceSelector: site },
      'PARAMETER_CONTRADICTION',
      /exemplar_type=EXEMPLAR_TYPE_SPAN .* leave out stack_trace_selector/,
    ],
    ['SelectHeatmap', { queryType: 9 }, 'PARAMETER_INVALID', /query_type=9 is none of HEATMAP_/],
    ['SelectHeatmap', { exemplarType: 9 }, 'PARAMETER_INVALID', /exemplar_type=9/],
    [
      'SelectHeatmap',
      { exemplarType: 'EXEMPLAR_TYPE_SPAN' },
      'PARAMETER_CONTRADICTION',
      /what is counted are profiles/,
    ],
    [
      'SelectHeatmap',
      { exemplarType: 2, queryType: 'HEATMAP_QUERY_TYPE_SPAN' },
      'PARAMETER_CONTRADICTION',
      /exemplar_type=EXEMPLAR_TYPE_INDIVIDUAL, but what is counted are spans/,
    ],
    [
      'SelectMergeStacktraces',
      { profileIdSelector: [uuid] },
      'PARAMETER_INVALID',
      /profile_id_selector\[0\] "f6591ef9.*" is not the id of a profile here/,
    ],
    [
      'SelectMergeProfile',
      { profileIdSelector: Array(1001).fill(uuid) },
      'PARAMETER_INVALID',
      /profile_id_selector has 1001 ids; at most 1000/,
    ],
  ];
  for (const [method, more, code, message] of cases) {
    const url = `${server.url}/querier.v1.QuerierService/${method}`;
    const refused = await postJson<Refusal>(url, { ...good, ...more });
    assert.equal(refused.headers.get('bunsen-code'), code, refused.body.message);
    assert.match(refused.body.message, message);
  }
});
