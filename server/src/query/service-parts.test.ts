import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { FlameJson } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, TestServer } from '../testing/test-server.ts';
import { FlamegraphQuery } from './flamegraph.ts';
import { rangeParams, selectionOf } from './selection.ts';
import { serviceParts } from './service-parts.ts';

const T0 = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3 * 3_600_000;
const range = { fromMs: T0, untilMs: T0 + 3_600_000 };
/** Names whose order by bytes is another than that by letters. */
const SERVICES = ['Zeta', 'alpha', 'b', 'über', 'c/d'];

let server: TestServer;
before(async () => {
  server = await TestServer.start();
  for (const [i, service] of SERVICES.entries()) {
    const folded = `main;shared ${i + 1}\nmain;only_${i} 10\nmain;only_${i};deep 100`;
    await server.push(pprofOf(folded, { timeMs: T0, labels: { service_name: service } }));
  }
});
after(() => server.close());

/** The services that each part has samples of. */
async function partsOf(query: string, partStacks: number): Promise<string[][]> {
  const { store } = server.app;
  const selection = selectionOf(query, range, true);
  const { selections } = await serviceParts(store, selection, partStacks, {});
  return Promise.all(
    selections.map(async (part) => {
      const rows = await store.rows<{ service: string }>(
        `SELECT DISTINCT service FROM samples WHERE ${part.keys} ORDER BY service`,
        { params: rangeParams(part) },
      );
      return rows.map(({ service }) => service);
    }),
  );
}

test('every service is in one part, also one whose stacks are missing', async () => {
  assert.deepEqual(await partsOf(cpuQuery(''), 1), [['Zeta'], ['alpha'], ['b'], ['c/d'], ['über']]);
  assert.deepEqual(await partsOf(cpuQuery(''), 6), [['Zeta', 'alpha'], ['b', 'c/d'], ['über']]);
  assert.deepEqual(await partsOf(cpuQuery(''), 1000), [['Zeta', 'alpha', 'b', 'c/d', 'über']]);
  assert.deepEqual(await partsOf(cpuQuery('service_name="b"'), 1), [['b']]);
  assert.deepEqual(await partsOf(cpuQuery('service_name=~"[a-c].*"'), 1), [
    ['alpha'],
    ['b'],
    ['c/d'],
  ]);
  await server.app.store.command("DELETE FROM stacks WHERE service IN ('Zeta', 'b', 'über')");
  assert.deepEqual(await partsOf(cpuQuery(''), 1), [
    ['Zeta', 'alpha'],
    ['b', 'c/d', 'über'],
  ]);
});

test('parts make the tree that the whole makes, one side or two', async (t) => {
  const { store, rollups } = server.app;
  const trees: FlameJson[] = [];
  const diffs: unknown[] = [];
  for (const partStacks of [1, 7, 1_000_000]) {
    const flamegraph = new FlamegraphQuery(store, rollups, { threads: 1, partStacks });
    t.after(() => flamegraph.close());
    const request = { maxNodes: 1000, form: { kind: 'json' } } as const;
    const everything = { query: cpuQuery(''), range };
    const some = { query: cpuQuery('service_name!="alpha"'), range };
    const json = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString());
    trees.push(json(await flamegraph.run({ ...everything, ...request })));
    diffs.push(json(await flamegraph.diff({ left: everything, right: some, ...request })));
  }
  const [{ nodes }] = trees as [FlameJson];
  assert.equal(nodes.total[0], (15 + 5 * 110) * 1e7);
  for (const tree of trees) assert.deepEqual(tree, trees[0]);
  for (const diff of diffs) assert.deepEqual(diff, diffs[0]);
});

test('a part that fails ends the whole, and the worker can be used again', async (t) => {
  const flamegraph = new FlamegraphQuery(server.app.store, server.app.rollups, {
    threads: 1,
    partStacks: 1,
  });
  t.after(() => flamegraph.close());
  const request = { query: cpuQuery(''), range, maxNodes: 100, form: { kind: 'json' } } as const;
  const { native } = server.app.store;
  let statements = 0;
  server.app.store.native = (...args) => {
    if (++statements === 2) throw new Error('the second one fails');
    return native.apply(server.app.store, args);
  };
  await assert.rejects(flamegraph.run(request), /the second one fails/);
  server.app.store.native = native;
  assert.ok((await flamegraph.run(request)).length > 100);
});
