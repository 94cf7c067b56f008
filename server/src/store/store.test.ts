import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestServer } from '../testing/test-server.ts';
import { isSince } from './server-version.ts';
import type { Store } from './store.ts';

let server: TestServer;
let store: Store;
before(async () => {
  server = await TestServer.start();
  store = server.app.store;
});
after(() => server.close());

test('the store keeps the side of a join in memory that the statement has on the right', async () => {
  await store.command(
    'CREATE TABLE few (id UInt64, text String) ENGINE = MergeTree ORDER BY id AS SELECT number, toString(number) FROM numbers(1000)',
  );
  await store.command(
    'CREATE TABLE many (id UInt64, at UInt64) ENGINE = MergeTree ORDER BY (at, id) AS SELECT number % 100, number FROM numbers(1000000)',
  );
  const sql = `EXPLAIN actions = 1 SELECT text, n FROM few
    ANY RIGHT JOIN (SELECT id, count() AS n FROM many GROUP BY id) AS sums USING id`;
  const lines = await store.rows<{ explain: string }>(sql);
  const plan = lines.map(({ explain }) => explain).join('\n');
  assert.match(plan, /Type: right/i);
  // Without being told it chooses the other one; should that end, the setting has no more use.
  const free = await store.rows<{ explain: string }>(
    `${sql} SETTINGS query_plan_join_swap_table = 'auto'`,
  );
  assert.match(free.map(({ explain }) => explain).join('\n'), /Type: left/i);
});

test('versions are compared by their numbers', () => {
  assert.equal(isSince('24.12.1.1', '24.12'), true);
  assert.equal(isSince('25.1', '24.12'), true);
  assert.equal(isSince('24.3.9', '24.12'), false);
  assert.equal(isSince('18.16.1', '24.3'), false);
});
