import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { LabelsSnapshotSchema } from '@bunsen/proto/jfr/labels';
import { jfrOf } from '../../testing/jfr-of.ts';
import { cpuQuery, foldedOf, searchOf, TestServer, totalOf } from '../../testing/test-server.ts';

const RECORDING = readFileSync(
  new URL('../../../src/testing/fixtures/burn.jfr.gz', import.meta.url),
);

let server: TestServer;
before(async () => {
  server = await TestServer.start({ BUNSEN_MAX_TABLE_ENTRIES: '50000' });
});
after(() => server.close());

function form(parts: Record<string, Uint8Array>): FormData {
  const body = new FormData();
  for (const [name, bytes] of Object.entries(parts)) {
    body.append(name, new Blob([bytes as Uint8Array<ArrayBuffer>]), name);
  }
  return body;
}

function ingest(name: string, body: Uint8Array | FormData, params: Record<string, string> = {}) {
  const search = searchOf({ name, format: 'jfr', from: Math.floor(Date.now() / 1000), ...params });
  return server.fetch(`/ingest?${search}`, {
    method: 'POST',
    body: body as Uint8Array<ArrayBuffer>,
  });
}

async function accepted(...args: Parameters<typeof ingest>): Promise<void> {
  const reply = await ingest(...args);
  assert.equal(reply.status, 200, await reply.text());
}

async function refused(...args: Parameters<typeof ingest>): Promise<string> {
  const reply = await ingest(...args);
  const { code, message } = (await reply.json()) as { code: string; message: string };
  assert.equal(reply.status, 422, message);
  return `${code}: ${message}`;
}

test("a recording of the JDK: all kinds of events, with the totals of the JDK's own reader", async () => {
  await accepted('burn', RECORDING, {
    units: 'samples',
    aggregationType: 'sum',
    spyName: 'javaspy',
  });
  await accepted('burn-form', form({ jfr: RECORDING }));
  const totals: Record<string, number> = {
    'process_cpu:cpu:nanoseconds:cpu:nanoseconds': 560_000_000,
    'memory:alloc_in_new_tlab_objects:count:space:bytes': 79,
    'memory:alloc_in_new_tlab_bytes:bytes:space:bytes': 44_191_072,
    'memory:alloc_outside_tlab_objects:count:space:bytes': 1172,
    'memory:alloc_outside_tlab_bytes:bytes:space:bytes': 136_488_752,
    'memory:alloc_sample_bytes:bytes:space:bytes': 185_189_920,
    'block:contentions:count:block:count': 25,
    'block:delay:nanoseconds:block:count': 409_596_736,
    'mutex:contentions:count:mutex:count': 4,
    'mutex:delay:nanoseconds:mutex:count': 67_303_954,
  };
  for (const service of ['burn', 'burn-form']) {
    for (const [type, total] of Object.entries(totals)) {
      const flame = await server.flame(`${type}{service_name="${service}"}`);
      assert.equal(totalOf(flame), total, `${service} ${type}`);
    }
  }
  const query = cpuQuery('service_name="burn", pyroscope_spy="javaspy"');
  assert.deepEqual(foldedOf(await server.flame(query)), [
    'Burn.main;Burn$$Lambda$_.run;Burn.lambda$main$1;Burn.burnCpu 560000000',
  ]);
});

test('labels of contexts, the rate, and what sleeps, in a recording of several chunks', async () => {
  const snapshot = create(LabelsSnapshotSchema, {
    contexts: { 7: { labels: { 1: 2n, 3: 4n } } },
    strings: { 1: 'route', 2: '/cart', 3: 'span_id', 4: '9a517183f26a089d' },
  });
  const labels = gzipSync(toBinary(LabelsSnapshotSchema, snapshot));
  const samples = [
    { stack: 'main;cart', contextId: 7 },
    { stack: 'main;idle', state: 'SLEEPING' as const },
    { stack: 'main' },
  ];
  const jfr = Buffer.concat([
    jfrOf(samples, { mode: 'itimer' }),
    jfrOf(samples.slice(0, 1), { mode: 'itimer' }),
  ]);
  await accepted('ctx', form({ jfr: gzipSync(jfr), labels }), { sampleRate: '1000' });
  const cart = cpuQuery('service_name="ctx", route="/cart", jfr_event="itimer", span_id=""');
  assert.deepEqual(foldedOf(await server.flame(cart)), ['App.main;App.cart 2000000']);
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="ctx"'))), 3_000_000);

  const spans = await server.app.store.rows<{ span: string; total: string }>(
    `SELECT hex(span_id) AS span, sum(value * unit) AS total FROM span_samples
     WHERE service = 'ctx' GROUP BY span_id`,
  );
  assert.deepEqual(spans, [{ span: '9A517183F26A089D', total: '2000000' }]);

  await accepted('wall', jfrOf(samples, { mode: 'wall' }));
  const wall = await server.flame('wall:wall:nanoseconds:wall:nanoseconds{service_name="wall"}');
  assert.equal(totalOf(wall), 30_000_000);
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="wall"'))), 20_000_000);
});

test('recordings that are cut off, circular or too large are refused', async () => {
  const whole = gunzipSync(RECORDING);
  const one = [{ stack: 'a' }];
  assert.match(await refused('x', whole.subarray(0, 5000)), /^JFR_MALFORMED.*cut off/);
  assert.match(await refused('x', whole.subarray(1)), /^JFR_MALFORMED.*FLR/);
  const damaged = Buffer.from(whole);
  damaged.fill(0xff, 200, 400);
  assert.match(await refused('x', damaged), /^JFR_MALFORMED.*at byte/);
  assert.match(
    await refused('x', jfrOf(one, { cyclic: true })),
    /ExecutionSample in each other.*BUNSEN_MAX_NESTING/,
  );
  assert.match(
    await refused('x', jfrOf(one, { hollow: 60 })),
    /objects without a byte; at most 50000 .*BUNSEN_MAX_TABLE_ENTRIES/,
  );
  assert.match(await refused('x', jfrOf(one, { back: 10n })), /checkpoints form a circle/);
  const long = jfrOf([{ stack: Array.from({ length: 3000 }, (_, i) => `m${i}`).join(';') }]);
  assert.match(await refused('x', long), /^STACK_TOO_DEEP.*BUNSEN_MAX_STACK_DEPTH/);
  const many = jfrOf(Array.from({ length: 51_000 }, () => ({ stack: 'a' })));
  assert.match(await refused('x', many), /^PROFILE_TOO_LARGE.*BUNSEN_MAX_TABLE_ENTRIES/);
  const parts = form({ jfr: jfrOf(one), labels: Buffer.from([0x0a, 0x7f]) });
  assert.match(await refused('x', parts), /^JFR_MALFORMED.*labels/);
  assert.match(await refused('x', form({ profile: RECORDING })), /part "profile".*jfr, labels/);
  assert.match(await refused('x', form({ labels: RECORDING })), /no part `jfr`/);
});
