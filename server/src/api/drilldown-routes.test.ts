import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  AdHocProfileService,
  type AdHocProfilesGetResponse,
} from '@bunsen/proto/adhocprofiles/v1/adhocprofiles';
import { RecordingRulesService } from '@bunsen/proto/settings/v1/recording_rules';
import { SettingsService } from '@bunsen/proto/settings/v1/setting';
import { VCSService } from '@bunsen/proto/vcs/v1/vcs';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { pprofOf } from '../testing/pprof-of.ts';
import { postJson, type Refusal, TRANSPORTS } from '../testing/rpc-clients.ts';
import { TestServer, tempDir } from '../testing/test-server.ts';

const dir = tempDir();
const ENV = { BUNSEN_DATA_DIR: dir, BUNSEN_MAX_BODY_BYTES: '2000000' };
let server: TestServer;
before(async () => {
  server = await TestServer.start(ENV);
});
after(() => server.close());

const transport = (name = 'connect, HTTP/1, protobuf') => TRANSPORTS[name]!(server.url);
const settings = () => createClient(SettingsService, transport());
const adhoc = () => createClient(AdHocProfileService, transport());

async function refusal(call: Promise<unknown>): Promise<[Code, string | null, string]> {
  const error = await call.then(() => undefined, ConnectError.from);
  assert.ok(error, 'it was not refused');
  return [error.code, error.metadata.get('bunsen-code'), error.rawMessage];
}

/** `main;a 7` of the profile's JSON: rows of [distance, total, self, name]. */
function drawn({ flamebearerProfile }: Pick<AdHocProfilesGetResponse, 'flamebearerProfile'>) {
  const { version, flamebearer, metadata } = JSON.parse(flamebearerProfile);
  assert.equal(version, 1);
  return { ...flamebearer, units: metadata.units, name: metadata.name };
}

test('settings: the newest of each name, and what is refused', async () => {
  const client = settings();
  assert.deepEqual((await client.get({})).settings, []);
  const { setting } = await client.set({ setting: { name: 'pluginSettings', value: '{"a":1}' } });
  assert.ok(Math.abs(Number(setting?.modifiedAt) - Date.now()) < 60_000);
  const modifiedAt = (setting?.modifiedAt ?? 0n) + 1n;
  await client.set({ setting: { name: 'pluginSettings', value: "it's \\ new\n", modifiedAt } });
  await client.set({ setting: { name: 'other', value: '' } });
  const values = (await client.get({})).settings.map(({ name, value }) => [name, value]);
  assert.deepEqual(values, [
    ['other', ''],
    ['pluginSettings', "it's \\ new\n"],
  ]);

  const set = (setting: object) => refusal(client.set({ setting: { name: 'n', ...setting } }));
  for (const [wrong, message] of [
    [{ name: 'a b' }, /setting\.name "a b" is not of 1 to 255/],
    [{ value: 'ä'.repeat(33_000) }, /setting\.value has 66000 bytes; at most 65536/],
    [{ name: 'pluginSettings', modifiedAt: 5n }, /modifiedAt=5 is older/],
    [{ modifiedAt: BigInt(Date.now() + 3_600_000) }, /more than 600 s ahead/],
  ] as const) {
    const [code, ours, text] = await set(wrong);
    assert.deepEqual([code, ours], [Code.InvalidArgument, 'PARAMETER_INVALID']);
    assert.match(text, message);
  }
  assert.match((await refusal(client.set({})))[2], /setting is missing/);
  assert.equal((await client.get({})).settings.length, 2);
});

const SPEEDSCOPE = JSON.stringify({
  $schema: 'https://www.speedscope.app/file-format-schema.json',
  shared: { frames: [{ name: 'main' }, { name: 'a' }] },
  profiles: [
    {
      type: 'sampled',
      name: '',
      unit: 'microseconds',
      startValue: 0,
      endValue: 5,
      samples: [[0, 1]],
      weights: [5],
    },
  ],
});

const pprof = pprofOf('main;a 7\nmain 2', {
  period: 1,
  labels: {},
  timeMs: 1_000_000_000_000, // long ago: it is not for the time series
  sampleTypes: [
    { type: 'samples', unit: 'count' },
    { type: 'cpu', unit: 'nanoseconds' },
  ],
});

for (const [format, file, type, unit, total] of [
  ['pprof', pprof, 'samples', 'objects', 9],
  ['gzipped pprof', gzipSync(pprof), 'samples', 'objects', 9],
  ['folded text', Buffer.from('main;a 7\nmain 2\n'), 'samples', 'objects', 9],
  ['speedscope', Buffer.from(SPEEDSCOPE), 'cpu', 'samples', 5000],
] as const) {
  test(`a single file is uploaded and shown: ${format}`, async () => {
    const profile = Buffer.from(file).toString('base64');
    const shown = await adhoc().upload({ name: `${format}.file`, profile });
    assert.equal(shown.name, `${format}.file`);
    assert.equal(shown.profileType, type);
    const { names, levels, numTicks, units } = drawn(shown);
    assert.deepEqual([names, numTicks, units], [['total', 'main', 'a'], total, unit]);
    assert.equal(levels.length, 3);
    assert.deepEqual(await adhoc().get({ id: shown.id }), shown);
  });
}

test('a recording of the JDK: every kind of profile is one of its types', async () => {
  const path = new URL('../../src/testing/fixtures/burn.jfr.gz', import.meta.url);
  const profile = readFileSync(path).toString('base64');
  const { id, profileTypes } = await adhoc().upload({ name: 'burn.jfr', profile });
  assert.ok(profileTypes.includes('cpu') && profileTypes.length > 1, profileTypes.join(' '));
  for (const profileType of profileTypes) {
    const shown = await adhoc().get({ id, profileType });
    assert.equal(shown.profileType, profileType);
    assert.ok(drawn(shown).numTicks > 0);
  }
});

test('what perf script prints: a type for each event', async () => {
  const path = new URL('../../src/testing/fixtures/perf.script', import.meta.url);
  const shown = await adhoc().upload({
    name: 'perf.script',
    profile: gzipSync(readFileSync(path)).toString('base64'),
  });
  assert.deepEqual(shown.profileTypes, ['cpu-clock']);
  const { names, numTicks, units } = drawn(shown);
  assert.deepEqual([numTicks, units], [9 * 10_101_010, 'nanoseconds']);
  assert.deepEqual(names.slice(0, 2), ['total', 'perl']);
  assert.ok(names.includes('Perl_pp_iter') && names.includes('[unknown]'), names.join(' '));
});

test('two files as one graph: of the type that both have, each with its own totals', async () => {
  const upload = async (file: Uint8Array | string) => {
    const profile = Buffer.from(file).toString('base64');
    return (await adhoc().upload({ name: 'x', profile })).id;
  };
  const sampleTypes = [{ type: 'samples', unit: 'count' }];
  const other = pprofOf('main;a 3\nmain;b 4', { period: 1, labels: {}, sampleTypes });
  const [leftId, rightId] = [await upload(pprof), await upload(other)];
  const shown = await adhoc().diff({ leftId, rightId });
  assert.deepEqual(shown.profileTypes, ['samples']);
  const { flamebearer, metadata, leftTicks, rightTicks } = JSON.parse(shown.flamebearerProfile);
  assert.deepEqual([leftTicks, rightTicks, flamebearer.numTicks], [9, 7, 16]);
  assert.deepEqual([metadata.format, metadata.name], ['double', 'samples']);
  assert.deepEqual(flamebearer.names, ['total', 'main', 'a', 'b']);
  // Of each side: distance to the one before, total, self; then the name.
  assert.deepEqual(flamebearer.levels, [
    [0, 9, 0, 0, 7, 0, 0],
    [0, 9, 2, 0, 7, 0, 1],
    [2, 7, 7, 0, 3, 3, 2, 0, 0, 0, 0, 4, 4, 3],
  ]);
  const cpu = await adhoc().diff({ leftId, rightId: leftId, profileType: 'cpu' });
  assert.deepEqual(cpu.profileTypes, ['samples', 'cpu']);

  const speedscope = await upload(SPEEDSCOPE);
  const unknown = '7f4e7c9e-0000-4000-8000-000000000000';
  for (const [request, code, message] of [
    [{ leftId, rightId, profileType: 'cpu' }, 'PARAMETER_INVALID', /cpu is none of samples$/],
    [
      { leftId: rightId, rightId: speedscope },
      'PARAMETER_CONTRADICTION',
      /left_id has samples in count, right_id has cpu in nanoseconds/,
    ],
    [{ leftId: unknown, rightId }, 'NOT_FOUND', /^left_id: there is no uploaded profile "7f4e7c9e/],
    [{ leftId, rightId: '' }, 'NOT_FOUND', /^right_id: there is no uploaded profile ""/],
    [{ leftId, rightId, maxNodes: -1n }, 'PARAMETER_INVALID', /max_nodes=-1/],
  ] as const) {
    const [, ours, text] = await refusal(adhoc().diff(request));
    assert.equal(ours, code, text);
    assert.match(text, message);
  }
});

test('as Profiles Drilldown writes it: JSON with the names of the protocol', async () => {
  const url = `${server.url}/adhocprofiles.v1.AdHocProfileService`;
  const body = { name: 'cpu.pb', profile: Buffer.from(pprof).toString('base64') };
  type Shown = Pick<AdHocProfilesGetResponse, 'id' | 'profileTypes' | 'flamebearerProfile'>;
  const uploaded = (await postJson<Shown>(`${url}/Upload`, body)).body;
  assert.deepEqual(uploaded.profileTypes, ['samples', 'cpu']);
  const sides = { left_id: uploaded.id, right_id: uploaded.id, profile_type: 'cpu', max_nodes: 2 };
  const diff = (await postJson<Shown>(`${url}/Diff`, sides)).body;
  assert.deepEqual(drawn(diff).names, ['total', 'main', 'other']);
  const request = { id: uploaded.id, profile_type: 'cpu', max_nodes: 2 };
  const { body: shown } = await postJson<Shown>(`${url}/Get`, request);
  const { names, name } = drawn(shown);
  assert.deepEqual([names, name], [['total', 'main', 'other'], 'cpu']);
});

test('what cannot be shown is refused, and not kept', async () => {
  const before = (await adhoc().list({})).profiles.length;
  const upload = (profile: string, name = 'x') => refusal(adhoc().upload({ name, profile }));
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  for (const [call, code, message] of [
    [upload('data:;base64,AAAA'), 'BODY_MALFORMED', /profile is not base64/],
    [upload(''), 'BODY_EMPTY', /profile is empty/],
    [upload(base64('main;a x\n')), 'FOLDED_MALFORMED', /line 1/],
    [
      upload(base64('a 1 cycles:\n\t401 main (/a)\n  main.c:12\n')),
      'PERF_SCRIPT_MALFORMED',
      /1 lines .* line 3: main.c:12/,
    ],
    [
      upload(base64(`a 1 1${'0'.repeat(20)} cycles:\n\t401 main (/a)\n`)),
      'PERF_SCRIPT_MALFORMED',
      /2\^53 in line 1/,
    ],
    [upload(base64('{"flamebearer":{}}')), 'SPEEDSCOPE_MALFORMED', /\$schema/],
    [upload(base64('\x0a\x01\x02')), 'PPROF_MALFORMED', /byte/],
    [upload(base64('FLR\0')), 'JFR_MALFORMED', /./],
    [upload(base64('main 1\n'), ''), 'PARAMETER_INVALID', /name has 0 characters/],
    [upload('A'.repeat(2_000_001)), 'BODY_TOO_LARGE', /BUNSEN_MAX_BODY_BYTES/],
  ] as const) {
    const [, ours, text] = await call;
    assert.equal(ours, code, text);
    assert.match(text, message);
  }
  const { profiles } = await adhoc().list({});
  assert.equal(profiles.length, before);
  const id = profiles[0]?.id ?? '';
  for (const unknown of ['7f4e7c9e-0000-4000-8000-000000000000', "'; DROP", '']) {
    assert.deepEqual((await refusal(adhoc().get({ id: unknown }))).slice(0, 2), [
      Code.NotFound,
      'NOT_FOUND',
    ]);
  }
  assert.match((await refusal(adhoc().get({ id, profileType: 'gpu' })))[2], /gpu is none of/);
  assert.match((await refusal(adhoc().get({ id, maxNodes: -1n })))[2], /max_nodes=-1/);
});

for (const name of Object.keys(TRANSPORTS)) {
  test(`settings and files over ${name}`, async () => {
    const files = createClient(AdHocProfileService, transport(name));
    const profile = Buffer.from('main;λ 1\n').toString('base64');
    const shown = await files.upload({ name: 'one', profile });
    assert.deepEqual(drawn(shown).names, ['total', 'main', 'λ']);
    const [newest] = (await files.list({})).profiles;
    assert.deepEqual([newest?.id, newest?.uploadedAt], [shown.id, shown.uploadedAt]);
    const { settings } = await createClient(SettingsService, transport(name)).get({});
    assert.ok(settings.length > 0);
  });
}

test('there are no recording rules and no source code, which is said without an error of its own', async () => {
  const rules = createClient(RecordingRulesService, transport());
  await rules.listRecordingRules({});
  const url = `${server.url}/settings.v1.RecordingRulesService`;
  const upsert = await postJson<Refusal>(`${url}/UpsertRecordingRule`, { metric_name: 'm' });
  assert.deepEqual([upsert.status, upsert.body.code], [501, 'unimplemented']);
  const vcs = createClient(VCSService, transport());
  for (const call of [rules.deleteRecordingRule({}), vcs.githubApp({}), vcs.getFile({})]) {
    const [code, ours, text] = await refusal(call);
    assert.deepEqual([code, ours], [Code.Unimplemented, 'NOT_IMPLEMENTED']);
    assert.match(text, /there are no recording rules|not configured/);
  }
});

test('settings and files are there after a restart', async () => {
  const [known] = (await adhoc().list({})).profiles;
  await server.close();
  server = await TestServer.start(ENV);
  assert.deepEqual((await adhoc().list({})).profiles[0], known);
  assert.equal((await adhoc().get({ id: known?.id ?? '' })).name, known?.name);
  assert.equal((await settings().get({})).settings.length, 2);
});
