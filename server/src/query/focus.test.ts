import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { API, decodeFlame, FLAME_CONTENT_TYPE, type FlameJson } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, foldedOf, searchOf, TestServer } from '../testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
  await server.push(
    pprofOf('main;run;f 1\nmain;run;f;g;f;h 2\nidle;f;g 4\nmain;fun 8\nf 16', {
      labels: { service_name: 'focus' },
    }),
  );
});
after(() => server.close());

const query = cpuQuery('service_name="focus"');

async function treeOf(path: string, params: Record<string, string | number>): Promise<string[]> {
  const response = await server.fetch(`${path}?${searchOf({ query, ...params })}`, {
    headers: { accept: FLAME_CONTENT_TYPE },
  });
  assert.equal(response.status, 200);
  return foldedOf(decodeFlame(new Uint8Array(await response.arrayBuffer())));
}

test('callees are what stands below the first occurrence, recursion included', async () => {
  assert.deepEqual(await treeOf(API.callees, { function: 'f' }), [
    'f 170000000',
    'f;g 40000000',
    'f;g;f;h 20000000',
  ]);
});

test('callers are what stands above it, the nearest first', async () => {
  assert.deepEqual(await treeOf(API.callers, { function: 'f' }), [
    'f 160000000',
    'f;idle 40000000',
    'f;run;main 30000000',
  ]);
});

test('a module narrows it; a function that is nowhere is an empty tree; a tree is cut', async () => {
  assert.deepEqual(await treeOf(API.callers, { function: 'g', module: 'app' }), [
    'g;f;idle 40000000',
    'g;f;run;main 20000000',
  ]);
  assert.deepEqual(await treeOf(API.callers, { function: 'g', module: 'libc.so' }), []);
  assert.deepEqual(await treeOf(API.callees, { function: 'fu' }), []);
  const cut = await server.get<FlameJson>(API.callees, { query, function: 'f', maxNodes: 2 });
  assert.equal(cut.nodes.total[0], 23e7);
  assert.deepEqual([cut.foldedNodes, cut.foldedValue], [3, 6e7]);
});

test('what is wrong with a request is said', async () => {
  const refusal = await server.refusal(`${API.callees}?${searchOf({ query })}`);
  assert.deepEqual([refusal.status, refusal.code], [400, 'PARAMETER_INVALID']);
  assert.match(refusal.message, /function is missing/);
});
