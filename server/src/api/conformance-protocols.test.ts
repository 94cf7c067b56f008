/**
 * Every method of every protobuf service, over every protocol: what it answers, and what it says to
 * calls that are none. What is special about a method is tested beside it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  create,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
} from '@bufbuild/protobuf';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import { AdHocProfileService } from '@bunsen/proto/adhocprofiles/v1/adhocprofiles';
import { ProfilesService } from '@bunsen/proto/opentelemetry/proto/collector/profiles/v1development/profiles_service';
import { ExportProfilesServiceRequestSchema } from '@bunsen/proto/otlp/v1_10/profiles';
import { PusherService } from '@bunsen/proto/push/v1/push';
import { QuerierService } from '@bunsen/proto/querier/v1/querier';
import { RecordingRulesService } from '@bunsen/proto/settings/v1/recording_rules';
import { SettingsService } from '@bunsen/proto/settings/v1/setting';
import { VCSService } from '@bunsen/proto/vcs/v1/vcs';
import { Code, ConnectError } from '@connectrpc/connect';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { OpenApiDocument } from '../reference/openapi.ts';
import { otlpOf } from '../testing/otlp-of.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { GrpcClient, postJson, type Refusal, TRANSPORTS } from '../testing/rpc-clients.ts';
import { TestServer } from '../testing/test-server.ts';

const T0 = Date.now() - 600_000;
const SERVICES: DescService[] = [
  AdHocProfileService,
  ProfilesService,
  PusherService,
  QuerierService,
  RecordingRulesService,
  SettingsService,
  VCSService,
];

let server: TestServer;
let grpc: GrpcClient;
before(async () => {
  server = await TestServer.start();
  grpc = new GrpcClient(server.url);
  const labels = { service_name: 'conf', span_id: '9a517183f26a089d' };
  await server.push(pprofOf('main;a 3', { labels, timeMs: T0 }));
});
after(async () => {
  grpc.close();
  await server.close();
});

const RANGE = { start: T0 - 60_000, end: T0 + 60_000 };
const OF = { profileTypeID: CPU_PROFILE_TYPE, labelSelector: '{}', ...RANGE };
const rawProfile = Buffer.from(pprofOf('main 1')).toString('base64');

/** A good request of each method, and the code of its answer if that is none. */
const CALLS: Record<string, { request: JsonObject; code?: Code }> = {
  'AdHocProfileService.Upload': { request: { name: 'a.folded', profile: 'bWFpbiAx' } },
  'AdHocProfileService.Get': {
    request: { id: '00000000-0000-4000-8000-000000000000' },
    code: Code.NotFound,
  },
  'AdHocProfileService.List': { request: {} },
  'AdHocProfileService.Diff': {
    request: {
      leftId: '00000000-0000-4000-8000-000000000000',
      rightId: '00000000-0000-4000-8000-000000000001',
    },
    code: Code.NotFound,
  },
  'ProfilesService.Export': { request: {} },
  'PusherService.Push': {
    request: {
      series: [{ labels: [{ name: '__name__', value: 'process_cpu' }], samples: [{ rawProfile }] }],
    },
  },
  'QuerierService.ProfileTypes': { request: RANGE },
  'QuerierService.LabelNames': { request: RANGE },
  'QuerierService.LabelValues': { request: { ...RANGE, name: 'service_name' } },
  'QuerierService.Series': { request: RANGE },
  'QuerierService.SelectMergeStacktraces': { request: OF },
  'QuerierService.SelectMergeSpanProfile': {
    request: { ...OF, spanSelector: ['9a517183f26a089d'] },
  },
  'QuerierService.SelectMergeProfile': { request: OF },
  'QuerierService.SelectSeries': { request: { ...OF, step: 15 } },
  'QuerierService.SelectHeatmap': { request: { ...OF, step: 15 } },
  'QuerierService.Diff': { request: { left: OF, right: OF } },
  'QuerierService.GetProfileStats': { request: {} },
  'QuerierService.AnalyzeQuery': { request: { ...RANGE, query: '{}' } },
  'RecordingRulesService.ListRecordingRules': { request: {} },
  'RecordingRulesService.GetRecordingRule': { request: {}, code: Code.Unimplemented },
  'RecordingRulesService.UpsertRecordingRule': { request: {}, code: Code.Unimplemented },
  'RecordingRulesService.DeleteRecordingRule': { request: {}, code: Code.Unimplemented },
  'SettingsService.Get': { request: {} },
  'SettingsService.Set': { request: { setting: { name: 'n', value: 'v' } } },
  'VCSService.GithubApp': { request: {}, code: Code.Unimplemented },
  'VCSService.GithubLogin': { request: {}, code: Code.Unimplemented },
  'VCSService.GithubRefresh': { request: {}, code: Code.Unimplemented },
  'VCSService.GetFile': { request: {}, code: Code.Unimplemented },
  'VCSService.GetCommit': { request: {}, code: Code.Unimplemented },
  'VCSService.GetCommits': { request: {}, code: Code.Unimplemented },
};

const METHODS = SERVICES.flatMap(({ methods }) => methods as DescMethodUnary[]);
const nameOf = ({ parent, name }: DescMethodUnary) => `${parent.name}.${name}`;
const pathOf = ({ parent, name }: DescMethodUnary) => `/${parent.typeName}/${name}`;
/** OpenTelemetry's service is there over gRPC and gRPC-web: over HTTP it has a route of its own. */
const hasConnect = ({ parent }: DescMethodUnary) => parent !== ProfilesService;

/** OpenTelemetry's request is passed on as it came, and so has no fields on the way. */
function requestOf(method: DescMethodUnary) {
  if (method.parent !== ProfilesService) {
    return fromJson(method.input, CALLS[nameOf(method)]?.request ?? {});
  }
  const request = create(ExportProfilesServiceRequestSchema, otlpOf('main 1', { service: 'otlp' }));
  return fromBinary(method.input, toBinary(ExportProfilesServiceRequestSchema, request));
}

test('these are the services that the server has, and all have a call', async () => {
  const document = await server.get<OpenApiDocument>('/api/openapi.json');
  const listed = document['x-protobuf-services'].flatMap(({ name, methods }) =>
    methods.map((method) => `/${name}/${method}`),
  );
  assert.deepEqual(listed.sort(), METHODS.map(pathOf).sort());
  assert.deepEqual(METHODS.map(nameOf).sort(), Object.keys(CALLS).sort());
});

for (const [name, transportOf] of Object.entries(TRANSPORTS)) {
  test(`every method over ${name}`, async () => {
    const transport = transportOf(server.url);
    for (const method of METHODS) {
      if (name.startsWith('connect') && !hasConnect(method)) continue;
      if (name.endsWith('JSON') && method.parent === ProfilesService) continue; // it has no fields
      const code = await transport
        .unary(method, undefined, undefined, undefined, requestOf(method), undefined)
        .then(
          () => undefined,
          (error: unknown) => ConnectError.from(error).code,
        );
      assert.equal(code, CALLS[nameOf(method)]?.code, nameOf(method));
    }
  });
}

test('every method over grpc-js', async () => {
  for (const method of METHODS) {
    const code = await grpc.call(pathOf(method), toBinary(method.input, requestOf(method))).then(
      () => undefined,
      (error) => error.code,
    );
    assert.equal(code, CALLS[nameOf(method)]?.code, nameOf(method));
  }
});

const GARBAGE = Buffer.from([0xff, 0xff, 0xff, 0xff]);

for (const method of METHODS) {
  test(`${nameOf(method)}: calls that are none`, async () => {
    const path = pathOf(method);
    const post = (type: string, body: Uint8Array | string) =>
      server.fetch(path, {
        method: 'POST',
        headers: { 'content-type': type },
        body: body as Uint8Array<ArrayBuffer> | string,
      });

    const get = await server.fetch(path);
    assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
    const xml = await post('application/xml', '<a/>');
    assert.equal(xml.status, 415);
    assert.equal(((await xml.json()) as Refusal).code, 'CONTENT_TYPE_UNSUPPORTED');

    const overGrpc = await grpc.call(path, GARBAGE).then(
      () => undefined,
      (error) => error,
    );
    assert.equal(overGrpc?.code, grpcStatus.INVALID_ARGUMENT, overGrpc?.details);
    const bunsenCode = hasConnect(method) ? 'BODY_MALFORMED' : 'OTLP_MALFORMED';
    assert.deepEqual(overGrpc.metadata.get('bunsen-code'), [bunsenCode]);

    for (const [type, body] of [
      ['application/proto', GARBAGE],
      ['application/json', '{"'],
      ['application/json', '[]'],
    ] as const) {
      const reply = await post(type, body);
      if (!hasConnect(method)) {
        assert.equal(reply.status, 415, type);
        continue;
      }
      const { code, message } = (await reply.json()) as Refusal;
      assert.deepEqual([reply.status, code], [400, 'invalid_argument'], message);
      assert.equal(reply.headers.get('bunsen-code'), 'BODY_MALFORMED');
    }
  });

  test(`${nameOf(method)}: fields of other versions, and who calls`, async () => {
    if (!hasConnect(method)) return;
    const { request, code } = CALLS[nameOf(method)] ?? { request: {} };
    const url = server.url + pathOf(method);
    const plain = await postJson<JsonObject>(url, request);
    assert.equal(plain.status === 200, code === undefined);
    for (const [json, headers] of [
      [{ ...request, ofAnotherVersion: { a: [1] } }, {}],
      [request, { authorization: 'Bearer of-nobody' }],
      [request, { authorization: 'Basic Zm9vOmJhcg==' }],
      [request, { authorization: 'nonsense', 'x-scope-orgid': 'a|b' }],
    ] as const) {
      const reply = await postJson<JsonObject>(url, json, headers);
      assert.equal(reply.status, plain.status, JSON.stringify(reply.body));
      assert.deepEqual(Object.keys(reply.body), Object.keys(plain.body));
    }
  });
}

test('a method or a service that is not there', async () => {
  for (const path of [
    '/querier.v1.QuerierService/SelectAll',
    '/querier.v2.QuerierService/Series',
    '/settings.v1.CollectionRulesService/ListCollectionRules',
  ]) {
    const reply = await postJson<Refusal>(server.url + path, {});
    assert.deepEqual([reply.status, reply.body.code], [404, 'NOT_FOUND']);
    const error = await grpc.call(path, new Uint8Array()).then(
      () => undefined,
      (error) => error,
    );
    assert.equal(error?.code, grpcStatus.UNIMPLEMENTED, path);
  }
});

test('numbers of 64 bits are text in JSON answers, and either in requests', async () => {
  const ask = (start: unknown) =>
    postJson<{ series: { points: { timestamp: unknown }[] }[] }>(
      `${server.url}/querier.v1.QuerierService/SelectSeries`,
      { ...OF, start, step: 15 },
    );
  const [asNumber, asText] = [await ask(RANGE.start), await ask(String(RANGE.start))];
  assert.deepEqual(asNumber.body, asText.body);
  assert.equal(typeof asNumber.body.series[0]?.points[0]?.timestamp, 'string');
});
