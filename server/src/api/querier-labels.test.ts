import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import {
  ProfileTypesRequestSchema,
  ProfileTypesResponseSchema,
  QuerierService,
} from '@bunsen/proto/querier/v1/querier';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { pprofOf } from '../testing/pprof-of.ts';
import { GrpcClient, postJson, type Refusal, TRANSPORTS } from '../testing/rpc-clients.ts';
import { TestServer } from '../testing/test-server.ts';

const SERVICE = '/querier.v1.QuerierService';
const SPACE_TYPE = 'memory:inuse_space:bytes:space:bytes';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
  await server.push(
    pprofOf('main 1', { labels: { service_name: 'api', pod: 'a', 'k8s.node': 'n' } }),
  );
  await server.push(pprofOf('main 1', { labels: { service_name: 'api', pod: 'b' } }));
  await server.push(
    pprofOf('main 1', {
      labels: { service_name: 'web', pod: 'a' },
      sampleTypes: [{ type: 'inuse_space', unit: 'bytes' }],
      periodType: { type: 'space', unit: 'bytes' },
      period: 1,
    }),
  );
});
after(() => server.close());

const clientOf = (name: string) => createClient(QuerierService, TRANSPORTS[name]!(server.url));
const last = () => ({ start: BigInt(Date.now() - 60_000), end: BigInt(Date.now() + 60_000) });
const NAMES = [
  '__name__',
  '__period_type__',
  '__period_unit__',
  '__profile_type__',
  '__type__',
  '__unit__',
  'pod',
  'service_name',
];

type Names = { names: string[] };
type Sets = { labelsSet: { labels: { name: string; value: string }[] }[] };
const post = <Answer>(method: string, body: unknown, headers?: Record<string, string>) =>
  postJson<Answer>(`${server.url}${SERVICE}/${method}`, body, headers);

for (const name of Object.keys(TRANSPORTS)) {
  test(`what there is, over ${name}`, async () => {
    const client = clientOf(name);
    const { profileTypes } = await client.profileTypes({}); // without a range, as a health check
    assert.deepEqual(
      profileTypes.map(({ $typeName, ...type }) => type),
      [
        {
          ID: SPACE_TYPE,
          name: 'memory',
          sampleType: 'inuse_space',
          sampleUnit: 'bytes',
          periodType: 'space',
          periodUnit: 'bytes',
        },
        {
          ID: CPU_PROFILE_TYPE,
          name: 'process_cpu',
          sampleType: 'cpu',
          sampleUnit: 'nanoseconds',
          periodType: 'cpu',
          periodUnit: 'nanoseconds',
        },
      ],
    );
    const matchers = ['{service_name="api"}', '{pod!="b"}'];
    assert.deepEqual((await client.labelNames({ matchers, ...last() })).names, NAMES);
    const values = async (name: string, matchers: string[] = [], range: object = last()) =>
      (await client.labelValues({ name, matchers, ...range })).names;
    assert.deepEqual(await values('pod'), ['a', 'b']);
    assert.deepEqual(await values('pod', [], {}), ['a', 'b']);
    assert.deepEqual(await values('pod', matchers), ['a']);
    assert.deepEqual(await values('service_name', [`${SPACE_TYPE}{}`]), ['web']);
    assert.deepEqual(await values('service_name', ['process_cpu{pod="a"}', '{}']), ['api']);
    assert.deepEqual(
      await values('service_name', [`${SPACE_TYPE}{}`, `${CPU_PROFILE_TYPE}{}`]),
      [],
    );
    assert.deepEqual(await values('__profile_type__'), [SPACE_TYPE, CPU_PROFILE_TYPE]);
    assert.deepEqual(await values('__type__', ['{__unit__=~"nano.*"}']), ['cpu']);
    const { labelsSet } = await client.series({
      labelNames: ['service_name', '__profile_type__'],
      ...last(),
    });
    assert.deepEqual(
      labelsSet.map(({ labels }) => labels.map(({ name, value }) => `${name}=${value}`)),
      [
        [`__profile_type__=${CPU_PROFILE_TYPE}`, 'service_name=api'],
        [`__profile_type__=${SPACE_TYPE}`, 'service_name=web'],
      ],
    );
    const refused = await client
      .labelValues({ name: 'pod', matchers: ['{pod='] })
      .then(() => undefined, ConnectError.from);
    assert.equal(refused?.code, Code.InvalidArgument);
    assert.equal(refused?.metadata.get('bunsen-code'), 'SELECTOR_MALFORMED');
  });
}

test('grpc-js', async (t) => {
  const client = new GrpcClient(server.url);
  t.after(() => client.close());
  const request = toBinary(ProfileTypesRequestSchema, create(ProfileTypesRequestSchema));
  const reply = await client.call(`${SERVICE}/ProfileTypes`, request);
  assert.equal(fromBinary(ProfileTypesResponseSchema, reply).profileTypes.length, 2);
});

test('Series with all labels, each set once', async () => {
  const { body } = await post<Sets>('Series', { matchers: ['{pod="b"}'] });
  const labels = Object.fromEntries(
    body.labelsSet[0]!.labels.map(({ name, value }) => [name, value]),
  );
  assert.equal(body.labelsSet.length, 1);
  assert.deepEqual(labels, {
    __name__: 'process_cpu',
    __period_type__: 'cpu',
    __period_unit__: 'nanoseconds',
    __profile_type__: CPU_PROFILE_TYPE,
    __type__: 'cpu',
    __unit__: 'nanoseconds',
    pod: 'b',
    service_name: 'api',
  });
});

test('names with dots are for clients that say that they take them', async () => {
  const accept = { accept: '*/*;allow-utf8-labelnames=true' };
  const [old, any] = [
    await post<Names>('LabelNames', {}),
    await post<Names>('LabelNames', {}, accept),
  ];
  assert.deepEqual(old.body.names, NAMES);
  assert.deepEqual(any.body.names, [...NAMES, 'k8s.node'].sort());
  const asked = { labelNames: ['k8s.node', 'pod'], matchers: ['{pod="a", service_name="api"}'] };
  const pod = { name: 'pod', value: 'a' };
  assert.deepEqual((await post<Sets>('Series', asked)).body.labelsSet, [{ labels: [pod] }]);
  const node = { name: 'k8s.node', value: 'n' };
  assert.deepEqual((await post<Sets>('Series', asked, accept)).body.labelsSet, [
    { labels: [node, pod] },
  ]);
});

test('JSON as people write it: numbers or text, original names, unknown fields', async () => {
  const [start, end] = [Date.now() - 60_000, Date.now() + 60_000];
  const numbers = await post<Sets>('Series', {
    label_names: ['pod'],
    start,
    end,
    nobody: { knows: 1 },
  });
  const texts = await post<Sets>('Series', {
    labelNames: ['pod'],
    start: `${start}`,
    end: `${end}`,
  });
  assert.equal(numbers.status, 200);
  assert.equal(numbers.body.labelsSet.length, 2);
  assert.deepEqual(numbers.body, texts.body);
});

test('what is wrong is named', async () => {
  const now = Date.now();
  const cases: [string, unknown, string, RegExp][] = [
    ['LabelNames', { matchers: [''] }, 'SELECTOR_MALFORMED', /expected a profile type or \{/],
    ['LabelNames', { matchers: ['a:b{}'] }, 'PROFILE_TYPE_MALFORMED', /"a:b"/],
    ['LabelNames', { matchers: ['{a=~"("}'] }, 'REGEX_MALFORMED', /RE2/],
    ['LabelValues', {}, 'PARAMETER_INVALID', /name is missing/],
    ['ProfileTypes', { start: now, end: now - 1 }, 'RANGE_EMPTY', /end=\d+ is not after start=\d+/],
    ['ProfileTypes', { start: now }, 'RANGE_EMPTY', /end=0/],
    ['ProfileTypes', { start: -1, end: now }, 'PARAMETER_INVALID', /start=-1/],
  ];
  for (const [method, body, code, message] of cases) {
    const refused = await post<Refusal>(method, body);
    assert.deepEqual([refused.status, refused.body.code], [400, 'invalid_argument']);
    assert.equal(refused.headers.get('bunsen-code'), code);
    assert.match(refused.body.message, message);
  }
  const broken = await post<Refusal>('LabelNames', '{"matchers":');
  assert.deepEqual([broken.status, broken.body.code], [400, 'invalid_argument']);
  const large = await post<Refusal>('LabelNames', { matchers: ['x'.repeat(2 ** 20)] });
  assert.equal(large.body.code, 'invalid_argument');
  assert.equal((await server.fetch(`${SERVICE}/LabelNames`)).status, 405);
});

test('without its store it says so in the protocol of the call', async (t) => {
  const waiting = await TestServer.start({ CLICKHOUSE_URL: 'http://127.0.0.1:1' });
  t.after(() => waiting.close());
  for (const name of Object.keys(TRANSPORTS)) {
    const client = createClient(QuerierService, TRANSPORTS[name]!(waiting.url));
    const refused = await client.profileTypes({}).then(() => undefined, ConnectError.from);
    assert.equal(refused?.code, Code.Unavailable, name);
    assert.equal(refused?.metadata.get('bunsen-code'), 'STORE_UNAVAILABLE', name);
    assert.ok(Number(refused?.metadata.get('retry-after')) > 0, name);
  }
});
