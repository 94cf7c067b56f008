import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashTexts, StackHasher } from './content-hash.ts';

test('where one text ends matters', () => {
  assert.notEqual(hashTexts(['ab', 'c']), hashTexts(['a', 'bc']));
  assert.notEqual(hashTexts(['1:a']), hashTexts(['a', '']));
  assert.equal(hashTexts(['a', 'b']), hashTexts(['a', 'b']));
});

test('a stack has the same hash whatever other frames its profile has', () => {
  const a = new StackHasher(['main', 'f', 'g']);
  const b = new StackHasher(['x', 'g', 'main', 'f']);
  assert.equal(a.hash(Uint32Array.of(0, 1, 2)), b.hash(Uint32Array.of(2, 3, 1)));
  assert.notEqual(a.hash(Uint32Array.of(0, 1, 2)), a.hash(Uint32Array.of(0, 2, 1)));
  assert.notEqual(a.hash(Uint32Array.of()), a.hash(Uint32Array.of(0)));
  assert.equal(typeof a.hash(new Uint32Array(5000)), 'bigint');
});
