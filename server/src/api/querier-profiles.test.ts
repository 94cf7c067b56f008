import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CPU_PROFILE_TYPE, decodePprof, nameOfFrame, type Profile } from '@bunsen/profile';
import { ProfileSchema } from '@bunsen/proto/google/v1/profile';
import {
  ProfileFormat,
  QuerierService,
  SelectMergeStacktracesRequestSchema,
  SelectMergeStacktracesResponseSchema,
} from '@bunsen/proto/querier/v1/querier';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { status } from '@grpc/grpc-js';
import { pprofOf, pprofWithLines } from '../testing/pprof-of.ts';
import { GrpcClient, postJson, type Refusal, TRANSPORTS } from '../testing/rpc-clients.ts';
import { foldedOf, TestServer } from '../testing/test-server.ts';

const SERVICE = '/querier.v1.QuerierService';
const T0 = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
const HOUR = { start: BigInt(T0), end: BigInt(T0 + 3_600_000) };

let server: TestServer;
before(async () => {
  server = await TestServer.start();
  const push = (service: string, folded: string) =>
    server.push(pprofOf(folded, { labels: { service_name: service }, timeMs: T0, period: 1 }));
  await push('api', 'main;a 1\nmain;b 2\nmain;b;c 4\nstart;b 8');
  await push('new', 'main;b 5\nmain;b;c 2\nmain;d 3');
  await push('wide', Array.from({ length: 100 }, (_, i) => `f${i} ${1 + (i % 2)}`).join('\n'));
});
after(() => server.close());

const requestOf = (service: string) => ({
  profileTypeID: CPU_PROFILE_TYPE,
  labelSelector: `{service_name="${service}"}`,
  ...HOUR,
});
const clientOf = (name: string) => createClient(QuerierService, TRANSPORTS[name]!(server.url));
const post = <Answer>(method: string, body: unknown, headers?: Record<string, string>) =>
  postJson<Answer>(`${server.url}${SERVICE}/${method}`, body, headers);

/** What Pyroscope draws of `api`: distance, total, self, name; the root is 15 wide. */
const API_LEVELS = [
  [0, 15, 0, 0],
  [0, 7, 0, 1, 0, 8, 0, 5],
  [0, 1, 1, 2, 0, 6, 2, 3, 0, 8, 8, 3],
  [3, 4, 4, 4],
];
const API_NAMES = ['total', 'main', 'a', 'b', 'c', 'start'];

/** Samples as folded lines with their values, in text order. */
function foldedProfile({ frames, stackOffsets, stackFrames, ...profile }: Profile): string[] {
  const lines = Array.from(profile.sampleStack, (stack, sample) => {
    const at = stackFrames.subarray(stackOffsets[stack], stackOffsets[stack + 1]);
    const names = Array.from(at, (frame) => nameOfFrame(frames[frame] as string));
    return `${names.join(';')} ${profile.sampleValues[sample]}`;
  });
  return lines.sort();
}

const API_FOLDED = ['main;a 1', 'main;b 2', 'main;b;c 4', 'start;b 8'];

for (const name of Object.keys(TRANSPORTS)) {
  test(`profiles over ${name}`, async () => {
    const client = clientOf(name);
    const request = requestOf('api');
    const { flamegraph } = await client.selectMergeStacktraces(request);
    assert.deepEqual(
      flamegraph?.levels.map(({ values }) => values.map(Number)),
      API_LEVELS,
    );
    assert.deepEqual(flamegraph?.names, API_NAMES);
    assert.deepEqual([flamegraph?.total, flamegraph?.maxSelf], [15n, 8n]);

    const asPprof = { ...request, format: ProfileFormat.PPROF };
    const { pprof } = await client.selectMergeStacktraces(asPprof);
    const profiles = [pprof?.profile, await client.selectMergeProfile(request)];
    for (const profile of profiles) {
      const bytes = toBinary(ProfileSchema, profile ?? create(ProfileSchema));
      assert.deepEqual(foldedProfile(decodePprof(bytes)), API_FOLDED);
    }

    const { flamegraph: diff } = await client.diff({ left: request, right: requestOf('new') });
    assert.deepEqual(
      diff?.levels.map(({ values }) => values.map(Number)),
      [
        [0, 15, 0, 0, 10, 0, 0],
        [0, 7, 0, 0, 10, 0, 1, 0, 8, 0, 0, 0, 0, 6],
        [0, 1, 1, 0, 0, 0, 2, 0, 6, 2, 0, 7, 5, 3, 0, 0, 0, 0, 3, 3, 5, 0, 8, 8, 0, 0, 0, 3],
        [3, 4, 4, 5, 2, 2, 4],
      ],
    );
    assert.deepEqual(diff?.names, [...API_NAMES.slice(0, 5), 'd', 'start']);
    assert.deepEqual(
      [diff?.total, diff?.leftTicks, diff?.rightTicks, diff?.maxSelf],
      [25n, 15n, 10n, 8n],
    );
  });
}

test('a tree is what Pyroscope writes: it can be pushed as one', async () => {
  const client = clientOf('gRPC, gzip');
  const asTree = { ...requestOf('api'), format: ProfileFormat.TREE };
  const { tree, flamegraph } = await client.selectMergeStacktraces(asTree);
  assert.equal(flamegraph, undefined);
  const text = (name: string) => [name.length, ...Buffer.from(name)];
  // The root; start (8 in b), then main with b (2, and 4 in c) and a: the last child first.
  const expected = [
    ...[0, 0, 2, ...text('start'), 0, 1, ...text('b'), 8, 0],
    ...[...text('main'), 0, 2, ...text('b'), 2, 1, ...text('c'), 4, 0, ...text('a'), 1, 0],
  ];
  assert.deepEqual([...tree], expected);
  const until = T0 / 1000 + 600;
  const path = `/ingest?name=again.inuse_space&format=tree&from=${T0 / 1000}&until=${until}`;
  const reply = await server.fetch(path, { method: 'POST', body: Buffer.from(tree) });
  assert.equal(reply.status, 200, await reply.text());
  const again = await server.flame('memory:inuse_space:bytes::{service_name="again"}', {
    from: T0,
    until: T0 + 3_600_000,
  });
  assert.deepEqual(foldedOf(again), API_FOLDED);
});

test('a call graph in DOT, of as many functions as are asked for', async () => {
  const client = clientOf('connect, HTTP/1, JSON, gzip');
  const asDot = { ...requestOf('api'), format: ProfileFormat.DOT };
  const { dot, flamegraph } = await client.selectMergeStacktraces(asDot);
  assert.equal(flamegraph, undefined);
  assert.match(dot, /^digraph /);
  assert.equal(dot.match(/^N\d+ \[label=/gm)?.length, 5);
  const cut = await client.selectMergeStacktraces({ ...asDot, maxNodes: 2n });
  assert.equal(cut.dot.match(/^N\d+ \[label=/gm)?.length, 2);
  const refused = await client
    .selectMergeStacktraces({ ...asDot, maxNodes: 2001n })
    .then(() => undefined, ConnectError.from);
  assert.match(refused?.rawMessage ?? '', /max_nodes=2001 is not from 0 to 2000/);
});

test('selectors can match what a profile type is made of', async () => {
  const client = clientOf('connect, HTTP/2');
  const totalOf = async (selector: string) => {
    const labelSelector = selector.replace('}', ', service_name="api"}');
    const request = { ...requestOf('api'), labelSelector };
    const { series } = await client.selectSeries({ ...request, step: 15 });
    const { flamegraph } = await client.selectMergeStacktraces(request);
    const profile = await client.selectMergeProfile(request);
    const total = Number(flamegraph?.total);
    assert.equal(series[0]?.points[0]?.value ?? 0, total);
    assert.equal(profile.sample.length > 0, total > 0);
    return total;
  };
  assert.equal(await totalOf(`{__profile_type__="${CPU_PROFILE_TYPE}"}`), 15);
  assert.equal(await totalOf('{__name__="process_cpu", __period_unit__!="bytes"}'), 15);
  assert.equal(await totalOf('process_cpu{__type__=~"c.u"}'), 15);
  assert.equal(await totalOf('{__profile_type__="memory:inuse_space:bytes:space:bytes"}'), 0);
  assert.equal(await totalOf('memory:inuse_space:bytes:space:bytes{__unit__!=""}'), 0);
});

test('what the reader should know is in a header', async () => {
  const body = {
    profileTypeID: CPU_PROFILE_TYPE,
    labelSelector: '{pod="x"}',
    start: T0,
    end: T0 + 3_600_000,
  };
  const warningOf = async (method: string, request: object) =>
    (await post(method, request)).headers.get('bunsen-warning');
  const expected = /^no series has the label 'pod'/;
  assert.match((await warningOf('SelectMergeStacktraces', body)) ?? '', expected);
  assert.match((await warningOf('SelectMergeProfile', body)) ?? '', expected);
  assert.match((await warningOf('Diff', { left: body, right: body })) ?? '', expected);
  assert.match((await warningOf('SelectSeries', { ...body, step: 15 })) ?? '', expected);
  assert.equal(await warningOf('SelectMergeProfile', { ...body, labelSelector: '{}' }), null);
});

test('JSON as Drilldown writes it, and 64 bits as text', async () => {
  const body = {
    profile_typeID: CPU_PROFILE_TYPE,
    label_selector: '{service_name="api"}',
    start: T0,
    end: `${T0 + 3_600_000}`,
    maxNodes: 1000,
    stackTraceSelector: { call_site: [{ name: 'main' }, { name: 'b' }] },
    what: 'ever',
  };
  const flame = await post<{ flamegraph: Record<string, unknown> }>('SelectMergeStacktraces', body);
  assert.equal(flame.headers.get('content-type'), 'application/json');
  assert.deepEqual(flame.body.flamegraph, {
    names: ['total', 'main', 'b', 'c'],
    levels: [
      { values: ['0', '6', '0', '0'] },
      { values: ['0', '6', '0', '1'] },
      { values: ['0', '6', '2', '2'] },
      { values: ['2', '4', '4', '3'] },
    ],
    total: '6',
    maxSelf: '4',
  });
  const profile = await post<{ sample: { value: string[] }[]; stringTable: string[] }>(
    'SelectMergeProfile',
    body,
  );
  assert.deepEqual(profile.body.sample.map(({ value }) => value[0]).sort(), ['2', '4']);
  assert.equal(profile.body.stringTable[0], '');
});

test('a large answer in JSON is compressed', async () => {
  const names = Array.from({ length: 3000 }, (_, i) => `main;function_number_${i} 1`).join('\n');
  await server.push(pprofOf(names, { labels: { service_name: 'large' }, timeMs: T0 }));
  const { profileTypeID, labelSelector } = requestOf('large');
  const body = { profileTypeID, labelSelector, start: T0, end: T0 + 3_600_000 };
  const reply = await server.fetch(`${SERVICE}/SelectMergeStacktraces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' },
    body: JSON.stringify(body),
  });
  assert.equal(reply.headers.get('content-encoding'), 'gzip');
  const { flamegraph } = (await reply.json()) as { flamegraph: { names: string[] } };
  assert.equal(flamegraph.names.length, 3002);
});

test('call sites: stacks that begin so, in every format', async () => {
  const client = clientOf('connect, HTTP/2');
  const at = async (...names: string[]) => {
    const stackTraceSelector = { callSite: names.map((name) => ({ name })) };
    const request = { ...requestOf('api'), stackTraceSelector };
    const profile = await client.selectMergeProfile(request);
    const { flamegraph } = await client.selectMergeStacktraces(request);
    const lines = foldedProfile(decodePprof(toBinary(ProfileSchema, profile)));
    const total = lines.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
    assert.equal(Number(flamegraph?.total), total);
    return lines;
  };
  assert.deepEqual(await at(), API_FOLDED);
  assert.deepEqual(await at('main'), API_FOLDED.slice(0, 3));
  assert.deepEqual(await at('main', 'b'), ['main;b 2', 'main;b;c 4']);
  assert.deepEqual(await at('b'), []);
  const callSite = [{ name: 'main' }, { name: 'b' }];
  const { flamegraph } = await client.diff({
    left: { ...requestOf('api'), stackTraceSelector: { callSite } },
    right: requestOf('new'),
  });
  assert.deepEqual([flamegraph?.leftTicks, flamegraph?.rightTicks], [6n, 10n]);
});

test('for a Go compiler: the leaves alone, whatever their lines', async () => {
  const client = clientOf('connect, HTTP/2');
  const of = async (goPgo: { keepLocations?: number; aggregateCallees?: boolean }) => {
    const request = { ...requestOf('api'), stackTraceSelector: { goPgo } };
    const profile = await client.selectMergeProfile(request);
    return foldedProfile(decodePprof(toBinary(ProfileSchema, profile)));
  };
  assert.deepEqual(await of({ keepLocations: 1 }), ['a 1', 'b 10', 'c 4']);
  assert.deepEqual(await of({ keepLocations: 2 }), ['b;c 4', 'main;a 1', 'main;b 2', 'start;b 8']);
  assert.deepEqual(await of({ aggregateCallees: true }), API_FOLDED);

  await server.push(pprofWithLines([3, 4], 7, { service: 'lines', timeMs: T0 }));
  const linesOf = async (aggregateCallees: boolean) => {
    const goPgo = { keepLocations: 1, aggregateCallees };
    const request = { ...requestOf('lines'), stackTraceSelector: { goPgo } };
    const { sample, location } = await client.selectMergeProfile(request);
    return sample.map(({ value, locationId: [id] }) => [
      Number(value[0]),
      Number(location.find((each) => each.id === id)?.line[0]?.line),
    ]);
  };
  assert.deepEqual((await linesOf(false)).sort(), [
    [7, 3],
    [7, 4],
  ]);
  assert.deepEqual(await linesOf(true), [[14, 0]]);
});

test('max_nodes: 0 is the default, a cut tree keeps its total, and what is too much is refused', async () => {
  const client = clientOf('connect, HTTP/1, protobuf');
  const nodesOf = async (maxNodes?: bigint) => {
    const request = { ...requestOf('wide'), ...(maxNodes !== undefined && { maxNodes }) };
    const { flamegraph } = await client.selectMergeStacktraces(request);
    assert.equal(flamegraph?.total, 150n);
    const [root, nodes] = flamegraph?.levels ?? [];
    assert.equal(root?.values.length, 4);
    const last = Number(nodes?.values.at(-1));
    return { count: (nodes?.values.length ?? 0) / 4, last: flamegraph?.names[last] };
  };
  for (const all of [undefined, 0n, 8192n, 1_048_576n]) {
    assert.deepEqual(await nodesOf(all), { count: 100, last: 'f99' });
  }
  // The root, nine of the fifty equal largest, and what stands for the rest.
  assert.deepEqual(await nodesOf(10n), { count: 10, last: 'other' });
  for (const maxNodes of [-1n, 1_048_577n]) {
    const refused = await nodesOf(maxNodes).then(() => undefined, ConnectError.from);
    assert.equal(refused?.code, Code.InvalidArgument);
    assert.match(refused?.rawMessage ?? '', /max_nodes=-?\d+ is not from 0 to 1048576/);
  }
});

test('grpc-js: an answer, and an error', async (t) => {
  const client = new GrpcClient(server.url);
  t.after(() => client.close());
  const call = (service: string, labelSelector?: string) => {
    const schema = SelectMergeStacktracesRequestSchema;
    const request = {
      ...requestOf(service),
      ...(labelSelector !== undefined && { labelSelector }),
    };
    return client.call(
      `${SERVICE}/SelectMergeStacktraces`,
      toBinary(schema, create(schema, request)),
    );
  };
  const answer = fromBinary(SelectMergeStacktracesResponseSchema, await call('api'));
  assert.deepEqual(answer.flamegraph?.names, API_NAMES);
  const none = fromBinary(SelectMergeStacktracesResponseSchema, await call('nobody'));
  assert.equal(none.flamegraph?.total, 0n);
  const refused = await call('api', '').catch((error) => error);
  assert.equal(refused.code, status.INVALID_ARGUMENT);
  assert.match(refused.details, /expected a profile type or \{/);
});

test('what is wrong, or not there, is named', async () => {
  const good = {
    profileTypeID: CPU_PROFILE_TYPE,
    labelSelector: '{}',
    start: T0,
    end: T0 + 1000,
  };
  const cases: [method: string, body: object, status: number, code: string, message: RegExp][] = [
    ['SelectMergeStacktraces', { ...good, labelSelector: '' }, 400, 'SELECTOR_MALFORMED', /""/],
    ['SelectMergeStacktraces', { ...good, start: 0 }, 400, 'PARAMETER_INVALID', /start is missing/],
    ['SelectMergeStacktraces', { ...good, end: 0 }, 400, 'PARAMETER_INVALID', /end is missing/],
    ['SelectMergeStacktraces', { ...good, end: T0 - 1 }, 400, 'RANGE_EMPTY', /end=/],
    [
      'SelectMergeStacktraces',
      { ...good, profileTypeID: 'cpu' },
      400,
      'PROFILE_TYPE_MALFORMED',
      /"cpu"/,
    ],
    [
      'SelectMergeStacktraces',
      { ...good, format: 9 },
      400,
      'PARAMETER_INVALID',
      /format=9 is none of PROFILE_FORMAT_UNSPECIFIED/,
    ],
    ['SelectMergeStacktraces', { ...good, async: {} }, 501, 'NOT_IMPLEMENTED', /async/],
    ['SelectMergeProfile', { ...good, maxNodes: -1 }, 400, 'PARAMETER_INVALID', /max_nodes=-1/],
    ['Diff', { left: good }, 400, 'PARAMETER_INVALID', /right is missing/],
    [
      'Diff',
      { left: good, right: { ...good, profileTypeID: 'a:b:c:d:e' } },
      400,
      'PARAMETER_INVALID',
      /only profiles of one type/,
    ],
  ];
  for (const [method, body, expected, code, message] of cases) {
    const refused = await post<Refusal>(method, body);
    assert.equal(refused.headers.get('bunsen-code'), code, refused.body.message);
    assert.equal(refused.status, expected);
    assert.match(refused.body.message, message);
  }
});
