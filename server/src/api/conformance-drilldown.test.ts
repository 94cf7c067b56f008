/** What Profiles Drilldown asks for besides profiles: every field has an effect. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  AdHocProfileService,
  AdHocProfilesDiffRequestSchema,
  AdHocProfilesGetRequestSchema,
  AdHocProfilesUploadRequestSchema,
} from '@bunsen/proto/adhocprofiles/v1/adhocprofiles';
import { SetSettingsRequestSchema, SettingsService } from '@bunsen/proto/settings/v1/setting';
import { createClient } from '@connectrpc/connect';
import { fieldPaths } from '../testing/field-paths.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { TRANSPORTS } from '../testing/rpc-clients.ts';
import { TestServer } from '../testing/test-server.ts';

const T0 = Date.now() - 600_000;

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

test('SettingsService.Set: every field', async () => {
  const paths = ['setting.modifiedAt', 'setting.name', 'setting.value'];
  assert.deepEqual(fieldPaths(SetSettingsRequestSchema).sort(), paths);
  const client = createClient(SettingsService, TRANSPORTS['gRPC, gzip']!(server.url));
  const modifiedAt = BigInt(T0);
  await client.set({ setting: { name: 'name', value: 'value', modifiedAt } });
  const { settings } = await client.get({});
  assert.deepEqual(
    settings.map((each) => [each.name, each.value, each.modifiedAt]),
    [['name', 'value', modifiedAt]],
  );
});

test('AdHocProfileService: every field', async () => {
  assert.deepEqual(fieldPaths(AdHocProfilesUploadRequestSchema), ['name', 'profile', 'max_nodes']);
  assert.deepEqual(fieldPaths(AdHocProfilesGetRequestSchema), ['id', 'profile_type', 'max_nodes']);
  assert.deepEqual(fieldPaths(AdHocProfilesDiffRequestSchema), [
    'left_id',
    'right_id',
    'profile_type',
    'max_nodes',
  ]);
  const client = createClient(AdHocProfileService, TRANSPORTS['gRPC, gzip']!(server.url));
  const types = [
    { type: 'cpu', unit: 'nanoseconds' },
    { type: 'samples', unit: 'count' },
  ];
  const bytes = pprofOf('main;a 3\nmain;b 4', { sampleTypes: types, timeMs: T0 });
  const profile = Buffer.from(bytes).toString('base64');
  const namesOf = (json: string) => JSON.parse(json).flamebearer.names as string[];
  const cut = await client.upload({ name: 'cut', profile, maxNodes: 3n });
  const whole = await client.upload({ name: 'whole', profile });
  assert.deepEqual([cut.name, whole.name], ['cut', 'whole']);
  assert.ok(namesOf(cut.flamebearerProfile).includes('other'));
  assert.deepEqual(namesOf(whole.flamebearerProfile), ['total', 'main', 'a', 'b']);

  const [first, second] = whole.profileTypes;
  const again = await client.get({ id: whole.id });
  assert.deepEqual([again.name, again.profileType], ['whole', first]);
  const other = await client.get({ id: cut.id, profileType: second ?? '', maxNodes: 2n });
  assert.deepEqual([other.name, other.profileType], ['cut', second]);
  assert.notDeepEqual(namesOf(other.flamebearerProfile), namesOf(cut.flamebearerProfile));

  const small = Buffer.from(pprofOf('main;c 1', { sampleTypes: types, timeMs: T0 }));
  const { id } = await client.upload({ name: 'small', profile: small.toString('base64') });
  const ticksOf = (json: string) => {
    const { leftTicks, rightTicks, metadata } = JSON.parse(json);
    return [leftTicks, rightTicks, metadata.name];
  };
  const diff = await client.diff({ leftId: whole.id, rightId: id });
  assert.deepEqual(ticksOf(diff.flamebearerProfile), [7e7, 1e7, first]);
  const turned = await client.diff({ leftId: id, rightId: whole.id, profileType: second ?? '' });
  assert.deepEqual(ticksOf(turned.flamebearerProfile), [1e7, 7e7, second]);
  const cutDiff = await client.diff({ leftId: whole.id, rightId: id, maxNodes: 2n });
  assert.deepEqual(namesOf(cutDiff.flamebearerProfile), ['total', 'main', 'other']);
});
