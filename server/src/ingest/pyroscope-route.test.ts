import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { encodePprof, IDEMPOTENCY_KEY, type ProfileTypesResponse } from '@bunsen/profile';
import { Profile } from 'pprof-format';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, foldedOf, searchOf, TestServer, totalOf } from '../testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

const nowS = () => Math.floor(Date.now() / 1000);

async function ingest(
  params: Record<string, string | number>,
  body: NonNullable<RequestInit['body']>,
  path = '/ingest',
): Promise<{ status: number; text: string }> {
  const response = await server.fetch(`${path}?${searchOf(params)}`, { method: 'POST', body });
  return { status: response.status, text: await response.text() };
}

async function refused(
  params: Record<string, string | number>,
  body: NonNullable<RequestInit['body']> = 'a 1',
) {
  const { status, text } = await ingest(params, body);
  const { code, message } = JSON.parse(text) as { code: string; message: string };
  return { status, code, message };
}

function form(parts: Record<string, Uint8Array | string>, fileNames = true): FormData {
  const data = new FormData();
  for (const [name, content] of Object.entries(parts)) {
    const blob = new Blob([content as Uint8Array<ArrayBuffer>]);
    if (fileNames) data.append(name, blob, name);
    else data.append(name, content as string);
  }
  return data;
}

test('folded text is CPU samples at the sample rate, and labels come from the name', async () => {
  const params = {
    name: 'web.cpu{env=prod,region=eu}',
    from: nowS() - 10,
    until: nowS(),
    sampleRate: 50,
  };
  assert.deepEqual(await ingest(params, 'main;a 3\nmain;b 1\n\n'), { status: 200, text: '' });
  const flame = await server.flame(cpuQuery('service_name="web", env="prod", region="eu"'));
  assert.deepEqual(foldedOf(flame), ['main;a 60000000', 'main;b 20000000']);
  // No suffix is CPU as well; the other path is the same; 100 Hz is the default.
  await ingest({ name: 'web' }, 'main;a 1', '/pyroscope/ingest');
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="web"'))), 9e7);
});

test('the suffix tells the profile type; lines are a sample each', async () => {
  await ingest({ name: 'mem.alloc_space', units: 'bytes', aggregationType: 'sum' }, 'main;a 1000');
  const bytes = await server.flame('memory:alloc_space:bytes::{service_name="mem"}');
  assert.deepEqual(foldedOf(bytes), ['main;a 1000']);
  assert.equal(bytes.meta.unit, 'bytes');
  await ingest({ name: 'lines.wall', format: 'lines', sampleRate: 10 }, 'main;a\nmain;b\nmain;a\n');
  const wall = await server.flame('wall:wall:nanoseconds:cpu:nanoseconds{service_name="lines"}');
  assert.deepEqual(foldedOf(wall), ['main;a 200000000', 'main;b 100000000']);
});

test('a bad line is named, and stores nothing', async () => {
  const refusal = await refused({ name: 'bad' }, 'main;a 1\nmain;b 2\nmain;c\nmain;d 1');
  assert.deepEqual([refusal.status, refusal.code], [422, 'FOLDED_MALFORMED']);
  assert.match(refusal.message, /line 3.*main;c/);
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="bad"'))), 0);
});

test('a multipart form with a pprof, as the clients send it', async () => {
  const pprof = pprofOf('main;a 2', { labels: { thread: 't1', span_id: 'abcd' } });
  const config = JSON.stringify({
    cpu: { units: 'samples', 'display-name': 'cpu', sampled: true },
  });
  for (const body of [
    form({ profile: gzipSync(pprof), sample_type_config: config }),
    form({ profile: pprof }),
  ]) {
    const { status, text } = await ingest(
      { name: 'multi{otel.scope.name=x}', spyName: 'nodespy' },
      body,
    );
    assert.equal(status, 200, text);
  }
  const query = cpuQuery(
    'service_name="multi", thread="t1", otel.scope.name="x", pyroscope_spy="nodespy", span_id=""',
  );
  const flame = await server.flame(query);
  assert.equal(totalOf(flame), 4e7);
  assert.equal((await refused({ name: 'm' }, form({ other: pprof }))).code, 'BODY_MALFORMED');
  assert.equal(
    (await refused({ name: 'm' }, form({ sample_type_config: '{}' }))).code,
    'BODY_MALFORMED',
  );
  const shown = form({ profile: pprof, sample_type_config: '{"cpu":{"display-name":5}}' });
  assert.match((await refused({ name: 'm' }, shown)).message, /display-name/);
  const two = form({ profile: pprof });
  two.append('profile', new Blob(['x']), 'profile');
  assert.match((await refused({ name: 'm' }, two)).message, /the part profile twice/);
  const broken = await server.fetch('/ingest?name=m', {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: '--x\r\nContent-Disposition: form-data; name="profile"; filename="p"\r\n\r\nabc',
  });
  assert.equal(broken.status, 422);
});

test('every sample type of a pprof is a profile type of its own', async () => {
  const pprof = pprofOf('main;a 2\nmain;b 3', {
    period: 1,
    sampleTypes: [
      { type: 'alloc_objects', unit: 'count' },
      { type: 'alloc_space', unit: 'bytes' },
      { type: 'inuse_space', unit: 'bytes' },
    ],
    periodType: { type: 'space', unit: 'bytes' },
    labels: {},
  });
  assert.equal(
    (await ingest({ name: 'heap', format: 'pprof' }, pprof as Uint8Array<ArrayBuffer>)).status,
    200,
  );
  const { profileTypes } = await server.get<ProfileTypesResponse>('/api/v1/profile-types');
  const memory = profileTypes.filter(({ id }) => id.endsWith(':space:bytes'));
  assert.deepEqual(memory, [
    {
      id: 'memory:alloc_objects:count:space:bytes',
      sampleType: 'alloc_objects',
      sampleUnit: 'count',
    },
    { id: 'memory:alloc_space:bytes:space:bytes', sampleType: 'alloc_space', sampleUnit: 'bytes' },
    { id: 'memory:inuse_space:bytes:space:bytes', sampleType: 'inuse_space', sampleUnit: 'bytes' },
  ]);
  for (const { id } of memory)
    assert.equal(totalOf(await server.flame(`${id}{service_name="heap"}`)), 5);
});

test("the profile's own time counts before from, unless it lies in 1970", async () => {
  const hourAgo = Date.now() - 3_600_000;
  const own = pprofOf('a 1', { timeMs: hourAgo, labels: {} });
  await ingest({ name: 'own-time', format: 'pprof', from: nowS() }, own as Uint8Array<ArrayBuffer>);
  const micros = pprofOf('a 1', { timeMs: 1_700_000_000, labels: {} });
  await ingest(
    { name: 'own-time', format: 'pprof', from: nowS() },
    micros as Uint8Array<ArrayBuffer>,
  );
  const query = cpuQuery('service_name="own-time"');
  const before = await server.flame(query, { from: hourAgo - 60_000, until: hourAgo + 60_000 });
  assert.equal(totalOf(before), 1e7);
  assert.equal(totalOf(await server.flame(query, { from: 'now-5m' })), 1e7);
});

test('parameters are honoured or refused by name', async () => {
  const cases: [Record<string, string>, number, string, RegExp][] = [
    [{}, 400, 'APP_NAME_MALFORMED', /name is missing/],
    [{ name: 'a b' }, 400, 'APP_NAME_MALFORMED', /A-Za-z0-9/],
    [{ name: 'a{b=c' }, 400, 'APP_NAME_MALFORMED', /no \}/],
    [{ name: 'a.whatever' }, 400, 'APP_NAME_MALFORMED', /whatever.*alloc_space/],
    [{ name: 'a', colour: 'red' }, 400, 'PARAMETER_UNKNOWN', /colour.*sampleRate/],
    [{ name: 'a', from: 'yesterday' }, 400, 'PARAMETER_INVALID', /from=yesterday/],
    [{ name: 'a', sampleRate: '-1' }, 400, 'PARAMETER_INVALID', /sampleRate=-1/],
    [{ name: 'a', format: 'xml' }, 422, 'FORMAT_UNSUPPORTED', /xml.*pprof/],
    [{ name: 'a', units: 'bytes' }, 422, 'PARAMETER_CONTRADICTION', /units=bytes/],
    [{ name: 'a', aggregationType: 'average' }, 422, 'PARAMETER_CONTRADICTION', /average/],
    [{ name: 'a', aggregationType: 'max' }, 400, 'PARAMETER_INVALID', /max/],
    [{ name: 'a', format: 'constructor' }, 422, 'FORMAT_UNSUPPORTED', /constructor/],
    [{ name: 'a', from: 'now-1h', until: 'now-2h' }, 400, 'RANGE_EMPTY', /is not after/],
    [{ name: 'a', from: 'now-999999999w' }, 400, 'PARAMETER_INVALID', /from=now-999999999w/],
    [{ name: 'a{__x__=1}' }, 400, 'APP_NAME_MALFORMED', /reserved/],
  ];
  for (const [params, status, code, message] of cases) {
    const refusal = await refused(params);
    assert.deepEqual([refusal.status, refusal.code], [status, code], JSON.stringify(params));
    assert.match(refusal.message, message);
  }
});

test('what the SDKs of Go and Java send beside a profile that says it itself', async () => {
  const cases: [name: string, params: Record<string, string>][] = [
    ['go-heap-1.pb.gz', { units: '', aggregationType: '', sampleRate: '100', format: '' }],
    ['go-mutex.pb.gz', { units: '', aggregationType: '', sampleRate: '0', from: '', until: '' }],
    ['go-mutex.pb.gz', { units: 'goroutines', aggregationType: 'average', sampleRate: '0' }],
  ];
  for (const [file, params] of cases) {
    const profile = readFileSync(new URL(`../../src/testing/fixtures/${file}`, import.meta.url));
    const answer = await ingest({ name: 'sdk{}', from: nowS(), ...params }, form({ profile }));
    assert.equal(answer.status, 200, `${file} ${JSON.stringify(params)}: ${answer.text}`);
  }
  const jfr = gunzipSync(
    readFileSync(new URL('../../src/testing/fixtures/burn.jfr.gz', import.meta.url)),
  );
  const alloc = { name: 'java{}', format: 'jfr', units: 'objects', aggregationType: 'sum' };
  assert.equal((await ingest(alloc, form({ jfr }))).status, 200);
});

test('values that do not fit into 64 bits together are refused, not stored as others', async () => {
  for (const text of [
    'a 9223372036854775807',
    'a 922337203686',
    'a 900000000000\nb -900000000000',
  ]) {
    const { code, message } = await refused({ name: 'huge' }, text);
    assert.deepEqual([code, /2\^63/.test(message)], ['FOLDED_MALFORMED', true], text);
  }
  assert.equal((await ingest({ name: 'huge.alloc_space' }, 'a 9007199254740993')).status, 200);
});

test('text of too many lines is refused before it is taken apart', async () => {
  const { code, message } = await refused({ name: 'lines' }, gzipSync(Buffer.alloc(60e6, 'a 1\n')));
  assert.equal(code, 'PROFILE_TOO_LARGE');
  assert.match(message, /more lines; at most 1000000 are allowed \(BUNSEN_MAX_VALUES\)/);
});

/** A pprof with a function of one name in two files, such as scripts have. */
function scriptPprof(types: string[]): Uint8Array {
  const init = { name: '__init__', systemName: '__init__', mapping: -1, address: 0n, line: 3 };
  const main = { ...init, name: '<module>', systemName: '<module>', file: 'app.py' };
  return encodePprof({
    timeNs: BigInt(Date.now()) * 1_000_000n,
    durationNs: 10_000_000_000n,
    sampleTypes: types.map((type) => ({ type, unit: type === 'cpu' ? 'nanoseconds' : 'bytes' })),
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_000_000n,
    mappings: [],
    functions: [main, { ...init, file: 'cart.py' }, { ...init, file: 'user.py' }],
    stackOffsets: Uint32Array.from([0, 2, 4]),
    stackFunctions: Uint32Array.from([1, 0, 2, 0]),
    sampleStack: [0, 1],
    sampleLabels: [0, 0],
    sampleValues: BigInt64Array.from([1, 2].flatMap((n) => types.map(() => BigInt(n) * 10n))),
    labelSets: [{}],
  });
}

test("functions of Python's and Ruby's spies have their file in front of their name", async () => {
  const pprof = scriptPprof(['cpu']);
  for (const spyName of ['pyspy', 'rbspy', 'scripting', 'gospy']) {
    const params = { name: spyName, format: 'pprof', spyName };
    assert.equal((await ingest(params, pprof as Uint8Array<ArrayBuffer>)).status, 200);
    const flame = await server.flame(cpuQuery(`service_name="${spyName}"`));
    const expected =
      spyName === 'gospy'
        ? ['<module>;__init__ 30']
        : [
            'app.py:-1 - <module>;cart.py:-1 - __init__ 10',
            'app.py:-1 - <module>;user.py:-1 - __init__ 20',
          ];
    assert.deepEqual(foldedOf(flame).sort(), expected, spyName);
  }
});

test("a pprof of .NET's spy: functions without ids, and types with dashes", async () => {
  const profile = Profile.decode(scriptPprof(['cpu', 'alloc-size', 'inuse-space']));
  for (const fn of profile.function) fn.id = 0;
  const config = JSON.stringify({ 'inuse-space': { units: 'bytes' } });
  const pprof = profile.encode();
  const parts = { profile: gzipSync(pprof), sample_type_config: config };
  for (const [name, params, body] of [
    ['net', { spyName: 'dotnetspy' }, form({ profile: pprof })],
    ['net-first', {}, form(parts)],
  ] as const) {
    const { status, text } = await ingest({ name, ...params }, body);
    assert.equal(status, 200, text);
    for (const type of ['cpu:nanoseconds', 'alloc_size:bytes', 'inuse_space:bytes']) {
      const flame = await server.flame(
        `process_cpu:${type}:cpu:nanoseconds{service_name="${name}"}`,
      );
      assert.deepEqual(foldedOf(flame), ['<module>;__init__ 30'], type);
    }
  }
  // Of any other client they are what they are.
  const other = await ingest({ name: 'net-other' }, form({ profile: scriptPprof(['a-b']) }));
  assert.equal(other.status, 200, other.text);
  const flame = await server.flame('a-b:a-b:bytes:cpu:nanoseconds{service_name="net-other"}');
  assert.equal(totalOf(flame), 30);
});

test('what may be repeated has a time of its own, not one relative to now', async () => {
  const send = (from: string) =>
    server.fetch(`/ingest?${searchOf({ name: 'repeated', from })}`, {
      method: 'POST',
      headers: { [IDEMPOTENCY_KEY]: `repeated ${from}` },
      body: 'a 1',
    });
  const relative = await send('now-4m');
  assert.equal(relative.status, 422);
  assert.match(await relative.text(), /TIMESTAMP_OUT_OF_RANGE.*must not be relative to now/);
  assert.equal((await send(`${nowS() - 240}`)).status, 200);
});
