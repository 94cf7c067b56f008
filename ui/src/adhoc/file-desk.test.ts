import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCallTree, encodeFlame, parseFolded } from '@bunsen/profile';
import { FileDesk } from './file-desk.ts';
import { formatFileRef, parseFileRef } from './file-ref.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

test('a file is known by what it holds, and drawn until it is closed', async () => {
  const desk = new FileDesk();
  const opened = await desk.open('a.txt', bytesOf('main;a 3\nmain;b 1'), 1000);
  assert.deepEqual(opened.profiles, [{ name: 'samples', unit: 'count', total: 4 }]);
  const again = await desk.open('copy.txt', bytesOf('main;a 3\nmain;b 1'), 2000);
  assert.equal(again.id, opened.id);
  assert.notEqual((await desk.open('b', bytesOf('main;a 3\nmain;b 2'), 0)).id, opened.id);

  const { layout, meta } = desk.flame({ id: opened.id, profile: 0 });
  assert.equal(layout.tree.total[0], 4);
  assert.equal(meta.unit, 'count');
  assert.equal(meta.fromMs, meta.untilMs); // it does not say how long it took
  desk.close(opened.id);
  assert.throws(() => desk.flame({ id: opened.id, profile: 0 }), /is not open/);
});

test('a file against another, and against what the server has', async () => {
  const desk = new FileDesk();
  const a = await desk.open('a', bytesOf('main;a 3\nmain;b 1'), 0);
  const b = await desk.open('b', bytesOf('main;b 5\nmain;b;c 2'), 0);
  const source = { id: b.id, profile: 0 };
  const shape = ({ tree }: ReturnType<typeof desk.diff>) =>
    Array.from(tree.frame, (frame, node) => [
      tree.frames[frame] ?? 'all',
      tree.left.total[node],
      tree.right.total[node],
    ]);
  const expected = [
    ['all', 4, 7],
    ['main', 4, 7],
    ['a', 3, 0],
    ['b', 1, 7],
    ['c', 0, 2],
  ];
  assert.deepEqual(shape(desk.diff({ id: a.id, profile: 0 }, source)), expected);

  const { values, ...stacks } = parseFolded('main;a 3\nmain;b 1');
  const meta = {
    profileType: 'x:x:count::',
    unit: 'count',
    fromMs: 0,
    untilMs: 9000,
    foldedNodes: 0,
    foldedValue: 0,
    warnings: ['from the server'],
  };
  const flame = encodeFlame({ tree: buildCallTree(stacks, Array.from(values, Number)), meta });
  const live = desk.diff({ flame }, source);
  assert.deepEqual(shape(live), expected);
  assert.deepEqual(live.meta.left, { fromMs: 0, untilMs: 9000 });
  assert.deepEqual(live.meta.warnings, ['from the server']);
});

test('the URL says which of a file’s values', () => {
  const id = '00ff00ff00ff00ff';
  for (const profile of [0, 3]) {
    assert.deepEqual(parseFileRef(formatFileRef({ id, profile })), { id, profile });
  }
  for (const text of ['', 'live', '../x', `${id}.`, `${id}.-1`]) {
    assert.equal(parseFileRef(text), null);
  }
});
