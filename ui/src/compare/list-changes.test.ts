import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiffTable } from '@bunsen/flame';
import { changesOf, markedFunctions, sortChanges } from './list-changes.ts';

const TABLE: DiffTable = {
  functions: ['main', 'Parse', 'alloc', 'old', 'fresh', 'idle'],
  functionOf: Uint32Array.of(0, 1, 2, 3, 4, 5, 1), // two frames of Parse
  left: {
    self: Float64Array.of(0, 50, 30, 20, 0, 0),
    total: Float64Array.of(100, 50, 30, 20, 0, 4),
  },
  right: {
    self: Float64Array.of(0, 60, 100, 0, 40, 0),
    total: Float64Array.of(200, 60, 100, 0, 40, 8),
  },
};
const BY_SHARE = { left: 1 / 100, right: 1 / 200 };
const names = (list: { fn: string }[]) => list.map(({ fn }) => fn);

test('what became of every function', () => {
  const kinds = changesOf(TABLE, 'self', BY_SHARE).map(({ fn, kind }) => [fn, kind]);
  assert.deepEqual(kinds, [
    ['Parse', 'less'],
    ['alloc', 'more'],
    ['old', 'gone'],
    ['fresh', 'new'],
  ]);
  const inAll = changesOf(TABLE, 'total', { left: 1, right: 1 });
  assert.equal(inAll.find(({ fn }) => fn === 'Parse')?.kind, 'more');
  assert.equal(inAll.find(({ fn }) => fn === 'idle')?.change, 4);
  const same = changesOf(TABLE, 'total', BY_SHARE).find(({ fn }) => fn === 'idle');
  assert.equal(same?.kind, 'same');
});

test('a function whose own samples are new is not new if it stood in stacks before', () => {
  const table = structuredClone(TABLE);
  table.right.self[5] = 3;
  assert.equal(changesOf(table, 'self', BY_SHARE).find(({ fn }) => fn === 'idle')?.kind, 'more');
});

test('the largest change first, whatever its sign; equal ones by name', () => {
  const changes = changesOf(TABLE, 'self', BY_SHARE); // -0.2, +0.2, -0.2, +0.2
  assert.deepEqual(names(sortChanges(changes, 'change', false)), [
    'Parse',
    'alloc',
    'fresh',
    'old',
  ]);
  assert.deepEqual(names(sortChanges(changes, 'right', true)), ['old', 'fresh', 'Parse', 'alloc']);
  assert.deepEqual(names(sortChanges(changes, 'name', true)), ['alloc', 'fresh', 'old', 'Parse']);
});

test('functions that a search found, by any of their frames', () => {
  assert.deepEqual(
    [...markedFunctions(TABLE, Uint8Array.of(0, 0, 0, 1, 0, 0, 1))],
    ['old', 'Parse'],
  );
});
