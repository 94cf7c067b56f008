import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCallTree, formatFrame, nameOfFrame } from '@bunsen/profile';
import { functionTable } from './function-table.ts';
import { textTree } from './text-tree.ts';

function rows(text: string): Record<string, [self: number, total: number]> {
  const { functions, self, total } = functionTable(textTree(text));
  return Object.fromEntries(
    functions.map((fn, i) => [nameOfFrame(fn), [self[i] as number, total[i] as number]]),
  );
}

test('self and total of each function', () => {
  assert.deepEqual(rows('main;parse 3\nmain;send 4\nmain 1'), {
    main: [1, 8],
    parse: [3, 3],
    send: [4, 4],
  });
});

test('a function that recurs counts once per stack, directly and through others', () => {
  assert.deepEqual(rows('walk;walk;walk 5\nwalk;visit;walk 2\nvisit;walk 1'), {
    walk: [8, 8],
    visit: [0, 3],
  });
});

test('a sibling of a recursion counts on its own', () => {
  assert.deepEqual(rows('a;b;a 1\na;c 2\nc;a 4'), { a: [5, 7], b: [0, 1], c: [2, 6] });
});

test('lines of one function are one row; its namesake in another module is not', () => {
  const frames = [
    formatFrame({ name: 'read', module: 'libc', file: 'read.c', line: 10 }),
    formatFrame({ name: 'read', module: 'libc', file: 'read.c', line: 12 }),
    formatFrame({ name: 'read', module: 'app' }),
  ];
  const tree = buildCallTree(
    { frames, stackOffsets: Uint32Array.of(0, 2, 3), stackFrames: Uint32Array.of(0, 1, 2) },
    [7, 1],
  );
  const { functions, functionOf, self, total } = functionTable(tree);
  assert.deepEqual(functions.length, 2);
  assert.equal(new Set(functionOf).size, 2);
  assert.deepEqual(functions.map((fn, i) => [fn.split('\x1f')[1], self[i], total[i]]).sort(), [
    ['app', 1, 1],
    ['libc', 7, 7],
  ]);
});
