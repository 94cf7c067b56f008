import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, toBinary, toJson } from '@bufbuild/protobuf';
import { type ProfileTypesResponse, parseFrame } from '@bunsen/profile';
import * as v1_9 from '@bunsen/proto/otlp/v1_9/profiles';
import * as v1_10 from '@bunsen/proto/otlp/v1_10/profiles';
import { type OtlpOptions, otlpOf } from '../testing/otlp-of.ts';
import { cpuQuery, foldedOf, TestServer, totalOf } from '../testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start({ BUNSEN_MAX_TABLE_ENTRIES: '1000' });
});
after(() => server.close());

type Request = ReturnType<typeof otlpOf>;

const as110 = (request: Request): Uint8Array =>
  toBinary(
    v1_10.ExportProfilesServiceRequestSchema,
    create(v1_10.ExportProfilesServiceRequestSchema, request),
  );
const as19 = (request: Request): Uint8Array =>
  toBinary(
    v1_9.ExportProfilesServiceRequestSchema,
    create(v1_9.ExportProfilesServiceRequestSchema, request as never),
  );

function send(body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Response> {
  return server.fetch('/v1development/profiles', {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: body as Uint8Array<ArrayBuffer>,
  });
}

async function accepted(body: Uint8Array | string, headers?: Record<string, string>) {
  const reply = await send(body, headers);
  assert.equal(reply.status, 200, await reply.clone().text());
  return reply;
}

async function refused(body: Uint8Array | string, headers?: Record<string, string>) {
  const reply = await send(body, headers);
  const { code, message } = (await reply.json()) as { code: string; message: string };
  return { status: reply.status, code, message };
}

/** Changes the only profile of a request. */
function edited(
  request: Request,
  edit: (profile: {
    samples: { values: bigint[]; attributeIndices: number[]; linkIndex: number }[];
  }) => void,
): Request {
  edit(request.resourceProfiles?.[0]?.scopeProfiles?.[0]?.profiles?.[0] as never);
  return request;
}

test('protobuf and JSON, of both versions, gzipped or not', async () => {
  const draw = (service: string) =>
    otlpOf('main;a 2\nmain;b 3', { service, sample: { 'thread.name': 'pool-1' } });
  assert.equal((await (await accepted(as110(draw('otlp-110')))).arrayBuffer()).byteLength, 0);
  await accepted(gzipSync(as19(draw('otlp-19'))), { 'content-encoding': 'gzip' });
  const { ExportProfilesServiceRequestSchema: schema } = v1_10;
  const json = toJson(schema, create(schema, draw('otlp-json'))) as Record<string, unknown>;
  const text = JSON.stringify({ ...json, fromTheFuture: { a: [1] } });
  const reply = await accepted(text, { 'content-type': 'application/json' });
  assert.deepEqual(await reply.json(), {});
  for (const service of ['otlp-110', 'otlp-19', 'otlp-json']) {
    const query = cpuQuery(`service_name="${service}", thread.name="pool-1", process.pid=""`);
    assert.deepEqual(foldedOf(await server.flame(query)), ['main;a 20000000', 'main;b 30000000']);
  }
  const { tree } = await server.flame(cpuQuery('service_name="otlp-110"'));
  const frame = parseFrame(tree.frames.find((text) => text.startsWith('main')) as string);
  assert.deepEqual([frame.name, frame.module], ['main', 'app']);
});

test('what is written by one version is never read as the other', async () => {
  // Without attributes and links, only the place of the values tells: 2 or 4.
  await accepted(as110(otlpOf('a 5', { service: 'bare-110' })));
  await accepted(as19(otlpOf('a 5', { service: 'bare-19' })));
  // Only timestamps: the same in both.
  await accepted(as19(otlpOf('a 6', { service: 'times', timestamps: true })));
  // Timestamps and attributes, which in 1.9 would be as many values as timestamps.
  const threads = { service: 'threads', timestamps: true, sample: { 'thread.name': 'x' } };
  await accepted(as110(otlpOf('a 7', threads)));
  await accepted(as19(otlpOf('a 8', { ...threads, service: 'threads-19' })));
  const totals = { 'bare-110': 5, 'bare-19': 5, times: 6, threads: 7, 'threads-19': 8 };
  for (const [service, count] of Object.entries(totals)) {
    const flame = await server.flame(cpuQuery(`service_name="${service}"`));
    assert.equal(totalOf(flame), count * 1e7, service);
  }
  // One timestamp and one attribute: number 2 may be the value 1 or the attribute 1.
  const either = await refused(as110(otlpOf('a 1', { ...threads, service: 'either' })));
  assert.deepEqual([either.status, either.code], [400, 'OTLP_VERSION_UNSUPPORTED']);
  assert.match(either.message, /field 2 of its samples may be values \(1\.9\) or attributes/);
  // A link decides, as it has another number: 3 or 4.
  for (const encode of [as110, as19]) {
    const spans = ['9a517183f26a089d'];
    await accepted(encode(otlpOf('a 1', { ...threads, service: 'linked', spans })));
  }
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="linked"'))), 2e7);
});

test('other versions, and what is none, are refused by name', async () => {
  const request = otlpOf('a 1', { service: 'x' });
  const { dictionary: _, ...headless } = request;
  const cases: [Uint8Array | string, string, RegExp][] = [
    [as110(headless), 'OTLP_VERSION_UNSUPPORTED', /no dictionary/],
    // 1.7: a sample has locations_start_index = 1, locations_length = 2, values = 3.
    [
      Buffer.from([10, 15, 18, 13, 18, 11, 18, 7, 8, 1, 16, 2, 26, 1, 5, 0x0a, 0]),
      'OTLP_VERSION_UNSUPPORTED',
      /a sample has a field 2 of wire type 0/,
    ],
    [Buffer.from('\x08\x01'), 'OTLP_VERSION_UNSUPPORTED|OTLP_MALFORMED', /./],
    [Buffer.from('garbage'), 'OTLP_VERSION_UNSUPPORTED|OTLP_MALFORMED', /./],
    [as110(request).subarray(0, -3), 'OTLP_MALFORMED', /cut off|protobuf/],
  ];
  for (const [body, code, message] of cases) {
    const refusal = await refused(body);
    assert.equal(refusal.status, 400);
    assert.match(refusal.code, new RegExp(`^(${code})$`));
    assert.match(refusal.message, message);
  }
  const json = { 'content-type': 'application/json' };
  assert.match((await refused('{"resourceProfiles":', json)).code, /OTLP_MALFORMED/);
  const type = await refused('x', { 'content-type': 'text/plain' });
  assert.deepEqual([type.status, type.code], [415, 'CONTENT_TYPE_UNSUPPORTED']);
  await accepted(new Uint8Array(0));
});

test('profile types are named as Pyroscope names them', async () => {
  const types: [OtlpOptions, string, number][] = [
    [{}, 'process_cpu:cpu:nanoseconds:cpu:nanoseconds', 2e7],
    [
      { sampleType: ['off_cpu', 'nanoseconds'], periodType: ['', ''], period: 0n },
      'off_cpu:off_cpu:nanoseconds::',
      2,
    ],
    [
      { sampleType: ['alloc_space', 'bytes'], periodType: ['space', 'bytes'], period: 512n },
      'space:alloc_space:bytes:space:bytes',
      2,
    ],
  ];
  for (const [options, type, total] of types) {
    await accepted(as110(otlpOf('a 2', { ...options, service: 'typed' })));
    assert.equal(totalOf(await server.flame(`${type}{service_name="typed"}`)), total, type);
  }
  const { profileTypes } = await server.get<ProfileTypesResponse>('/api/v1/profile-types');
  assert.deepEqual(
    profileTypes.map(({ id }) => id).filter((id) => /off_cpu|space/.test(id)),
    ['off_cpu:off_cpu:nanoseconds::', 'space:alloc_space:bytes:space:bytes'],
  );
});

test('attributes are labels: the service of a sample wins, names are made ones of labels', async () => {
  const request = otlpOf('a 1', {
    service: 'of-resource',
    resource: { 'k8s.pod.name': 'pod-1', 'odd/name': 'x', empty: '' },
    sample: { 'service.name': 'of-sample' },
  });
  await accepted(as110(request));
  const query = 'service_name="of-sample", k8s.pod.name="pod-1", odd_name="x", empty=""';
  assert.equal(totalOf(await server.flame(cpuQuery(query))), 1e7);

  await accepted(as110(otlpOf('a 1', { resource: { 'process.executable.name': 'java' } })));
  const unknown = cpuQuery('service_name="unknown_service:java"');
  assert.equal(totalOf(await server.flame(unknown)), 1e7);
});

test('bad indices, samples without values and large tables are refused with their names', async () => {
  const missing = otlpOf('a 1', { service: 'x' });
  missing.dictionary!.locationTable = [];
  assert.match((await refused(as110(missing))).message, /entry 1 of location_table, which has 0/);
  const attribute = edited(otlpOf('a 1', { service: 'x' }), ({ samples }) => {
    samples[0]!.attributeIndices = [9];
  });
  assert.match((await refused(as110(attribute))).message, /entry 9 of attribute_table/);
  const link = edited(otlpOf('a 1', { service: 'x' }), ({ samples }) => {
    samples[0]!.linkIndex = 2;
  });
  assert.match((await refused(as110(link))).message, /entry 2 of link_table, which has 0/);
  const nothing = edited(otlpOf('a 1', { service: 'x' }), ({ samples }) => {
    samples[0]!.values = [];
  });
  assert.match((await refused(as110(nothing))).message, /sample 0 has neither values/);
  const strings = otlpOf('a 1', { service: 'x' });
  strings.dictionary!.stringTable = Array.from({ length: 1001 }, () => '');
  const { code, message } = await refused(as110(strings));
  assert.equal(code, 'PROFILE_TOO_LARGE');
  assert.match(message, /strings; at most 1000 are allowed \(BUNSEN_MAX_TABLE_ENTRIES\)/);
  const huge = edited(otlpOf('a 1', { service: 'x' }), ({ samples }) => {
    samples[0]!.values = [2n ** 62n];
  });
  assert.match((await refused(as110(huge))).message, /2\^63/);
});
