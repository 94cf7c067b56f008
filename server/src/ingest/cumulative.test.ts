import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { PusherService, PushRequestSchema } from '@bunsen/proto/push/v1/push';
import { createClient } from '@connectrpc/connect';
import { readConfig } from '../config.ts';
import { ProfileStore, type WriteResult } from '../store/profile-store.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { TRANSPORTS } from '../testing/rpc-clients.ts';
import { foldedOf, TestServer, totalOf } from '../testing/test-server.ts';
import { Ingester } from './ingester.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

const SECOND_MS = 1000;
const startMs = Date.now() - 600 * SECOND_MS;

/** A heap profile as Go's: bytes allocated since the program started, and bytes in use. */
function heapOf(folded: string, atS = 0, names = ['alloc_space', 'inuse_space']): Uint8Array {
  return pprofOf(folded, {
    timeMs: startMs + atS * SECOND_MS,
    labels: {},
    period: 1,
    sampleTypes: names.map((type) => ({ type, unit: 'bytes' })),
    periodType: { type: 'space', unit: 'bytes' },
  });
}

async function ingest(
  name: string,
  parts: Record<string, Uint8Array | string>,
  headers: Record<string, string> = {},
  on = server,
) {
  const body = new FormData();
  for (const [part, content] of Object.entries(parts)) {
    body.append(part, new Blob([content as Uint8Array<ArrayBuffer>]), part);
  }
  const response = await on.fetch(`/ingest?name=${name}`, { method: 'POST', headers, body });
  const warning = response.headers.get('bunsen-warning') ?? '';
  return { status: response.status, text: await response.text(), warning };
}

const stored = async (service: string, type = 'alloc_space', on = server) =>
  foldedOf(await on.flame(`memory:${type}:bytes:space:bytes{service_name="${service}"}`));

async function counted(metric: string): Promise<number> {
  const metrics = await (await server.fetch('/metrics')).text();
  const line = metrics.split('\n').find((one) => one.startsWith(`${metric} `));
  return line === undefined ? 0 : Number(line.split(' ')[1]);
}

const CONFIG = JSON.stringify({
  alloc_space: { units: 'bytes', cumulative: true },
  inuse_space: { units: 'bytes', aggregation: 'average' },
});

test('the profile before is sent along: what came since counts, and what is no sum stays', async () => {
  for (const [service, config] of [
    ['pair', {}], // Go's types are known to be sums
    ['pair-config', { sample_type_config: CONFIG }],
  ] as const) {
    const { status, text, warning } = await ingest(service, {
      profile: gzipSync(heapOf('main;a 100\nmain;b 7\nmain;new 5\nmain;less 3')),
      prev_profile: heapOf('main;a 60\nmain;b 7\nmain;less 10\nmain;gone 1'),
      ...config,
    });
    assert.equal(status, 200, text);
    assert.match(warning, /2 stacks had more in prev_profile/);
    assert.deepEqual(await stored(service), ['main;a 40', 'main;new 5']);
    const inUse = ['main;a 100', 'main;b 7', 'main;less 3', 'main;new 5'];
    assert.deepEqual((await stored(service, 'inuse_space')).sort(), inUse);
  }
  assert.equal(await counted('bunsen_cumulative_clamped_stacks_total'), 4);
});

test('a stack that occurs several times, as for objects of several sizes, is one', async () => {
  const { status } = await ingest('sizes', {
    profile: heapOf('main;a 5\nmain;a 20\nmain;a 30'),
    prev_profile: heapOf('main;a 10\nmain;a 15'),
  });
  assert.equal(status, 200);
  assert.deepEqual(await stored('sizes'), ['main;a 30']);
});

test('what does not go with a profile before is refused by name', async () => {
  const profile = heapOf('main;a 1');
  const other = heapOf('main;a 1', 0, ['inuse_space']);
  const noCumulative = JSON.stringify({ alloc_space: { units: 'bytes' } });
  const cases: [Record<string, Uint8Array | string>, number, RegExp][] = [
    [{ profile: other, prev_profile: other }, 422, /none of its sample types inuse_space/],
    [
      { profile, prev_profile: profile, sample_type_config: noCumulative },
      422,
      /sample_type_config/,
    ],
    [{ profile, prev_profile: other }, 422, /alloc_space in bytes is cumulative/],
    [{ profile, prev_profile: 'x' }, 422, /PPROF_MALFORMED/],
    [{ profile, prev_profile: '' }, 422, /BODY_EMPTY/],
    [
      { profile, sample_type_config: '{"cpu":{"cumulative":1}}' },
      422,
      /cumulative is true or false/,
    ],
  ];
  for (const [parts, status, message] of cases) {
    const refused = await ingest('refused', parts);
    assert.equal(refused.status, status, refused.text);
    assert.match(refused.text, message);
  }
  assert.deepEqual(await stored('refused', 'inuse_space'), []);
});

test('without the profile before, the server takes the difference to the last one of the series', async () => {
  const push = (folded: string, atS: number, key?: string) =>
    ingest(
      'series',
      { profile: heapOf(folded, atS), sample_type_config: CONFIG },
      key === undefined ? {} : { 'idempotency-key': key },
    );
  const first = await push('main;a 1000', 0);
  assert.equal(first.status, 200, first.text);
  assert.match(first.warning, /1 profiles are not counted \(no_previous\)/);
  assert.deepEqual(await stored('series'), []);
  assert.deepEqual(await stored('series', 'inuse_space'), ['main;a 1000']);

  assert.equal((await push('main;a 1010\nmain;b 5', 10, 'second')).warning, '');
  assert.equal((await push('main;a 1010\nmain;b 5', 10, 'second')).warning, '');
  assert.deepEqual(await stored('series'), ['main;a 10', 'main;b 5']);

  assert.match((await push('main;a 1001', 5)).warning, /\(late\)/);
  assert.match((await push('main;a 3', 20)).warning, /\(reset\)/); // started again
  assert.equal((await push('main;a 4\nmain;b 1', 30)).warning, '');
  assert.deepEqual(await stored('series'), ['main;a 11', 'main;b 6']);
  for (const reason of ['no_previous', 'late', 'reset']) {
    const metric = `bunsen_cumulative_dropped_profiles_total{reason="${reason}"}`;
    assert.equal(await counted(metric), 1, metric);
  }
});

/** Series of `Push` with a profile each. */
const pushOf = (service: string, profiles: Uint8Array[], labels: Record<string, string>) => ({
  series: [
    {
      labels: Object.entries({ service_name: service, ...labels }).map(([name, value]) => ({
        name,
        value,
      })),
      samples: profiles.map((rawProfile) => ({ rawProfile })),
    },
  ],
});

test('__delta__="true" asks for differences, also of profiles of one request; "false" and none do not', async () => {
  const client = createClient(PusherService, TRANSPORTS['gRPC, gzip']!(server.url));
  const profiles = ['main;a 10', 'main;a 12', 'main;a 17'].map((folded, i) => heapOf(folded, i));
  let warning: string | null = '';
  const onHeader = (headers: Headers) => {
    warning = headers.get('bunsen-warning');
  };
  await client.push(pushOf('delta', profiles, { __delta__: 'true' }), { onHeader });
  assert.match(warning, /1 profiles are not counted \(no_previous\)/);
  await client.push(pushOf('delta', [heapOf('main;a 20', 3)], { __delta__: 'true' }), { onHeader });
  assert.equal(warning, null);
  assert.deepEqual(await stored('delta'), ['main;a 10']);
  assert.deepEqual(await stored('delta', 'inuse_space'), ['main;a 59']);
  await client.push(pushOf('as-sent', profiles, { __delta__: 'false' }));
  await client.push(pushOf('as-sent', profiles, {}));
  assert.deepEqual(await stored('as-sent'), ['main;a 78']);
  await assert.rejects(client.push(pushOf('x', profiles, { __delta__: 'no' })), /neither true nor/);
});

test('block and mutex profiles look alike, and are series of their own by their name', async () => {
  const contentionOf = (folded: string, atS: number) =>
    pprofOf(folded, {
      timeMs: startMs + atS * SECOND_MS,
      labels: {},
      period: 1,
      sampleTypes: [{ type: 'contentions', unit: 'count' }],
      periodType: { type: 'contentions', unit: 'count' },
    });
  const client = createClient(PusherService, TRANSPORTS['connect, HTTP/2']!(server.url));
  for (const [__name__, folded, atS] of [
    ['mutex', 'main;a 100', 0],
    ['block', 'main;a 1', 0],
    ['mutex', 'main;a 103', 1],
    ['block', 'main;a 2', 1],
  ] as const) {
    const labels = { __name__, __delta__: 'true' };
    await client.push(pushOf('contended', [contentionOf(folded, atS)], labels));
  }
  for (const [name, total] of [
    ['mutex', 3],
    ['block', 1],
  ] as const) {
    const type = `${name}:contentions:count:contentions:count`;
    assert.equal(totalOf(await server.flame(`${type}{service_name="contended"}`)), total);
  }
});

test('pushes of a series that come together are taken one after the other: nothing is lost or twice', async () => {
  const values = Array.from({ length: 20 }, (_, i) => 100 + i * i);
  const answers = await Promise.all(
    values.map((value, i) =>
      ingest('together', { profile: heapOf(`main;a ${value}`, i), sample_type_config: CONFIG }),
    ),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  // One that was overtaken is not counted, but its part of the sum is in the one that overtook it.
  const first = answers.findIndex(({ warning }) => warning.includes('(no_previous)'));
  const type = 'memory:alloc_space:bytes:space:bytes';
  const total = totalOf(await server.flame(`${type}{service_name="together"}`));
  assert.equal(total, 19 ** 2 - first ** 2);
});

test('what is not stored is not taken for the profile before', async () => {
  let fails = false;
  class FailingStore extends ProfileStore {
    override async write(...args: Parameters<ProfileStore['write']>): Promise<WriteResult> {
      if (fails) throw new Error('the store is away');
      return super.write(...args);
    }
  }
  const ingester = new Ingester(new FailingStore(server.app.store, server.app.rollups), {
    limits: readConfig({}).ingest,
    inFlightBytes: 1e8,
    threads: 1,
    onStored: () => {},
    onCumulative: () => {},
  });
  const push = (folded: string, atS: number) => {
    const labels = { __delta__: 'true' };
    const request = create(PushRequestSchema, pushOf('failing', [heapOf(folded, atS)], labels));
    const body = Buffer.from(toBinary(PushRequestSchema, request));
    return ingester.push(body, false, { kind: 'push-request', encoding: 'protobuf' }, undefined);
  };
  await push('main;a 100', 0);
  fails = true;
  await assert.rejects(push('main;a 105', 1), /the store is away/);
  fails = false;
  await push('main;a 105', 1);
  assert.deepEqual(await stored('failing'), ['main;a 5']);
  await ingester.close();
});

test('last profiles have their limit: the one that was kept longest ago goes, and this is said', async (t) => {
  const small = await TestServer.start({ BUNSEN_CUMULATIVE_BYTES: '1500' });
  t.after(() => small.close());
  const push = (service: string, atS: number) =>
    ingest(
      service,
      { profile: heapOf(`main;a ${100 + atS}`, atS), sample_type_config: CONFIG },
      {},
      small,
    );
  const known: string[] = [];
  for (let atS = 0; atS < 3; atS++) {
    for (const service of ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7']) {
      if ((await push(service, atS)).warning === '') known.push(service);
    }
  }
  assert.deepEqual(known, []); // all of them are more than there is room for
  await push('s7', 3);
  assert.equal((await push('s7', 4)).warning, '');
  assert.deepEqual(await stored('s7', 'alloc_space', small), ['main;a 2']);
});

test('a server that shares its store with others takes no differences, unless it is told to', async (t) => {
  const url = 'http://127.0.0.1:8123/default';
  assert.equal(readConfig({ CLICKHOUSE_URL: url }).ingest.cumulativeBytes, 0);
  const told = readConfig({ CLICKHOUSE_URL: url, BUNSEN_CUMULATIVE_BYTES: '1000' });
  assert.equal(told.ingest.cumulativeBytes, 1000);

  const off = await TestServer.start({ BUNSEN_CUMULATIVE_BYTES: '0' });
  t.after(() => off.close());
  const alone = { profile: heapOf('main;a 1'), sample_type_config: CONFIG };
  const refused = await ingest('off', alone, {}, off);
  assert.equal(refused.status, 422);
  assert.match(refused.text, /FORMAT_UNSUPPORTED.*alloc_space .*BUNSEN_CUMULATIVE_BYTES/);
  const pair = await ingest('off', { ...alone, prev_profile: heapOf('main;a 0') }, {}, off);
  assert.equal(pair.status, 200, pair.text); // nothing is needed of the server
});
