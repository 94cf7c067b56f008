import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API, type FunctionsResponse } from '@bunsen/profile';
import { atEnd, Program, startServer, until } from '../harness.ts';

/** What the SDK's wall (with CPU time) and heap profilers make, as Pyroscope names it. */
const TYPES = [
  'memory:inuse_objects:count:inuse_space:bytes',
  'memory:inuse_space:bytes:inuse_space:bytes',
  'wall:cpu:nanoseconds:wall:nanoseconds',
  'wall:samples:count:wall:nanoseconds',
  'wall:wall:nanoseconds:wall:nanoseconds',
];

test("a program with Pyroscope's SDK for Node.js works unchanged", async (t) => {
  const { url } = await startServer(t);
  const client = new Program('test/programs/pyroscope-client.mjs', { SERVER: url });
  atEnd(t, () => client.stop());
  for (const type of TYPES) {
    const selector = `${type}{service_name="sdk", region="eu", otel.scope.name="checkout"}`;
    const burner = await until(`the function that burns, in ${type}`, async () => {
      const query = new URLSearchParams({ query: selector });
      const response = await fetch(`${url}${API.functions}?${query}`);
      assert.equal(response.status, 200);
      const { functions } = (await response.json()) as FunctionsResponse;
      return functions.find(({ name }) => name.includes('burnForPyroscope'));
    });
    assert.ok(burner.total > 0, `${type}: ${burner.total}`);
  }
});
