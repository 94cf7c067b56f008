/**
 * Every error that a client may be told: by which request, with which status and code, in the shape of
 * each side of the API.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fromJson, toBinary } from '@bufbuild/protobuf';
import { API, CPU_PROFILE_TYPE } from '@bunsen/profile';
import { PushRequestSchema } from '@bunsen/proto/push/v1/push';
import { Code } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { ERROR_STATUS, type ErrorCode } from '../errors.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { GrpcClient, postJson, type Refusal } from '../testing/rpc-clients.ts';
import { searchOf, TestServer } from '../testing/test-server.ts';

const T0 = Date.now() - 60_000;
const CPU = CPU_PROFILE_TYPE;

let server: TestServer;
let grpc: GrpcClient;
before(async () => {
  server = await TestServer.start({
    BUNSEN_MAX_BODY_BYTES: '100000',
    BUNSEN_MAX_PROFILE_BYTES: '200000',
    BUNSEN_MAX_STACK_DEPTH: '10',
    BUNSEN_MAX_FRAME_BYTES: '200',
    BUNSEN_MAX_IN_FLIGHT_BYTES: '1000000',
  });
  grpc = new GrpcClient(server.url);
  const labels = { service_name: 'conf', pod: 'a' };
  await server.push(pprofOf('main;a 3', { labels, timeMs: T0 }));
  await server.push(pprofOf('main;a 3', { labels: { ...labels, pod: 'b' }, timeMs: T0 }));
});
after(async () => {
  grpc.close();
  await server.close();
});

/** A request over HTTP: GET, or POST if it has a body. */
interface Request {
  path: string;
  params?: Record<string, string | number>;
  body?: Uint8Array | string;
  headers?: Record<string, string>;
  method?: string;
}

const get = (path: string, params: Record<string, string | number> = {}): Request => ({
  path,
  params,
});
const flame = (query: string, from: string | number = T0 - 1000) =>
  get(API.flamegraph, { query, from, until: T0 + 1000 });
const push = (body: Uint8Array | string, headers: Record<string, string> = {}): Request => ({
  path: API.push,
  body,
  headers: { 'content-type': 'application/x-protobuf', ...headers },
});
const ingest = (params: Record<string, string | number>, body: Uint8Array | string): Request => ({
  path: '/ingest',
  params: { name: 'app', ...params },
  body,
});
const otlp = (body: string): Request => ({
  path: '/v1development/profiles',
  body,
  headers: { 'content-type': 'application/json' },
});
const promql = (query: string) => get('/prometheus/api/v1/query', { query, time: T0 / 1000 + 30 });
const pprof = (folded: string, labels: Record<string, string> = { service_name: 'a' }) =>
  pprofOf(folded, { labels, timeMs: T0 });
/** A sample of a location that the profile does not have. */
const DANGLING = Buffer.concat([
  Buffer.from([0x0a, 4, 0x08, 1, 0x10, 2, 0x12, 6, 0x0a, 1, 9, 0x12, 1, 1, 0x32, 0]),
  ...['cpu', 'nanoseconds'].map((text) => Buffer.from([0x32, text.length, ...Buffer.from(text)])),
]);

const REQUESTS: Partial<Record<ErrorCode, Request>> = {
  PARAMETER_UNKNOWN: get(API.profileTypes, { misspelled: 1 }),
  PARAMETER_INVALID: flame(`${CPU}{}`, 'nonsense'),
  RANGE_EMPTY: flame(`${CPU}{}`, T0 + 1000),
  REGEX_MALFORMED: flame(`${CPU}{pod=~"(?=a)"}`),
  APP_NAME_MALFORMED: ingest({ name: 'a{b' }, 'main 1'),
  SERVICE_NAME_MISSING: push(pprof('main 1', { pod: 'a' })),
  TIMESTAMP_OUT_OF_RANGE: push(pprofOf('main 1', { timeMs: T0 - 30 * 86_400_000 })),
  BODY_EMPTY: push(''),
  BODY_MALFORMED: push('not gzip', { 'content-encoding': 'gzip' }),
  STACK_TOO_DEEP: push(pprof(`${Array(11).fill('f').join(';')} 1`)),
  STRING_TOO_LONG: push(pprof(`${'f'.repeat(300)} 1`)),
  PPROF_MALFORMED: push(Buffer.from([0xff])),
  PPROF_INDEX_OUT_OF_RANGE: push(DANGLING),
  FOLDED_MALFORMED: ingest({}, 'main'),
  TREE_MALFORMED: ingest({ format: 'tree' }, Buffer.from([255, 255, 255, 1])),
  SPEEDSCOPE_MALFORMED: ingest({ format: 'speedscope' }, '{}'),
  OTLP_MALFORMED: otlp('{"resourceProfiles":7}'),
  SELECTOR_MALFORMED: flame('x{'),
  PROFILE_TYPE_MALFORMED: flame('cpu{}'),
  PROMQL_MALFORMED: promql('sum('),
  PROMQL_UNSUPPORTED: promql('label_join(a, "b", "c")'),
  LABEL_MALFORMED: push(pprof('main 1', { service_name: 'a', long: 'd'.repeat(2049) })),
  NOT_FOUND: get('/api/v1/nothing'),
  METHOD_NOT_ALLOWED: get(API.push),
  BODY_TOO_LARGE: push(new Uint8Array(100_001)),
  PROFILE_TOO_LARGE: push(gzipSync(new Uint8Array(200_001))),
  CONTENT_TYPE_UNSUPPORTED: push('x', { 'content-type': 'text/html' }),
  FORMAT_UNSUPPORTED: ingest({ format: 'perf' }, 'x'),
  PARAMETER_CONTRADICTION: ingest({ units: 'bytes' }, 'main 1'),
  PROMQL_AMBIGUOUS: promql(`${CPU}{pod="a"} * on(service_name) ${CPU}`),
};

/** What needs more than a request, and where it is tested. */
const ELSEWHERE: Partial<Record<ErrorCode, string>> = {
  PPROF_LIMIT: 'ingest/push-route.test.ts',
  PERF_SCRIPT_MALFORMED: 'api/drilldown-routes.test.ts',
  JFR_MALFORMED: 'ingest/formats/jfr.test.ts',
  OTLP_VERSION_UNSUPPORTED: 'ingest/otlp-route.test.ts',
  QUERY_MEMORY_LIMIT: 'query/query.test.ts',
  QUERY_ROWS_LIMIT: 'query/query.test.ts',
  INGEST_BUSY: 'ingest/push-route.test.ts',
  NOT_IMPLEMENTED: 'api/drilldown-routes.test.ts',
  QUERIES_BUSY: 'query/admission.test.ts',
  STORE_UNAVAILABLE: 'app.test.ts',
  QUERY_TIMEOUT: 'query/query.test.ts',
};

/** Which no reply has: it is for who reads the binary form of a flame graph. */
const OF_READERS: ErrorCode[] = ['FLAME_MALFORMED'];

async function send({ path, params = {}, body, headers, method }: Request): Promise<Response> {
  return server.fetch(`${path}?${searchOf(params)}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    ...(headers && { headers }),
    ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> | string }),
  });
}

for (const [code, request] of Object.entries(REQUESTS)) {
  test(`${code} over HTTP`, async () => {
    const reply = await send(request);
    // Pyroscope's clients know wrong bodies by another status than the rest of our API.
    const isBody = /_MALFORMED$/.test(code) && !/^APP_NAME/.test(code);
    const ofIngest = request.path === '/ingest' && isBody;
    const status = ofIngest ? 422 : ERROR_STATUS[code as ErrorCode];
    const body = (await reply.json()) as Record<string, string>;
    assert.equal(reply.status, status, JSON.stringify(body));
    if (request.path.startsWith('/prometheus/')) {
      assert.deepEqual(Object.keys(body).sort(), ['error', 'errorType', 'status']);
      assert.ok(body['error']?.startsWith(`${code}: `), body['error']);
    } else {
      assert.deepEqual(Object.keys(body).sort(), ['code', 'message']);
      assert.equal(body['code'], code, body['message']);
    }
  });
}

test('every error has its request, or a test of its own', () => {
  const covered = [...Object.keys(REQUESTS), ...Object.keys(ELSEWHERE), 'INTERNAL', ...OF_READERS];
  assert.deepEqual(covered.sort(), Object.keys(ERROR_STATUS).sort());
  for (const [code, file] of Object.entries(ELSEWHERE)) {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    assert.match(source, new RegExp(`\\b${code}\\b`), file);
  }
});

const QUERIER = '/querier.v1.QuerierService';
const OF = { profileTypeID: CPU, labelSelector: '{}', start: T0 - 1000, end: T0 + 1000, step: 15 };
const ofPush = (rawProfile: Uint8Array, labels = [{ name: '__name__', value: 'cpu' }]) => ({
  series: [{ labels, samples: [{ rawProfile: Buffer.from(rawProfile).toString('base64') }] }],
});
const PUSH = '/push.v1.PusherService/Push';

/** Over Connect and gRPC: our code beside theirs, and its status beside Connect's. */
const CALLS: [code: ErrorCode, connect: Code, path: string, request: object][] = [
  [
    'SELECTOR_MALFORMED',
    Code.InvalidArgument,
    `${QUERIER}/SelectSeries`,
    { ...OF, labelSelector: 'x{' },
  ],
  [
    'PROFILE_TYPE_MALFORMED',
    Code.InvalidArgument,
    `${QUERIER}/SelectSeries`,
    { ...OF, profileTypeID: 'x' },
  ],
  ['RANGE_EMPTY', Code.InvalidArgument, `${QUERIER}/SelectSeries`, { ...OF, end: OF.start }],
  [
    'REGEX_MALFORMED',
    Code.InvalidArgument,
    `${QUERIER}/SelectSeries`,
    { ...OF, labelSelector: '{a=~"(?=a)"}' },
  ],
  ['PARAMETER_INVALID', Code.InvalidArgument, `${QUERIER}/SelectSeries`, { ...OF, step: 0 }],
  [
    'PARAMETER_CONTRADICTION',
    Code.InvalidArgument,
    `${QUERIER}/SelectHeatmap`,
    { ...OF, exemplarType: 3 },
  ],
  [
    'NOT_IMPLEMENTED',
    Code.Unimplemented,
    `${QUERIER}/SelectMergeStacktraces`,
    { ...OF, async: {} },
  ],
  [
    'NOT_FOUND',
    Code.NotFound,
    '/adhocprofiles.v1.AdHocProfileService/Get',
    { id: '00000000-0000-4000-8000-000000000000' },
  ],
  ['BODY_EMPTY', Code.InvalidArgument, PUSH, ofPush(new Uint8Array())],
  ['PPROF_MALFORMED', Code.InvalidArgument, PUSH, ofPush(Buffer.from([0xff]))],
  ['PPROF_INDEX_OUT_OF_RANGE', Code.InvalidArgument, PUSH, ofPush(DANGLING)],
  [
    'LABEL_MALFORMED',
    Code.InvalidArgument,
    PUSH,
    ofPush(pprof('a 1'), [{ name: '__a', value: 'c' }]),
  ],
  [
    'STACK_TOO_DEEP',
    Code.InvalidArgument,
    PUSH,
    ofPush(pprof(`${Array(11).fill('f').join(';')} 1`)),
  ],
  ['PROFILE_TOO_LARGE', Code.InvalidArgument, PUSH, ofPush(gzipSync(new Uint8Array(200_001)))],
  [
    'TIMESTAMP_OUT_OF_RANGE',
    Code.InvalidArgument,
    PUSH,
    ofPush(pprofOf('a 1', { timeMs: T0 + 86_400_000 })),
  ],
];

/** As Connect's protocol maps them. */
const CONNECT_STATUS: Partial<Record<Code, number>> = {
  [Code.InvalidArgument]: 400,
  [Code.NotFound]: 404,
  [Code.Internal]: 500,
  [Code.Unimplemented]: 501,
};

async function checkCall(code: ErrorCode, connect: Code, path: string, request: object) {
  const { status, body, headers } = await postJson<Refusal>(server.url + path, request);
  assert.equal(headers.get('bunsen-code'), code, body.message);
  assert.deepEqual([status, body.code], [CONNECT_STATUS[connect], codeToString(connect)]);
  assert.ok(body.message.length > 10);
}

for (const [code, connect, path, request] of CALLS) {
  test(`${code} over Connect`, () => checkCall(code, connect, path, request));
}

test('a defect is INTERNAL everywhere, and tells nothing of what it is', async () => {
  const { store } = server.app;
  const { rows } = store;
  store.rows = async () => {
    throw new Error('secret');
  };
  try {
    const reply = await send(get(API.profileTypes, { from: 'now-1h', until: 'now' }));
    const body = (await reply.json()) as Refusal;
    assert.deepEqual([reply.status, body.code], [500, 'INTERNAL']);
    assert.doesNotMatch(body.message, /secret/);
    const ofPrometheus = await send(promql(`${CPU}{}`));
    const said = await ofPrometheus.text();
    assert.equal(ofPrometheus.status, 500, said);
    assert.doesNotMatch(said, /secret/);
    await checkCall('INTERNAL', Code.Internal, `${QUERIER}/SelectSeries`, OF);
    const error = await grpc.call(`${QUERIER}/GetProfileStats`, new Uint8Array()).catch((e) => e);
    assert.deepEqual(
      [error.code, error.metadata.get('bunsen-code')],
      [Code.Internal, ['INTERNAL']],
    );
    assert.doesNotMatch(error.details, /secret/);
  } finally {
    store.rows = rows;
  }
});

test('INGEST_BUSY over Connect and gRPC: 429, and when to come again', async (t) => {
  const small = await TestServer.start({ BUNSEN_MAX_IN_FLIGHT_BYTES: '1000' });
  const client = new GrpcClient(small.url);
  t.after(async () => {
    client.close();
    await small.close();
  });
  const request = ofPush(pprof('main;a 1'));
  const many = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: 20 }, call));
  const replies = await many(() => postJson<Refusal>(small.url + PUSH, request));
  const busy = replies.find(({ status }) => status === 429);
  assert.deepEqual(
    [busy?.body.code, busy?.headers.get('bunsen-code'), busy?.headers.get('retry-after')],
    ['resource_exhausted', 'INGEST_BUSY', '1'],
  );
  const bytes = toBinary(PushRequestSchema, fromJson(PushRequestSchema, request));
  const errors = await many(() =>
    client.call(PUSH, bytes).then(
      () => undefined,
      (error) => error,
    ),
  );
  const error = errors.find((each) => each !== undefined);
  assert.deepEqual(
    [error.code, error.metadata.get('bunsen-code')],
    [Code.ResourceExhausted, ['INGEST_BUSY']],
  );
});

test('nothing is 401: there is no log-in, and what Authorization says is not looked at', async () => {
  assert.ok(
    !Object.values<number>(ERROR_STATUS).some((status) => status === 401 || status === 403),
  );
  for (const authorization of ['Bearer of-nobody', 'Basic Zm9vOmJhcg==', '']) {
    const headers = { authorization };
    const range = { from: 'now-1h', until: 'now' };
    assert.equal((await send({ ...get(API.profileTypes, range), headers })).status, 200);
    const sent = { ...ingest({}, 'main 1'), headers };
    assert.equal((await send(sent)).status, 200);
    assert.equal((await send({ ...push(pprof('main 1'), headers) })).status, 200);
    const reply = await postJson(`${server.url}${QUERIER}/SelectSeries`, OF, headers);
    assert.equal(reply.status, 200);
  }
});
