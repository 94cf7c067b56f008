/** What is too much, in every format: refused with the limit's name, and what is just large is not. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Labels } from '@bunsen/profile';
import { ExportProfilesServiceRequestSchema } from '@bunsen/proto/otlp/v1_10/profiles';
import { PushRequestSchema } from '@bunsen/proto/push/v1/push';
import { otlpOf } from '../testing/otlp-of.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { GrpcClient } from '../testing/rpc-clients.ts';
import { cpuQuery, TestServer, totalOf } from '../testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

interface Route {
  path: string;
  type: string;
}
const PPROF: Route = { path: '/ingest?name=x&format=pprof', type: 'application/octet-stream' };
const FOLDED: Route = { path: '/ingest?name=x', type: 'text/plain' };
const LINES: Route = { path: '/ingest?name=x&format=lines', type: 'text/plain' };
const TREE: Route = { path: '/ingest?name=x&format=tree', type: 'text/plain' };
const TRIE: Route = { path: '/ingest?name=x&format=trie', type: 'text/plain' };
const SPEEDSCOPE: Route = { path: '/ingest?name=x&format=speedscope', type: 'application/json' };
const JFR: Route = { path: '/ingest?name=x&format=jfr', type: 'application/octet-stream' };
const PUSH: Route = { path: '/push.v1.PusherService/Push', type: 'application/proto' };
const PUSH_JSON: Route = { path: '/push.v1.PusherService/Push', type: 'application/json' };
const OTLP: Route = { path: '/v1development/profiles', type: 'application/x-protobuf' };
const OTLP_JSON: Route = { path: '/v1development/profiles', type: 'application/json' };

async function post({ path, type }: Route, body: Uint8Array | string) {
  const response = await server.fetch(path, {
    method: 'POST',
    headers: { 'content-type': type },
    body: body as Uint8Array<ArrayBuffer>,
  });
  return { status: response.status, text: await response.text() };
}

function pushOf(...profiles: Uint8Array[]): Uint8Array {
  const labels = [{ name: 'service_name', value: 'x' }];
  const samples = profiles.map((rawProfile) => ({ rawProfile }));
  const request = create(PushRequestSchema, { series: [{ labels, samples }] });
  return toBinary(PushRequestSchema, request);
}

function otlp(request: ReturnType<typeof otlpOf>): Uint8Array {
  const schema = ExportProfilesServiceRequestSchema;
  return toBinary(schema, create(schema, request));
}

const deep = Array.from({ length: 10_000 }, (_, i) => `f${i}`).join(';');
const longName: Labels = { ['/'.repeat(30e6)]: 'x' };
const manyLabels: Labels = Object.fromEntries(
  Array.from({ length: 100_000 }, (_, i) => [`l${i}`, 'x']),
);

test('100 000 labels, 1 000 001 strings, 10 000 frames and bombs are refused, and the limit is named', async () => {
  const strings = otlpOf('a 1', { service: 'x' });
  strings.dictionary!.stringTable = Array.from({ length: 1_000_001 }, () => '');
  const bomb = gzipSync(Buffer.alloc(80e6));
  const now = Date.now();
  const times = Array.from({ length: 10_001 }, (_, i) =>
    pprofOf('a 1', { labels: {}, timeMs: now - i }),
  );
  const cases: [string, Route, Uint8Array | string, RegExp][] = [
    [
      'labels',
      PPROF,
      pprofOf('a 1', { labels: manyLabels }),
      /more labels .*256 .*BUNSEN_MAX_SENT_LABELS/,
    ],
    [
      'labels',
      PUSH,
      pushOf(pprofOf('a 1', { labels: manyLabels })),
      /more labels .*256 .*BUNSEN_MAX_SENT_LABELS/,
    ],
    [
      'labels',
      OTLP,
      otlp(otlpOf('a 1', { service: 'x', resource: manyLabels })),
      /100001 labels; at most 64 .*BUNSEN_MAX_LABELS/,
    ],
    ['profiles', PUSH, pushOf(...times), /more profiles; at most 10000 .*BUNSEN_MAX_SERIES/],
    [
      'a name',
      OTLP,
      otlp(otlpOf('a 1', { service: 'x', resource: longName })),
      /has 30000000 bytes; at most 1024 .*BUNSEN_MAX_LABEL_NAME_BYTES/,
    ],
    ['strings', OTLP, otlp(strings), /1000000 are allowed \(BUNSEN_MAX_TABLE_ENTRIES\)/],
    ['frames', PPROF, pprofOf(`${deep} 1`, { labels: {} }), /BUNSEN_MAX_STACK_DEPTH/],
    ['frames', FOLDED, `${deep} 1`, /BUNSEN_MAX_STACK_DEPTH/],
    ['frames', LINES, deep, /BUNSEN_MAX_STACK_DEPTH/],
    ['frames', PUSH, pushOf(pprofOf(`${deep} 1`, { labels: {} })), /BUNSEN_MAX_STACK_DEPTH/],
    ['frames', OTLP, otlp(otlpOf(`${deep} 1`, { service: 'x' })), /BUNSEN_MAX_STACK_DEPTH/],
    ...[PPROF, FOLDED, LINES, TREE, TRIE, SPEEDSCOPE, JFR].map((route): (typeof cases)[number] => [
      'bomb',
      route,
      bomb,
      /BUNSEN_MAX_PROFILE_BYTES/,
    ]),
    ['bomb', PUSH, pushOf(bomb), /BUNSEN_MAX_PROFILE_BYTES/],
    ['bomb', OTLP, bomb, /BUNSEN_MAX_PROFILE_BYTES/],
    ['bomb', OTLP_JSON, bomb, /BUNSEN_MAX_PROFILE_BYTES/],
  ];
  for (const [what, route, body, message] of cases) {
    const { status, text } = await post(route, body);
    const wanted = route.path.startsWith('/ingest') ? [422] : [400, 413];
    assert.ok(wanted.includes(status), `${what} ${route.path}: ${status}`);
    assert.match(text, message, `${what} ${route.path}`);
  }
  assert.equal((await server.fetch('/healthz')).status, 200);
});

test('JSON whose lists and objects are too deep in each other, or too many, is refused unread', async () => {
  // AnyValue.array_value = 5, ArrayValue.values = 1
  let value = '{"stringValue":"x"}';
  for (let i = 0; i < 100_000; i++) value = `{"arrayValue":{"values":[${value}]}}`;
  const resource = `{"attributes":[{"key":"a","value":${value}}]}`;
  const otlp = `{"resourceProfiles":[{"resource":${resource}}]}`;
  const deep = /lists and objects in each other; at most 100 .*BUNSEN_MAX_NESTING/;
  const many = /lists and objects; at most 4000000 are allowed \(4 times BUNSEN_MAX_VALUES\)/;
  const empty = '{},'.repeat(4_100_000).slice(0, -1);
  const frames = `{"shared":{"frames":[${empty}]}}`;
  const quoted = `{"a":"\\"${'['.repeat(5000)}\\\\","profiles":0}`; // brackets in a text are none
  for (const [route, body, message] of [
    [OTLP_JSON, otlp, deep],
    [SPEEDSCOPE, '['.repeat(30e6), deep],
    [PUSH_JSON, '{"series":'.repeat(5000), deep],
    [OTLP_JSON, `{"resourceProfiles":[${empty}]}`, many],
    [SPEEDSCOPE, frames, many],
    [PUSH_JSON, `{"series":[${empty}]}`, many],
    [SPEEDSCOPE, quoted, /\$schema/],
  ] as const) {
    const { text } = await post(route, body);
    assert.match(text, message);
  }
});

test('a message of millions of empty ones is refused in its protocol, and the server goes on', async () => {
  const twoBytes = (tag: number) => Buffer.alloc(60e6).fill(Buffer.from([tag, 0]));
  const client = new GrpcClient(server.url);
  const service = 'opentelemetry.proto.collector.profiles.v1development.ProfilesService';
  const cases = [
    [PUSH.path, twoBytes(0x0a), /more series; at most 10000 are allowed \(BUNSEN_MAX_SERIES\)/],
    [PUSH.path, nested(twoBytes(0x12)), /more profiles; at most 10000 .*BUNSEN_MAX_SERIES/],
    [PUSH.path, nested(twoBytes(0x0a)), /more labels .*256 .*BUNSEN_MAX_SENT_LABELS/],
    [`/${service}/Export`, twoBytes(0x0a), /more messages; at most 4000000 .*4 times/],
  ] as const;
  for (const [path, message, refusal] of cases) {
    const failed = await client.call(path, message).catch((error) => error);
    assert.match(decodeURIComponent(failed.details), refusal);
    if (path !== PUSH.path) continue;
    const headers = { 'content-type': 'application/proto', 'content-encoding': 'gzip' };
    const body = gzipSync(message);
    const reply = await server.fetch(path, { method: 'POST', headers, body });
    assert.equal(reply.status, 400);
    assert.match(await reply.text(), refusal);
  }
  client.close();
  assert.equal((await server.fetch('/healthz')).status, 200);
});

/** Bytes as the first series of a request. */
function nested(bytes: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(bytes).finish();
}

test('a pprof of more than 10 MB is stored, whichever way it comes', async () => {
  const lines = Array.from(
    { length: 60_000 },
    (_, i) => `main;handler_of_a_rather_long_name_${i % 997};${`function_${i}_`.repeat(12)} 1`,
  );
  const pprof = pprofOf(lines.join('\n'), { labels: {} });
  assert.ok(pprof.length > 10e6, `${pprof.length}`);
  const service = 'service_name="x"';
  const before = totalOf(await server.flame(cpuQuery(service)));
  for (const [route, body] of [
    [PPROF, pprof],
    [PPROF, gzipSync(pprof)],
    [PUSH, pushOf(pprof)],
    [PUSH, pushOf(gzipSync(pprof))],
  ] as const) {
    const { status, text } = await post(route, body);
    assert.equal(status, 200, text);
  }
  assert.equal(totalOf(await server.flame(cpuQuery(service))) - before, 4 * 60_000 * 1e7);
});
