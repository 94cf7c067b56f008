import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { API, type SharedFile } from '@bunsen/profile';
import { TestServer, tempDir } from '../testing/test-server.ts';

const DAY_MS = 86_400_000;
let server: TestServer;
before(async () => {
  server = await TestServer.start({
    BUNSEN_DATA_DIR: tempDir(),
    BUNSEN_MAX_BODY_BYTES: '2000',
    BUNSEN_RETENTION_HOURLY_DAYS: '30',
  });
});
after(() => server.close());

const post = (name: string, body: string | Uint8Array<ArrayBuffer>) =>
  [`${API.files}?name=${encodeURIComponent(name)}`, { method: 'POST', body }] as const;

test('a file comes back as it came, with its name and how long it is kept', async () => {
  const bytes = new Uint8Array(gzipSync('main;parse 7\nmain;send 3'));
  const name = 'it\'s *né* 漢;"x".txt.gz';
  const response = await server.fetch(...post(name, bytes));
  assert.equal(response.status, 200);
  const shared = (await response.json()) as SharedFile;
  assert.equal(shared.name, name);
  assert.ok(Math.abs(shared.uploadedMs - Date.now()) < 60_000);
  assert.equal(shared.expiresMs, shared.uploadedMs + 30 * DAY_MS);

  const file = await server.fetch(API.file(shared.id));
  assert.deepEqual(new Uint8Array(await file.arrayBuffer()), bytes);
  const header = (key: string) => file.headers.get(key) ?? '';
  const [, encoded = ''] = /^attachment; filename\*=UTF-8''([\w.%-]+)$/.exec(
    header('content-disposition'),
  ) ?? [''];
  assert.equal(decodeURIComponent(encoded), name);
  assert.equal(Date.parse(header('sunset')), Math.floor(shared.expiresMs / 1000) * 1000);
  assert.equal(header('content-type'), 'application/octet-stream');
});

test('what cannot be shown, is too large, or is not there', async () => {
  const refused = async (...request: Parameters<TestServer['refusal']>) => {
    const { status, code } = await server.refusal(...request);
    return [status, code];
  };
  assert.deepEqual(await refused(...post('a', 'no profile')), [400, 'FOLDED_MALFORMED']);
  assert.deepEqual(await refused(...post('a', '')), [400, 'BODY_EMPTY']);
  assert.deepEqual(await refused(...post('a', `${'a'.repeat(2000)} 1`)), [413, 'BODY_TOO_LARGE']);
  assert.deepEqual(await refused(...post('a'.repeat(256), 'a 1')), [400, 'PARAMETER_INVALID']);
  for (const id of ['nobody', '00000000-0000-4000-8000-000000000000']) {
    assert.deepEqual(await refused(API.file(id)), [404, 'NOT_FOUND']);
  }
});

test('a file that is taken back is gone for everybody, and the others stay', async () => {
  const share = async (name: string) =>
    (await (await server.fetch(...post(name, 'main 1'))).json()) as SharedFile;
  const [mine, other] = [await share('mine'), await share('other')];
  const taken = await server.fetch(API.file(mine.id), { method: 'DELETE' });
  assert.equal(taken.status, 204);
  for (const method of ['GET', 'DELETE']) {
    assert.equal((await server.refusal(API.file(mine.id), { method })).status, 404);
  }
  assert.equal((await server.fetch(API.file(other.id))).status, 200);
});
