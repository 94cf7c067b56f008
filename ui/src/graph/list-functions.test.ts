import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionTable } from '@bunsen/flame';
import { listFunctions } from './list-functions.ts';

const TABLE: FunctionTable = {
  functions: ['main', 'Parse', 'alloc', 'idle'],
  functionOf: Uint32Array.of(0, 1, 2, 3, 1), // two frames of Parse
  self: Float64Array.of(0, 5, 9, 5),
  total: Float64Array.of(19, 14, 9, 5),
};
const names = (...args: Parameters<typeof listFunctions>) =>
  listFunctions(...args).map((index) => TABLE.functions[index]);

test('by value, equal ones by name', () => {
  assert.deepEqual(names(TABLE, null, 'self', false), ['alloc', 'Parse', 'idle', 'main']);
  assert.deepEqual(names(TABLE, null, 'total', true), ['idle', 'alloc', 'Parse', 'main']);
});

test('by name, whatever its case', () => {
  assert.deepEqual(names(TABLE, null, 'name', true), ['alloc', 'idle', 'main', 'Parse']);
});

test('only functions with a frame that matches', () => {
  assert.deepEqual(names(TABLE, Uint8Array.of(0, 0, 0, 1, 1), 'total', false), ['Parse', 'idle']);
});
