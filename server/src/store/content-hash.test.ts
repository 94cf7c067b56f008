import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFolded } from '@bunsen/profile';
import { hashStacks, hashTexts } from './content-hash.ts';

test('where one text ends matters', () => {
  assert.notEqual(hashTexts(['ab', 'c']), hashTexts(['a', 'bc']));
  assert.notEqual(hashTexts(['a']), hashTexts(['a', '']));
  assert.equal(hashTexts(['ab', 'c']), hashTexts(['ab', 'c']));
});

/** Hashes of stacks that are drawn as folded text. */
function hashesOf(...stacks: string[]): bigint[] {
  return [...hashStacks(parseFolded(stacks.map((stack) => `${stack} 1`).join('\n')))];
}

test('a stack has the same hash whatever other frames its profile has', () => {
  const [stack] = hashesOf('main;f');
  assert.equal(hashesOf('x;g', 'f;x', 'main;f')[2], stack);
  // It is stored: another version of the server must get the same.
  assert.equal(stack, 8700016340441213717n);
});

test('order, repetition, borders and length of frames matter', () => {
  const stacks = ['a;b', 'b;a', 'a', 'a;a', 'a;a;a', 'ab', 'a;b;a', 'aa', 'é;b', 'a;b\u0100'];
  const hashes = hashesOf(...stacks);
  assert.equal(new Set(hashes).size, stacks.length);
  assert.ok(!hashes.includes(0n));
});

test('half a million similar stacks: no collision, and each half is as good as random', () => {
  const frames = Array.from({ length: 1000 }, (_, i) => `ns::Module${i % 10}::f${i}`);
  const count = 500_000;
  const stackOffsets = Uint32Array.from({ length: count + 1 }, (_, i) => i * 3);
  const stackFrames = Uint32Array.from({ length: count * 3 }, (_, at) => {
    const stack = Math.floor(at / 3);
    return [stack % 1000, Math.floor(stack / 1000), (stack * 7) % 1000][at % 3] as number;
  });
  const hashes = hashStacks({ frames, stackOffsets, stackFrames });
  assert.equal(new Set(hashes).size, count);
  const halves = new Uint32Array(hashes.buffer);
  for (const half of [0, 1]) {
    const values = new Set(halves.filter((_, i) => i % 2 === half));
    // Of n random numbers of 32 bits, n² / 2³³ are expected to have occurred before: 29.
    assert.ok(count - values.size < 60, `${count - values.size} collisions`);
  }
});
