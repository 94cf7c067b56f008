import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import type { ProfileTypesResponse } from '@bunsen/profile';
import { ExportProfilesServiceRequestSchema } from '@bunsen/proto/otlp/v1_10/profiles';
import { PusherService, PushRequestSchema } from '@bunsen/proto/push/v1/push';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { status } from '@grpc/grpc-js';
import { otlpOf } from '../testing/otlp-of.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { GrpcClient, TRANSPORTS } from '../testing/rpc-clients.ts';
import { cpuQuery, foldedOf, TestServer, totalOf } from '../testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start({
    BUNSEN_MAX_BODY_BYTES: '1000000',
    BUNSEN_MAX_PROFILE_BYTES: '3000000',
  });
});
after(() => server.close());

const PUSH = '/push.v1.PusherService/Push';
const EXPORT = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';

/** One series of one CPU profile, `main;a 2`. */
function pushOf(service: string, labels: Record<string, string> = {}) {
  const own = { __name__: 'process_cpu', __delta__: 'false', service_name: service, ...labels };
  return {
    series: [
      {
        labels: Object.entries(own).map(([name, value]) => ({ name, value })),
        samples: [{ rawProfile: gzipSync(pprofOf('main;a 2', { labels: {} })), ID: 'one' }],
      },
    ],
  };
}

const bytesOf = (request: ReturnType<typeof pushOf>) =>
  toBinary(PushRequestSchema, create(PushRequestSchema, request));

async function stored(service: string): Promise<string[]> {
  return foldedOf(await server.flame(cpuQuery(`service_name="${service}"`)));
}

for (const [index, [name, transport]] of Object.entries(TRANSPORTS).entries()) {
  test(`Push and its errors over ${name}`, async () => {
    const client = createClient(PusherService, transport(server.url));
    await client.push(pushOf(`push-${index}`));
    assert.deepEqual(await stored(`push-${index}`), ['main;a 20000000']);

    const refused = await client
      .push(pushOf('refused', { __x: 'x' }))
      .then(() => undefined, ConnectError.from);
    assert.equal(refused?.code, Code.InvalidArgument);
    assert.match(refused?.rawMessage ?? '', /__x is none of/);
    assert.equal(refused?.metadata.get('bunsen-code'), 'LABEL_MALFORMED');
  });
}

test('Push over JSON as people write it: original names, unknown fields, base64', async () => {
  const body = JSON.stringify({
    series: [
      {
        labels: [{ name: 'service_name', value: 'by-hand' }],
        samples: [
          {
            raw_profile: Buffer.from(pprofOf('main;b 3', { labels: {} })).toString('base64'),
            nobody: 'knows',
          },
        ],
      },
    ],
  });
  const headers = { 'content-type': 'application/json' };
  const reply = await server.fetch(PUSH, { method: 'POST', headers, body });
  assert.deepEqual([reply.status, await reply.json()], [200, {}]);
  assert.deepEqual(await stored('by-hand'), ['main;b 30000000']);

  const broken = await server.fetch(PUSH, { method: 'POST', headers, body: '{"series":' });
  const { code } = (await broken.json()) as { code: string };
  assert.deepEqual([broken.status, code], [400, 'invalid_argument']);
});

test('grpc-js, as gRPC clients are, on the port of HTTP/1', async (t) => {
  const client = new GrpcClient(server.url);
  t.after(() => client.close());
  const call = (path: string, bytes: Uint8Array) => client.call(path, bytes);
  assert.equal((await call(PUSH, bytesOf(pushOf('grpc-js')))).length, 0);
  assert.deepEqual(await stored('grpc-js'), ['main;a 20000000']);

  const otlp = create(
    ExportProfilesServiceRequestSchema,
    otlpOf('main;c 4', { service: 'otel-grpc' }),
  );
  await call(EXPORT, toBinary(ExportProfilesServiceRequestSchema, otlp));
  assert.deepEqual(await stored('otel-grpc'), ['main;c 40000000']);
  await call(EXPORT, Buffer.alloc(0)); // without profiles it succeeds, by OTLP's specification

  const garbage = await call(EXPORT, Buffer.from([0x12, 0x02, 0x0a, 0x7f])).catch((error) => error);
  assert.equal(garbage.code, status.INVALID_ARGUMENT);
  assert.match(garbage.details, /not an ExportProfilesServiceRequest in protobuf/);
  const bomb = pushOf('bomb');
  bomb.series[0]!.samples[0]!.rawProfile = gzipSync(Buffer.alloc(4e6));
  const refused = await call(PUSH, bytesOf(bomb)).catch((error) => error);
  assert.match(refused.details, /3000000 bytes after decompression \(BUNSEN_MAX_PROFILE_BYTES\)/);
  const zeros = await call(PUSH, Buffer.alloc(4e6)).catch((error) => error);
  assert.match(zeros.details, /BUNSEN_MAX_PROFILE_BYTES/);
});

test('a message that is too large as sent is refused by name, and the connection goes on', async () => {
  const body = Buffer.alloc(2e6);
  const headers = { 'content-type': 'application/proto' };
  const reply = await server.fetch(PUSH, { method: 'POST', headers, body });
  const { code, message } = (await reply.json()) as { code: string; message: string };
  assert.deepEqual([reply.status, code], [400, 'invalid_argument']);
  assert.match(message, /BUNSEN_MAX_BODY_BYTES/);
  assert.equal((await server.fetch('/healthz')).status, 200);
  assert.equal(server.app.inFlightBytes(), 0);
});

test('the labels of a series: name of the profile type, unknown service, reserved ones', async () => {
  const client = createClient(PusherService, TRANSPORTS['gRPC, gzip']!(server.url));
  const named = pushOf('named', { __name__: 'my_cpu' });
  await client.push(named);
  const { profileTypes } = await server.get<ProfileTypesResponse>('/api/v1/profile-types');
  assert.ok(profileTypes.some(({ id }) => id === 'my_cpu:cpu:nanoseconds:cpu:nanoseconds'));

  const nobody = pushOf('x');
  nobody.series[0]!.labels = [];
  await client.push(nobody);
  assert.deepEqual(await stored('unknown_service'), ['main;a 20000000']);

  const refusal = async (labels: Record<string, string>) =>
    client.push(pushOf('x', labels)).then(
      () => 'stored',
      (error) => error.rawMessage as string,
    );
  assert.match(await refusal({ __other__: 'x' }), /__other__ is none of __name__/);
  assert.match(await refusal({ __name__: 'a b' }), /__name__ "a b"/);
  const metrics = await (await server.fetch('/metrics')).text();
  assert.match(metrics, /bunsen_rejected_pushes_total\{reason="LABEL_MALFORMED"\} [1-9]/);
});

test('many series of one request, each once however often it is repeated', async () => {
  const hourAgo = Date.now() - 3_600_000;
  const request = pushOf('many');
  request.series = ['a', 'b', 'c'].flatMap((pod) => [
    { ...pushOf('many', { pod }).series[0]!, samples: [sample(hourAgo), sample(hourAgo + 90_000)] },
    { ...pushOf('many', { pod, __name__: 'memory' }).series[0]!, samples: [memory(hourAgo)] },
  ]);
  for (const status of [200, 200, 200]) {
    const reply = await server.fetch(PUSH, {
      method: 'POST',
      headers: { 'content-type': 'application/proto', 'idempotency-key': 'many-1' },
      body: bytesOf(request) as Uint8Array<ArrayBuffer>,
    });
    assert.equal(reply.status, status, await reply.clone().text());
  }
  const range = { from: hourAgo - 600_000, until: hourAgo + 600_000 };
  for (const pod of ['a', 'b', 'c']) {
    const labels = `service_name="many", pod="${pod}"`;
    assert.equal(totalOf(await server.flame(cpuQuery(labels), range)), 4e7);
    const space = `memory:inuse_space:bytes:space:bytes{${labels}}`;
    assert.equal(totalOf(await server.flame(space, range)), 7);
  }
});

function sample(timeMs: number) {
  return { rawProfile: gzipSync(pprofOf('main;a 2', { labels: {}, timeMs })), ID: '' };
}

function memory(timeMs: number) {
  const pprof = pprofOf('main;alloc 7', {
    labels: {},
    timeMs,
    period: 1,
    sampleTypes: [{ type: 'inuse_space', unit: 'bytes' }],
    periodType: { type: 'space', unit: 'bytes' },
  });
  return { rawProfile: gzipSync(pprof), ID: '' };
}

test('HTTP/1 and HTTP/2 are told apart by the first bytes, however they are cut', async () => {
  const { port } = new URL(server.url);
  const answer = (chunks: string[]) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1');
      let text = '';
      socket.setNoDelay(true);
      socket.on('data', (data) => {
        text += data.toString('latin1');
        socket.destroy();
        resolve(text);
      });
      socket.on('error', reject);
      const send = () => {
        const chunk = chunks.shift();
        if (chunk === undefined || text !== '') return;
        socket.write(chunk, () => setImmediate(send));
      };
      send();
    });
  const http1 = 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  assert.match(await answer([http1]), /^HTTP\/1\.1 200/);
  assert.match(await answer([...http1]), /^HTTP\/1\.1 200/);
  assert.match(await answer(['P', 'UT / HTTP/1.1\r\nHost: a\r\n\r\n']), /^HTTP\/1\.1 404/);
  assert.match(await answer(['PRO', 'PFIND / HTTP/9\r\n\r\n']), /^HTTP\/1\.1 400/);
  const settings = '\0\0\0\x04\0\0\0\0\0';
  const preface = `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${settings}`;
  assert.equal((await answer([...preface]))[3], '\x04'); // the type of a frame: SETTINGS
});
