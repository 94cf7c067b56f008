/** What every protobuf service has in common: requests that are none. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import { SelectSeriesRequestSchema } from '@bunsen/proto/querier/v1/querier';
import { status } from '@grpc/grpc-js';
import { GrpcClient, type Refusal } from './testing/rpc-clients.ts';
import { TestServer } from './testing/test-server.ts';

let server: TestServer;
let grpc: GrpcClient;
before(async () => {
  server = await TestServer.start({ BUNSEN_MAX_BODY_BYTES: '1000000' });
  grpc = new GrpcClient(server.url);
});
after(async () => {
  grpc.close();
  await server.close();
});

const PUSH = '/push.v1.PusherService/Push';
const EXPORT = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';
const QUERY = '/querier.v1.QuerierService/SelectSeries';
/** A tag that does not end. */
const GARBAGE = Buffer.from([0xff, 0xff, 0xff, 0xff]);

const post = (path: string, type: string, body: Uint8Array | string) =>
  server.fetch(path, {
    method: 'POST',
    headers: { 'content-type': type },
    body: body as Uint8Array<ArrayBuffer> | string,
  });

const framed = (bytes: Buffer) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

for (const path of [PUSH, QUERY]) {
  for (const [type, body] of [
    ['application/proto', GARBAGE],
    ['application/json', '{"series":'],
    ['application/json', '{"series": 7, "start": {}}'],
  ] as const) {
    test(`${path} over Connect: ${type} that cannot be read is the client's fault`, async () => {
      const reply = await post(path, type, body);
      const { code, message } = (await reply.json()) as Refusal;
      assert.deepEqual([reply.status, code], [400, 'invalid_argument'], message);
      assert.equal(reply.headers.get('bunsen-code'), 'BODY_MALFORMED');
      assert.match(message, /^the message cannot be read: /);
    });
  }
}

for (const [path, bunsenCode] of [
  [PUSH, 'BODY_MALFORMED'],
  [EXPORT, 'OTLP_MALFORMED'],
  [QUERY, 'BODY_MALFORMED'],
] as const) {
  test(`${path} over gRPC and gRPC-web: the same`, async () => {
    const error = await grpc.call(path, GARBAGE).catch((error) => error);
    assert.equal(error.code, status.INVALID_ARGUMENT, error.details);
    assert.deepEqual(error.metadata.get('bunsen-code'), [bunsenCode]);

    const reply = await post(path, 'application/grpc-web+proto', framed(GARBAGE));
    const trailers = (await reply.text()).toLowerCase();
    assert.equal(reply.status, 200);
    assert.match(trailers, /grpc-status: 3\r\n/);
    assert.ok(trailers.includes(`bunsen-code: ${bunsenCode.toLowerCase()}\r\n`), trailers);
  });

  test(`${path}: another type of content, and another method`, async () => {
    const reply = await post(path, 'application/xml', '<a/>');
    const { code, message } = (await reply.json()) as Refusal;
    assert.deepEqual([reply.status, code], [415, 'CONTENT_TYPE_UNSUPPORTED']);
    assert.match(message, /application\/xml is none of .*application\/grpc/);

    const got = await server.fetch(path);
    assert.equal(got.status, 405);
    assert.equal(got.headers.get('allow'), 'POST');
    assert.equal(((await got.json()) as Refusal).code, 'METHOD_NOT_ALLOWED');
  });
}

test('a body that is not one message of gRPC, or is compressed otherwise, is refused', async () => {
  for (const path of [PUSH, EXPORT]) {
    const refusal = async (body: Buffer, headers: Record<string, string> = {}) => {
      const reply = await server.fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/grpc-web+proto', ...headers },
        body: body as Buffer<ArrayBuffer>,
      });
      return decodeURIComponent((await reply.text()).split('\0').at(-1) ?? '');
    };
    const empty = framed(Buffer.alloc(0));
    for (const body of [Buffer.alloc(3), Buffer.concat([empty, empty]), empty.subarray(0, 4)]) {
      assert.match(await refusal(body), /not one message/);
    }
    const flagged = framed(Buffer.from([1]));
    flagged[0] = 1;
    assert.match(await refusal(flagged), /compressed by nothing/);
    const unknown = await refusal(flagged, { 'grpc-encoding': 'zstd' });
    assert.match(unknown, /grpc-status: 12|compressed by zstd/);
  }
});

test('what is too large is refused with its limit, whatever is in it', async () => {
  for (const [path, limit] of [
    [PUSH, 'BUNSEN_MAX_BODY_BYTES'],
    [QUERY, '1048576 bytes'],
  ] as const) {
    const reply = await post(path, 'application/proto', Buffer.alloc(2e6, 0xff));
    const { code, message } = (await reply.json()) as Refusal;
    assert.deepEqual([reply.status, code], [400, 'invalid_argument']);
    assert.equal(reply.headers.get('bunsen-code'), 'BODY_TOO_LARGE');
    assert.ok(message.includes(limit), message);
  }
});

test('a refused message is counted', async () => {
  const metrics = await (await server.fetch('/metrics')).text();
  assert.match(metrics, /bunsen_rejected_pushes_total\{reason="BODY_MALFORMED"\} [1-9]/);
  assert.equal(server.app.inFlightBytes(), 0);
});

test('grpc-js shows the message of an error as it is written', async () => {
  const request = create(SelectSeriesRequestSchema, {
    profileTypeID: CPU_PROFILE_TYPE,
    labelSelector: '{ä="100 %"',
    start: BigInt(Date.now() - 3_600_000),
    end: BigInt(Date.now()),
    step: 15,
  });
  const error = await grpc
    .call(QUERY, Buffer.from(toBinary(SelectSeriesRequestSchema, request)))
    .catch((error) => error);
  assert.equal(
    error.details,
    'query "{ä=\\"100 %\\"": expected a label name or } at position 1, found "ä=\\"100 %\\""',
  );
});
