import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenSet } from './seen-set.ts';

test('what was added is seen, also through shared memory; what was not is never', () => {
  const set = new SeenSet(1024);
  for (let key = 1n; key <= 500n; key++) set.add((key * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn);
  const shared = new SeenSet(set.buffer);
  for (let key = 501n; key <= 5000n; key++) {
    assert.equal(shared.has((key * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn), false);
  }
  assert.ok(shared.has(0x9e3779b97f4a7c15n));
});

test('a full set forgets old keys and keeps the newest', () => {
  const set = new SeenSet(64);
  for (let key = 1n; key <= 10_000n; key++) {
    set.add(key);
    assert.ok(set.has(key));
  }
});
