/** Profiles of spans: from every way in that can name them, over every protocol. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, toBinary, toJson } from '@bufbuild/protobuf';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import * as v1_9 from '@bunsen/proto/otlp/v1_9/profiles';
import * as v1_10 from '@bunsen/proto/otlp/v1_10/profiles';
import { PusherService } from '@bunsen/proto/push/v1/push';
import {
  type FlameGraph,
  HeatmapQueryType,
  ProfileFormat,
  QuerierService,
} from '@bunsen/proto/querier/v1/querier';
import { ExemplarType } from '@bunsen/proto/types/v1/types';
import { createClient } from '@connectrpc/connect';
import { otlpOf } from '../testing/otlp-of.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { postJson, type Refusal, TRANSPORTS } from '../testing/rpc-clients.ts';
import { cpuQuery, searchOf, TestServer, totalOf } from '../testing/test-server.ts';

const T0 = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
const HOUR = { start: BigInt(T0), end: BigInt(T0 + 3_600_000) };
const A = '9a517183f26a089d';
const B = '00000000000000ff';
/** Of both. */
const TRACE = '0af7651916cd43dd8448eb211c80319c';
/** Of each line; the last two have none. */
const SPANS = [A, A, B, undefined, undefined];
const FOLDED = 'main;a 1\nmain;a;c 2\nmain;b 4\nmain;a 8\nmain;d 16';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

const requestOf = (service: string, spanSelector: string[] = []) => ({
  profileTypeID: CPU_PROFILE_TYPE,
  labelSelector: `{service_name="${service}"}`,
  spanSelector,
  ...HOUR,
});
const clientOf = (name = 'connect, HTTP/1, protobuf') =>
  createClient(QuerierService, TRANSPORTS[name]!(server.url));

/** Name and total of each function, of samples of 1. */
async function shown(service: string, spans: string[]): Promise<Record<string, number>> {
  return totalsOf(await clientOf().selectMergeSpanProfile(requestOf(service, spans)));
}

function totalsOf({ flamegraph }: { flamegraph?: FlameGraph | undefined }): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const { values } of flamegraph?.levels ?? []) {
    for (let at = 0; at < values.length; at += 4) {
      totals[flamegraph?.names[Number(values[at + 3])] ?? ''] = Number(values[at + 1]);
    }
  }
  return totals;
}

function pprofWith(labelsOf: (span: string) => Record<string, string>, extra = {}): Uint8Array {
  return pprofOf(FOLDED, {
    timeMs: T0,
    period: 1,
    labelsOf: (line) => {
      const span = SPANS[line];
      return { ...extra, ...(span !== undefined && { trace_id: TRACE, ...labelsOf(span) }) };
    },
  });
}

async function push(service: string, rawProfile: Uint8Array): Promise<void> {
  const client = createClient(PusherService, TRANSPORTS['gRPC, gzip']!(server.url));
  const labels = [
    { name: '__name__', value: 'process_cpu' },
    { name: 'service_name', value: service },
  ];
  await client.push({ series: [{ labels, samples: [{ rawProfile, ID: '' }] }] });
}

async function post(path: string, body: Uint8Array | string, type: string): Promise<void> {
  const reply = await server.fetch(path, {
    method: 'POST',
    headers: { 'content-type': type },
    body: body as Uint8Array<ArrayBuffer>,
  });
  assert.equal(reply.status, 200, await reply.text());
}

const otlp = (service: string) =>
  otlpOf(FOLDED, {
    service,
    spans: SPANS,
    traces: SPANS.map((span) => span && TRACE),
    timeMs: T0,
    period: 1n,
  });
const V10 = v1_10.ExportProfilesServiceRequestSchema;
const V9 = v1_9.ExportProfilesServiceRequestSchema;

/** OTLP's JSON has ids in hexadecimal, where protobuf's own has base64. */
function otlpJson(service: string): string {
  const json = JSON.stringify(toJson(V10, create(V10, otlp(service))));
  return json.replace(
    /"(spanId|traceId)":"([^"]*)"/g,
    (_, name: string, id: string) =>
      `"${name}":"${Buffer.from(id, 'base64').toString('hex').toUpperCase()}"`,
  );
}

const SENDERS: Record<string, (service: string) => Promise<void>> = {
  'the label span_id of a push': (service) =>
    push(
      service,
      pprofWith((span_id) => ({ span_id })),
    ),
  'the label profile_id of /ingest': (service) =>
    post(
      `/ingest?name=${service}&format=pprof`,
      pprofWith((profile_id) => ({ profile_id })),
      'application/octet-stream',
    ),
  'the label span_id of our own API': async (service) => {
    await server.push(pprofWith((span_id) => ({ span_id }), { service_name: service }));
  },
  'the link of OTLP 1.10': (service) =>
    post(
      '/v1development/profiles',
      toBinary(V10, create(V10, otlp(service))),
      'application/x-protobuf',
    ),
  'the link of OTLP 1.9': (service) =>
    post(
      '/v1development/profiles',
      toBinary(V9, create(V9, otlp(service) as never)),
      'application/x-protobuf',
    ),
  'the link of OTLP in JSON': (service) =>
    post('/v1development/profiles', otlpJson(service), 'application/json'),
};

for (const [index, [name, send]] of Object.entries(SENDERS).entries()) {
  test(`samples of spans, named by ${name}`, async () => {
    const service = `sender-${index}`;
    await send(service);
    assert.deepEqual(await shown(service, [A]), { total: 3, main: 3, a: 3, c: 2 });
    assert.deepEqual(await shown(service, [B]), { total: 4, main: 4, b: 4 });
    assert.deepEqual(await shown(service, [B, A.toUpperCase()]), {
      total: 7,
      main: 7,
      a: 3,
      b: 4,
      c: 2,
    });
    assert.deepEqual(await shown(service, ['0123456789abcdef']), { total: 0 });
    const ofTrace = async (traceIdSelector: string[], spanSelector: string[] = []) => {
      const request = { ...requestOf(service, spanSelector), traceIdSelector };
      return totalsOf(await clientOf().selectMergeStacktraces(request));
    };
    const all = { total: 7, main: 7, a: 3, b: 4, c: 2 };
    assert.deepEqual(await ofTrace([TRACE]), all);
    assert.deepEqual(await ofTrace(['f'.repeat(32), TRACE.toUpperCase()]), all);
    assert.deepEqual(await ofTrace([TRACE], [B]), { total: 4, main: 4, b: 4 });
    assert.deepEqual(await ofTrace(['f'.repeat(32)]), { total: 0 });
    // All samples are where they were, in one series.
    const range = { from: T0, until: T0 + 3_600_000 };
    const query = cpuQuery(`service_name="${service}"`);
    assert.equal(totalOf(await server.flame(query, range)), 31);
    const [row] = await server.app.store.rows<{ series: string; profiles: string }>(
      `SELECT uniqExact(series) AS series, count() AS profiles FROM profiles
       WHERE service = {service:String}`,
      { params: { service } },
    );
    assert.deepEqual(row, { series: '1', profiles: '1' });
  });
}

test('a trace without spans has its samples, and is no span', async () => {
  await push(
    'rootless',
    pprofWith(() => ({})),
  );
  const traceIdSelector = [TRACE];
  const request = { ...requestOf('rootless'), traceIdSelector };
  const profile = await clientOf().selectMergeProfile(request);
  assert.equal(
    profile.sample.reduce((sum, { value }) => sum + Number(value[0]), 0),
    7,
  );
  const { series } = await clientOf().selectHeatmap({
    ...requestOf('rootless'),
    step: 60,
    queryType: HeatmapQueryType.SPAN,
  });
  assert.deepEqual(series, []);
});

test('an exemplar of a span has its trace', async () => {
  await push(
    'linked',
    pprofWith((span) => (span === A ? { span_id: A } : { span_id: B, trace_id: '' })),
  );
  const { series } = await clientOf().selectHeatmap({
    ...requestOf('linked'),
    step: 3600,
    queryType: HeatmapQueryType.SPAN,
    exemplarType: ExemplarType.SPAN,
  });
  const found = series[0]?.slots.flatMap(({ exemplars }) =>
    exemplars.map(({ spanId, traceId, value }) => [spanId, traceId, value]),
  );
  assert.deepEqual(found, [
    [A, TRACE, 3n],
    [B, '', 4n],
  ]);
});

test('a label that is no id of a span is none', async () => {
  await push(
    'odd',
    pprofWith((span) => ({ span_id: span === A ? 'not-hex' : `${B}00`, trace_id: `${TRACE}0` })),
  );
  const [row] = await server.app.store.rows<{ n: string }>(
    `SELECT count() AS n FROM span_samples WHERE service = 'odd'`,
  );
  assert.equal(row?.n, '0');
  assert.equal((await shown('odd', [A]))['total'], 0);
});

for (const name of Object.keys(TRANSPORTS)) {
  test(`SelectMergeSpanProfile and span_selector over ${name}`, async () => {
    if (name === Object.keys(TRANSPORTS)[0])
      await push(
        'asked',
        pprofWith((span_id) => ({ span_id })),
      );
    const client = clientOf(name);
    const request = requestOf('asked', [A]);
    const { flamegraph } = await client.selectMergeSpanProfile(request);
    assert.deepEqual(flamegraph?.names, ['total', 'main', 'a', 'c']);
    assert.equal(flamegraph?.total, 3n);
    const format = ProfileFormat.TREE;
    const { tree } = await client.selectMergeSpanProfile({ ...request, format });
    const same = await client.selectMergeStacktraces({ ...request, format });
    assert.ok(tree.length > 0);
    assert.deepEqual(same.tree, tree);
    const { pprof } = await client.selectMergeStacktraces({
      ...request,
      format: ProfileFormat.PPROF,
    });
    const sum = pprof?.profile?.sample.reduce((total, { value }) => total + (value[0] ?? 0n), 0n);
    assert.equal(sum, 3n);
    const both = await client.diff({ left: request, right: requestOf('asked', []) });
    assert.deepEqual([both.flamegraph?.leftTicks, both.flamegraph?.rightTicks], [3n, 31n]);
  });
}

test('what is wrong with a request for spans is named', async () => {
  const good = requestOf('asked', [A]);
  const body = { ...good, start: Number(good.start), end: Number(good.end) };
  const path = `${server.url}/querier.v1.QuerierService`;
  for (const [method, wrong, message] of [
    ['SelectMergeSpanProfile', { spanSelector: [] }, /span_selector is missing/],
    ['SelectMergeSpanProfile', { spanSelector: [A, 'x'] }, /span_selector\[1\] "x" is not of 16/],
    ['SelectMergeStacktraces', { span_selector: ['x'], spanSelector: undefined }, /span_selector/],
    ['SelectMergeStacktraces', { spanSelector: Array(1001).fill(A) }, /at most 1000/],
    [
      'SelectMergeStacktraces',
      { spanSelector: ['0'.repeat(16)] },
      /span_selector.*one of them not/,
    ],
    ['SelectMergeStacktraces', { traceIdSelector: [A] }, /trace_id_selector\[0\] .* of 32 hex/],
    ['SelectMergeProfile', { traceIdSelector: ['0'.repeat(32)] }, /trace_id_selector\[0\]/],
    ['SelectMergeSpanProfile', { format: 'PROFILE_FORMAT_DOT' }, /format=3 is neither/],
  ] as const) {
    const refused = await postJson<Refusal>(`${path}/${method}`, { ...body, ...wrong });
    assert.equal(refused.headers.get('bunsen-code'), 'PARAMETER_INVALID', refused.body.message);
    assert.match(refused.body.message, message);
  }
  const most = { ...body, spanSelector: Array(1000).fill(A) };
  assert.equal((await postJson(`${path}/SelectMergeSpanProfile`, most)).status, 200);
});

test('a deletion takes the samples of spans as well', async () => {
  await push(
    'gone',
    pprofWith((span_id) => ({ span_id })),
  );
  assert.equal((await shown('gone', [A]))['total'], 3);
  const query = '{service_name="gone"}';
  const search = searchOf({ query, from: T0, until: T0 + 3_600_000 });
  const reply = await server.fetch(`/api/v1/profiles?${search}`, { method: 'DELETE' });
  assert.equal(reply.status, 200, await reply.text());
  assert.equal((await shown('gone', [A]))['total'], 0);
  assert.equal((await shown('asked', [A]))['total'], 3);
});
