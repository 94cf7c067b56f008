import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  API,
  CPU_PROFILE_TYPE,
  type DiffResponse,
  decodeFlameDiff,
  diffToJson,
  FLAME_CONTENT_TYPE,
} from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, searchOf, TestServer } from '../testing/test-server.ts';

const HOUR = 3_600_000;
const T0 = Math.floor(Date.now() / HOUR) * HOUR - 3 * HOUR;

let server: TestServer;
before(async () => {
  server = await TestServer.start();
  const push = (timeMs: number, version: string, folded: string) =>
    server.push(pprofOf(folded, { timeMs, labels: { service_name: 'diff', version } }));
  await push(T0, '1', 'main;a 3\nmain;gone 2');
  await push(T0 + HOUR, '2', 'main;a 5\nmain;new 7');
});
after(() => server.close());

const query = cpuQuery('service_name="diff"');

/** Nodes as `name left self/total right self/total`, indented, in samples. */
function draw({ frames, nodes }: DiffResponse): string[] {
  const samples = (values: number[], node: number) => (values[node] as number) / 1e7;
  return nodes.depth.map((depth, node) => {
    const name = frames[nodes.frame[node] as number]?.name ?? 'total';
    const left = `${samples(nodes.leftSelf, node)}/${samples(nodes.leftTotal, node)}`;
    const right = `${samples(nodes.rightSelf, node)}/${samples(nodes.rightTotal, node)}`;
    return `${'  '.repeat(depth)}${name} ${left} ${right}`;
  });
}

const expected = [
  'total 0/5 0/12',
  '  main 0/5 0/12',
  '    a 3/3 5/5',
  '    gone 2/2 0/0',
  '    new 0/0 7/7',
];

test('two times of one selection, as one tree', async () => {
  const diff = await server.get<DiffResponse>(API.diff, {
    left: query,
    leftFrom: T0,
    leftUntil: T0 + HOUR,
    right: query,
    rightFrom: T0 + HOUR,
    rightUntil: T0 + 2 * HOUR,
  });
  assert.deepEqual(draw(diff), expected);
  const { frames: _frames, nodes: _nodes, ...meta } = diff;
  assert.deepEqual(meta, {
    profileType: CPU_PROFILE_TYPE,
    unit: 'nanoseconds',
    left: { fromMs: T0, untilMs: T0 + HOUR },
    right: { fromMs: T0 + HOUR, untilMs: T0 + 2 * HOUR },
    warnings: [],
    foldedNodes: 0,
    foldedValue: 0,
  });
});

test('two selections of one time; a cut keeps both totals', async () => {
  const params = {
    left: cpuQuery('service_name="diff", version="1"'),
    leftFrom: T0,
    right: cpuQuery('service_name="diff", version="2"'),
    rightFrom: T0,
  };
  assert.deepEqual(draw(await server.get<DiffResponse>(API.diff, params)), expected);
  const cut = await server.get<DiffResponse>(API.diff, { ...params, maxNodes: 3 });
  assert.deepEqual(draw(cut), [
    'total 0/5 0/12',
    '  main 0/5 0/12',
    '    a 3/3 5/5',
    '    other 2/2 7/7',
  ]);
  assert.deepEqual([cut.foldedNodes, cut.foldedValue], [2, 9e7]);
});

test('a side without samples is 0 everywhere; two types are refused', async () => {
  const empty = await server.get<DiffResponse>(API.diff, {
    left: cpuQuery('service_name="nobody"'),
    right: query,
    rightFrom: T0,
  });
  assert.equal(empty.nodes.leftTotal[0], 0);
  assert.equal(empty.nodes.rightTotal[0], 17e7);
  const types = { left: query, right: 'memory:alloc_space:bytes:space:bytes{}' };
  const refusal = await server.refusal(`${API.diff}?${searchOf(types)}`);
  assert.deepEqual([refusal.status, refusal.code], [400, 'PARAMETER_INVALID']);
  assert.match(refusal.message, /one type/);
  const missing = await server.refusal(`${API.diff}?${searchOf({ left: query })}`);
  assert.match(missing.message, /right is missing/);
});

test('the binary form says the same as JSON', async () => {
  const params = { left: query, leftFrom: T0, leftUntil: T0 + HOUR, right: query, rightFrom: T0 };
  const json = await server.get<DiffResponse>(API.diff, params);
  const response = await server.fetch(`${API.diff}?${searchOf(params)}`, {
    headers: { accept: FLAME_CONTENT_TYPE },
  });
  assert.equal(response.headers.get('content-type'), FLAME_CONTENT_TYPE);
  assert.equal(response.headers.get('vary'), 'accept');
  const { meta, tree } = decodeFlameDiff(new Uint8Array(await response.arrayBuffer()));
  const binary: DiffResponse = { ...meta, ...diffToJson(tree) };
  assert.deepEqual(draw(binary), draw(json));
  const { frames: _frames, nodes: _nodes, ...jsonMeta } = json;
  assert.deepEqual(meta, { ...jsonMeta, right: meta.right });
});
