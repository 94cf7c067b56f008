import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestServer } from '../testing/test-server.ts';
import { checkParams } from './query-params.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

test('parameters come whole up to the limit, and what is longer is refused with it', async () => {
  const longest = 'ü'.repeat(166_000); // of six bytes each in an address
  const { store } = server.app;
  const [row] = await store.rows<{ same: number; bytes: number }>(
    `SELECT toUInt32({text:String} = repeat('ü', 166000)) AS same, toUInt32(length({text:String})) AS bytes`,
    { params: { text: longest } },
  );
  assert.deepEqual(row, { same: 1, bytes: 332_000 });
  await assert.rejects(
    store.rows('SELECT {text:String}', { params: { text: `${longest}üüü${longest}` } }),
    {
      code: 'PARAMETER_INVALID',
      message: /have 1992019 bytes .* at most 1000000/,
    },
  );
});

test('those of a list count together, and half a character is no error', () => {
  const list = Array.from({ length: 11 }, () => 'a'.repeat(100_000));
  assert.throws(() => checkParams({ list }), /have 1100\d+ bytes/);
  assert.deepEqual(checkParams({ half: '\ud800' }), { half: '\ud800' });
});
