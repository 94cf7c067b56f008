import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { API, IDEMPOTENCY_KEY } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, foldedOf, TestServer, totalOf } from '../testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start({
    BUNSEN_MAX_BODY_BYTES: '1000000',
    BUNSEN_MAX_PROFILE_BYTES: '2000000',
    BUNSEN_MAX_VALUES: '5000',
    BUNSEN_MAX_SERIES: '20',
    BUNSEN_MAX_STACK_DEPTH: '50',
    BUNSEN_MAX_FRAME_BYTES: '1000',
  });
});
after(() => server.close());

async function refusal(body: Uint8Array, headers: Record<string, string> = {}) {
  return server.refusal(API.push, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: body as Uint8Array<ArrayBuffer>,
  });
}

/** Nothing of a refused push may be in any table. */
async function assertNothingStored(service: string): Promise<void> {
  const [row] = await server.app.store.rows<Record<string, number>>(
    `SELECT toUInt32((SELECT count() FROM samples WHERE service = {service:String})
       + (SELECT count() FROM profiles WHERE service = {service:String})
       + (SELECT count() FROM series WHERE service = {service:String})
       + (SELECT count() FROM stacks WHERE service = {service:String})) AS rows`,
    { params: { service } },
  );
  assert.equal(row?.['rows'], 0);
}

test('a pprof is stored whether it is plain, gzipped, or gzipped and encoded as such', async () => {
  const bytes = pprofOf('main;a 1', { labels: { service_name: 'encodings' } });
  assert.deepEqual(await server.push(bytes), { samples: 1, duplicate: false });
  assert.deepEqual(await server.push(gzipSync(bytes)), { samples: 1, duplicate: false });
  const encoded = await server.fetch(API.push, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' },
    body: gzipSync(gzipSync(bytes)),
  });
  assert.equal(encoded.status, 200);
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="encodings"'))), 3e7);
});

test('a large body with a Content-Encoding arrives', async () => {
  const body = gzipSync(randomBytes(900_000));
  const response = await server.fetch(API.push, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' },
    body,
    signal: AbortSignal.timeout(5_000),
  });
  assert.equal(response.status, 400);
});

test('the same key counts once, also at the same time; another key counts again', async () => {
  const bytes = pprofOf('main;a 5', { labels: { service_name: 'keys' } });
  const replies = await Promise.all(Array.from({ length: 5 }, () => server.push(bytes, 'same')));
  assert.deepEqual(replies.map(({ duplicate }) => duplicate).sort(), [
    false,
    true,
    true,
    true,
    true,
  ]);
  await server.push(bytes, 'other');
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="keys"'))), 10e7);
});

test('each sample goes to the series that its labels name', async () => {
  const services = ['first', 'second'];
  await server.push(
    pprofOf('main;a 1\nmain;b 2\nmain;a 4', {
      labelsOf: (line) => ({ service_name: services[line % 2] as string, host: 'h1' }),
    }),
  );
  assert.deepEqual(foldedOf(await server.flame(cpuQuery('service_name="first"'))), [
    'main;a 50000000',
  ]);
  assert.deepEqual(foldedOf(await server.flame(cpuQuery('service_name="second"'))), [
    'main;b 20000000',
  ]);
});

test('what is not a whole pprof is refused, and stores nothing', async () => {
  const bytes = pprofOf('main;a 1', { labels: { service_name: 'broken' } });
  assert.equal((await refusal(Buffer.alloc(0))).code, 'BODY_EMPTY');
  assert.equal(
    (await refusal(Buffer.from('hello, this is not a profile'))).code,
    'PPROF_MALFORMED',
  );
  const cut = await refusal(bytes.subarray(0, bytes.length - 3));
  assert.deepEqual([cut.status, cut.code], [400, 'PPROF_MALFORMED']);
  const cutGzip = await refusal(gzipSync(bytes).subarray(0, -9));
  assert.deepEqual([cutGzip.status, cutGzip.code], [400, 'BODY_MALFORMED']);
  await assertNothingStored('broken');
  // A damaged byte may leave a profile that is valid and says something else; it must not do worse.
  for (let i = 0; i < 40; i++) {
    const damaged = Uint8Array.from(bytes);
    damaged[(i * 7) % bytes.length] = 255 - (damaged[(i * 7) % bytes.length] as number);
    const response = await server.fetch(API.push, { method: 'POST', body: damaged });
    assert.ok(response.status === 200 || response.status === 400, `${response.status}`);
  }
});

test('limits are kept, and named', async () => {
  const labels = { service_name: 'limits' };
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) => `main;f${i % 9} 1`).join('\n');
  const cases: [Uint8Array, number, string, RegExp][] = [
    [Buffer.alloc(1_000_001, 1), 413, 'BODY_TOO_LARGE', /1000001 bytes.*BUNSEN_MAX_BODY_BYTES/],
    [Buffer.alloc(100_000_000, 1), 413, 'BODY_TOO_LARGE', /BUNSEN_MAX_BODY_BYTES/],
    [
      gzipSync(Buffer.alloc(50_000_000)),
      413,
      'PROFILE_TOO_LARGE',
      /2000000.*BUNSEN_MAX_PROFILE_BYTES/,
    ],
    [pprofOf(lines(5001), { labels }), 413, 'PROFILE_TOO_LARGE', /5001 values.*BUNSEN_MAX_VALUES/],
    [
      pprofOf(lines(21), { labelsOf: (i) => ({ ...labels, request: `${i}` }) }),
      413,
      'PROFILE_TOO_LARGE',
      /21 series.*BUNSEN_MAX_SERIES/,
    ],
    [
      pprofOf(`${Array.from({ length: 51 }, (_, i) => `f${i}`).join(';')} 1`, { labels }),
      400,
      'STACK_TOO_DEEP',
      /51 frames.*BUNSEN_MAX_STACK_DEPTH/,
    ],
    [
      pprofOf(`main;${'x'.repeat(1001)} 1`, { labels }),
      400,
      'STRING_TOO_LONG',
      /BUNSEN_MAX_FRAME_BYTES/,
    ],
    [
      pprofOf('a 1', { labels: { ...labels, ['__proto__']: 'x' } }),
      400,
      'LABEL_MALFORMED',
      /__proto__.*reserved/,
    ],
    [
      pprofOf('a 1', { labels: { ...labels, long: 'x'.repeat(2049) } }),
      400,
      'LABEL_MALFORMED',
      /long/,
    ],
    [pprofOf('a 1', { labels: { host: 'h' } }), 400, 'SERVICE_NAME_MISSING', /sample 0/],
    [
      pprofOf('a 1', { labels, timeMs: Date.now() - 8 * 86_400_000 }),
      400,
      'TIMESTAMP_OUT_OF_RANGE',
      /BUNSEN_MAX_AGE_MS/,
    ],
    [
      pprofOf('a 1', { labels, timeMs: Date.now() + 11 * 60_000 }),
      400,
      'TIMESTAMP_OUT_OF_RANGE',
      /BUNSEN_MAX_AHEAD_MS/,
    ],
    [pprofOf('a 1', { labels, timeMs: -1000 }), 400, 'TIMESTAMP_OUT_OF_RANGE', /1969/],
    [pprofOf(`a ${2n ** 63n - 1n}\nb 1`, { labels, period: 1 }), 400, 'PPROF_LIMIT', /2\^63/],
    [
      pprofOf('a 1', { labels, sampleTypes: [{ type: 'a:b', unit: 'count' }] }),
      400,
      'PROFILE_TYPE_MALFORMED',
      /"a:b".*rename/,
    ],
  ];
  for (const [body, status, code, message] of cases) {
    const refused = await refusal(body);
    assert.deepEqual([refused.status, refused.code], [status, code], refused.message);
    assert.match(refused.message, message);
  }
  await assertNothingStored('limits');
  const metrics = await (await server.fetch('/metrics')).text();
  assert.match(metrics, /bunsen_rejected_pushes_total\{reason="BODY_TOO_LARGE"\} 2/);
});

test('a profile without a time is taken as of now, unless it may be repeated', async () => {
  const bytes = pprofOf('a 1', { labels: { service_name: 'timeless' }, timeMs: 0 });
  await server.push(bytes);
  assert.equal((await refusal(bytes, { [IDEMPOTENCY_KEY]: 'k' })).code, 'TIMESTAMP_OUT_OF_RANGE');
});

test('content types, encodings and parameters that a push does not have are refused', async () => {
  const bytes = pprofOf('a 1');
  assert.equal((await refusal(bytes, { 'content-type': 'application/json' })).status, 415);
  assert.equal((await refusal(bytes, { 'content-encoding': 'zstd' })).status, 415);
  const unknown = await server.refusal(`${API.push}?service=x`, { method: 'POST', body: 'x' });
  assert.equal(unknown.code, 'PARAMETER_UNKNOWN');
});

test('pushes beyond the memory for them are told to come later', async () => {
  const small = await TestServer.start({ BUNSEN_MAX_IN_FLIGHT_BYTES: '1000' });
  const bytes = pprofOf('main;a 1', { labels: { service_name: 'busy' } });
  const big = Buffer.concat([bytes, Buffer.alloc(0)]);
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => small.fetch(API.push, { method: 'POST', body: big })),
  );
  const statuses = responses.map(({ status }) => status);
  assert.ok(statuses.includes(200));
  const busy = responses.find(({ status }) => status === 429);
  assert.ok(busy, `${statuses}`);
  assert.equal(busy.headers.get('retry-after'), '1');
  assert.equal(((await busy.json()) as { code: string }).code, 'INGEST_BUSY');
  // What was refused is not held: the next one is taken.
  await small.push(bytes);
  await small.close();
});

test('clients that announce much and send nothing keep nobody out', async () => {
  const limited = await TestServer.start({ BUNSEN_MAX_IN_FLIGHT_BYTES: '100000' });
  const { port } = new URL(limited.url);
  const slow = ['Transfer-Encoding: chunked', 'Content-Length: 90000'].flatMap((header) =>
    Array.from({ length: 4 }, () => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(`POST /ingest?name=slow HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n1\r\n`);
      return socket;
    }),
  );
  await setTimeout(200);
  await limited.push(pprofOf('main;a 1', { labels: { service_name: 'beside' } }));
  assert.match(
    await (await limited.fetch('/metrics')).text(),
    /^bunsen_ingest_in_flight_bytes \d{1,2}$/m,
  );
  for (const socket of slow) socket.destroy();
  await setTimeout(200);
  assert.match(
    await (await limited.fetch('/metrics')).text(),
    /^bunsen_ingest_in_flight_bytes 0$/m,
  );
  await limited.close();
});
