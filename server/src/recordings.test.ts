/** What real profilers wrote, in and out again: every API has the totals of the file, to the unit. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { PusherService } from '@bunsen/proto/push/v1/push';
import { createClient } from '@connectrpc/connect';
import { heap, time } from '@datadog/pprof';
import { Profile } from 'pprof-format';
import { readTotals, selfOf, sumOf } from './testing/read-totals.ts';
import { GrpcClient, TRANSPORTS } from './testing/rpc-clients.ts';
import { TestServer, totalOf } from './testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

const fixture = (name: string) =>
  readFileSync(new URL(`../src/testing/fixtures/${name}`, import.meta.url));

/** The recording as if it were of now: of a field that is there twice, the last one counts. */
function asOfNow(recording: Uint8Array): Uint8Array {
  const bytes = [9 * 8];
  let rest = BigInt(Date.now()) * 1_000_000n;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return gzipSync(Buffer.concat([recording, Buffer.from([...bytes, Number(rest)])]));
}

async function ingest(name: string, parts: Record<string, Uint8Array>, query = '') {
  const body = new FormData();
  for (const [part, content] of Object.entries(parts)) {
    body.append(part, new Blob([content as Uint8Array<ArrayBuffer>]), part);
  }
  const response = await server.fetch(`/ingest?name=${name}${query}`, { method: 'POST', body });
  assert.equal(response.status, 200, await response.text());
  return response;
}

async function push(service: string, rawProfile: Uint8Array, name: string) {
  const own = { __name__: name, __delta__: 'false', service_name: service };
  const labels = Object.entries(own).map(([name, value]) => ({ name, value }));
  const client = createClient(PusherService, TRANSPORTS['gRPC, gzip']!(server.url));
  await client.push({ series: [{ labels, samples: [{ rawProfile }] }] });
}

/** Every API says so much, and the functions have what they had. */
async function assertRead(
  service: string,
  type: string,
  expected: bigint,
  self: Map<string, bigint>,
): Promise<void> {
  const read = await readTotals(server.url, type, service);
  const wanted = Object.fromEntries(Object.keys(read.totals).map((api) => [api, expected]));
  assert.deepEqual(read.totals, wanted, type);
  assert.deepEqual(sorted(read.self), sorted(self), type);
}

const sorted = (self: Map<string, bigint>) => [...self].sort(([a], [b]) => (a < b ? -1 : 1));

const CPU = [
  'process_cpu:samples:count:cpu:nanoseconds',
  'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
];
const HEAP = [
  'alloc_objects:count',
  'alloc_space:bytes',
  'inuse_objects:count',
  'inuse_space:bytes',
];

/** Recordings in pprof, and how the profile types of their sample types are called. */
const PPROFS: Record<string, string[]> = {
  'go-cpu': CPU,
  'go-heap-1': HEAP.map((type) => `memory:${type}:space:bytes`),
  'go-mutex': ['contentions:count', 'delay:nanoseconds'].map(
    (type) => `mutex:${type}:contentions:count`,
  ),
  'rust-cpu': CPU,
};

for (const [file, types] of Object.entries(PPROFS)) {
  test(`${file}: by /ingest and by Push, each sample type`, async () => {
    const recording = gunzipSync(fixture(`${file}.pb.gz`));
    const decoded = Profile.decode(recording);
    await ingest(`${file}-ingest`, { profile: asOfNow(recording) });
    await push(`${file}-push`, asOfNow(recording), types[0]?.split(':')[0] as string);
    assert.equal(types.length, decoded.sampleType.length);
    for (const [column, type] of types.entries()) {
      const expected = sumOf(decoded, column);
      assert.ok(expected > 0n);
      for (const way of ['ingest', 'push']) {
        await assertRead(`${file}-${way}`, type, expected, selfOf(decoded, column));
      }
    }
  });
}

test("Go's heap profiles one after the other: what was allocated between, and what is in use", async () => {
  const [first, second] = ['go-heap-1', 'go-heap-2'].map((file) =>
    gunzipSync(fixture(`${file}.pb.gz`)),
  ) as [Buffer, Buffer];
  const reply = await ingest('go-pair', {
    profile: asOfNow(second),
    prev_profile: gzipSync(first),
  });
  assert.equal(reply.headers.get('bunsen-warning'), null);
  const [before, after] = [Profile.decode(first), Profile.decode(second)];
  for (const [column, type] of ['alloc_objects:count', 'alloc_space:bytes'].entries()) {
    const self = selfOf(after, column);
    for (const [name, value] of selfOf(before, column)) {
      const more = (self.get(name) as bigint) - value;
      if (more === 0n) self.delete(name);
      else self.set(name, more);
    }
    const added = sumOf(after, column) - sumOf(before, column);
    await assertRead('go-pair', `memory:${type}:space:bytes`, added, self);
  }
  const inUse = 'memory:inuse_space:bytes:space:bytes';
  await assertRead('go-pair', inUse, sumOf(after, 3), selfOf(after, 3));
});

test('what py-spy writes, as folded text and for speedscope', async () => {
  const folded = fixture('py-spy.folded').toString();
  const self = new Map<string, bigint>();
  let samples = 0n;
  for (const line of folded.trim().split('\n')) {
    const [, name, count] = /([^;]+) (\d+)$/.exec(line) as unknown as [string, string, string];
    self.set(name, (self.get(name) ?? 0n) + BigInt(count) * 10_000_000n);
    samples += BigInt(count);
  }
  const text = await server.fetch('/ingest?name=py-folded&sampleRate=100', {
    method: 'POST',
    body: folded,
  });
  assert.equal(text.status, 200, await text.text());
  const type = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';
  await assertRead('py-folded', type, samples * 10_000_000n, self);

  const speedscope = JSON.parse(fixture('py-spy.speedscope.json').toString());
  const file = await server.fetch('/ingest?name=py-speedscope&format=speedscope', {
    method: 'POST',
    body: JSON.stringify(speedscope),
  });
  assert.equal(file.status, 200, await file.text());
  const seconds = speedscope.profiles.flatMap(({ weights }: { weights: number[] }) => weights);
  const { totals } = await readTotals(server.url, type, 'py-speedscope');
  const expected = BigInt(Math.round(seconds.reduce((a: number, b: number) => a + b, 0) * 1e9));
  assert.deepEqual(new Set(Object.values(totals)), new Set([expected]));
});

test('what stackprof collapsed, with the name of its spy', async () => {
  const folded = fixture('stackprof.folded').toString();
  const self = new Map<string, bigint>();
  let samples = 0n;
  for (const line of folded.trim().split('\n')) {
    const [, name, count] = /([^;]+) (\d+)$/.exec(line) as unknown as [string, string, string];
    self.set(name, (self.get(name) ?? 0n) + BigInt(count) * 1_000_000n);
    samples += BigInt(count);
  }
  assert.equal(samples, 91n); // as stackprof itself says
  const query = 'name=ruby%7Bregion=eu%7D&sampleRate=1000&spyName=rbspy&units=samples';
  const reply = await server.fetch(`/ingest?${query}`, { method: 'POST', body: folded });
  assert.equal(reply.status, 200, await reply.text());
  const type = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';
  await assertRead('ruby', type, samples * 1_000_000n, self);
  const ofSpy = await server.flame(`${type}{pyroscope_spy="rbspy", region="eu"}`);
  assert.equal(totalOf(ofSpy), 91e6);
});

test("what the JDK recorded: the totals of the JDK's own reader", async () => {
  await ingest('jdk', { jfr: fixture('burn.jfr.gz') }, `&format=jfr&from=${Date.now()}`);
  for (const [type, total] of [
    ['process_cpu:cpu:nanoseconds:cpu:nanoseconds', 560_000_000n],
    ['memory:alloc_outside_tlab_bytes:bytes:space:bytes', 136_488_752n],
  ] as const) {
    const { totals } = await readTotals(server.url, type, 'jdk');
    assert.deepEqual(new Set(Object.values(totals)), new Set([total]), type);
  }
});

test("what async-profiler recorded: the totals of the JDK's reader", async () => {
  for (const { service, file, totals } of [
    {
      service: 'async',
      file: 'async-profiler-cpu.jfr.gz',
      totals: {
        'process_cpu:cpu:nanoseconds:cpu:nanoseconds': 72n * 1_000_000n,
        'memory:alloc_in_new_tlab_objects:count:space:bytes': 321n,
        'memory:alloc_in_new_tlab_bytes:bytes:space:bytes': 116_129_872n,
        'mutex:contentions:count:mutex:count': 3n,
        'mutex:delay:nanoseconds:mutex:count': 27_386_557n + 25_584_630n + 37_316_737n,
      },
    },
    {
      service: 'async-wall',
      file: 'async-profiler-wall.jfr.gz',
      totals: {
        'process_cpu:cpu:nanoseconds:cpu:nanoseconds': 133n * 1_000_000n,
        'wall:wall:nanoseconds:wall:nanoseconds': 5416n * 1_000_000n,
      },
    },
  ]) {
    const query = `&format=jfr&sampleRate=1000&from=${Date.now()}`;
    await ingest(service, { jfr: fixture(file) }, query);
    for (const [type, total] of Object.entries(totals)) {
      const read = await readTotals(server.url, type, service);
      assert.deepEqual(new Set(Object.values(read.totals)), new Set([total]), type);
    }
  }
});

/** When the request was made, in nanoseconds. */
const OTLP_TIME = 1_795_302_218_968_695_377n;

/** OpenTelemetry's request as if it were of now and of another service, whose name is as long. */
function otlpOfNow(message: Buffer, service: string): Buffer {
  const now = BigInt(Date.now()) * 1_000_000n;
  const fixed64 = (time: bigint) => Buffer.from(BigUint64Array.of(time).buffer).toString('latin1');
  const text = message
    .toString('latin1')
    .replaceAll('otel-checkout', service)
    .replaceAll(fixed64(OTLP_TIME), () => fixed64(now))
    .replaceAll(`"timeUnixNano":"${OTLP_TIME}"`, `"timeUnixNano":"${now}"`);
  return Buffer.from(text, 'latin1');
}

/** The requests of OpenTelemetry's own programs, and how each is sent. */
const OTLP_REQUESTS: Record<string, (service: string) => Promise<unknown>> = {
  "OpenTelemetry's Collector over gRPC": (service) =>
    // Behind the frame of gRPC: compressed or not, and the length.
    otlpCall(gunzipSync(fixture('otel-collector-grpc.bin').subarray(5)), service),
  "OpenTelemetry's Collector over HTTP, protobuf": (service) =>
    otlpPost('otel-collector-http.pb.gz', 'application/x-protobuf', service),
  "OpenTelemetry's Collector over HTTP, JSON": (service) =>
    otlpPost('otel-collector-http.json.gz', 'application/json', service),
  "OpenTelemetry's messages for Python over gRPC": (service) =>
    otlpCall(fixture('otlp-python.bin'), service),
};

async function otlpCall(message: Buffer, service: string): Promise<void> {
  const client = new GrpcClient(server.url);
  const of = 'opentelemetry.proto.collector.profiles.v1development.ProfilesService';
  await client.call(`/${of}/Export`, otlpOfNow(message, service));
  client.close();
}

async function otlpPost(file: string, type: string, service: string): Promise<void> {
  const body = gzipSync(otlpOfNow(gunzipSync(fixture(file)), service));
  const headers = { 'content-type': type, 'content-encoding': 'gzip' };
  const reply = await server.fetch('/v1development/profiles', { method: 'POST', headers, body });
  assert.equal(reply.status, 200, await reply.text());
}

Object.entries(OTLP_REQUESTS).forEach(([name, send], i) => {
  test(name, async () => {
    const service = `otel-checkou${i}`;
    await send(service);
    const cpu = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';
    const samples = { parse: 11, render: 5, do_syscall_64: 3, 'checkout+0x4ff0': 2, main: 11 };
    const self = Object.entries(samples).map(([name, count]): [string, bigint] => [
      name,
      BigInt(count) * 52_631_578n,
    ]);
    await assertRead(service, cpu, 32n * 52_631_578n, new Map(self));
    const ofThread = `${cpu}{service_name="${service}", thread.name="worker-1", deployment.environment="test"}`;
    assert.equal(totalOf(await server.flame(ofThread)), 21 * 52_631_578);
    const offCpu = new Map([
      ['do_syscall_64', 123_456_789n],
      ['main', 987n],
    ]);
    await assertRead(service, 'off_cpu:off_cpu:nanoseconds::', 123_457_776n, offCpu);
    const spans = await server.app.store.rows<{ span: string; total: string }>(
      `SELECT hex(span_id) AS span, toString(sum(value * unit)) AS total FROM span_samples
       WHERE service = {service:String} GROUP BY span_id`,
      { params: { service } },
    );
    assert.deepEqual(spans, [{ span: '0102030405060708', total: `${7 * 52_631_578}` }]);
  });
});

function burn(untilMs: number): number {
  let sum = 0;
  while (Date.now() < untilMs) for (let i = 0; i < 1e5; i++) sum += Math.sqrt(i);
  return sum;
}

test("this process by Datadog's profiler for Node.js, of which Pyroscope's SDK is made", async () => {
  time.start({ durationMillis: 60_000, intervalMicros: 1000 });
  heap.start(32 * 1024, 64);
  const kept = Array.from({ length: 20_000 }, (_, i) => ({ text: `kept ${i}` }));
  burn(Date.now() + 300);
  const profiles = {
    'dd-wall': await time.stop(),
    'dd-heap': await heap.profile(),
  };
  heap.stop();
  assert.equal(kept.length, 20_000);
  const types = {
    'dd-wall': ['wall:sample:count:wall:nanoseconds', 'wall:wall:nanoseconds:wall:nanoseconds'],
    'dd-heap': ['memory:objects:count:space:bytes', 'memory:space:bytes:space:bytes'],
  };
  for (const [service, profile] of Object.entries(profiles)) {
    const sent = profile.encode();
    const decoded = Profile.decode(sent);
    await ingest(service, { profile: gzipSync(sent) });
    for (const [column, type] of types[service as keyof typeof types].entries()) {
      await assertRead(service, type, sumOf(decoded, column), selfOf(decoded, column));
    }
  }
});
