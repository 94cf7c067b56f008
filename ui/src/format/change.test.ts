import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relativeChange } from './change.ts';

test('changes relative to what was', () => {
  assert.equal(relativeChange(0, 0), '');
  assert.equal(relativeChange(0, 1), 'new');
  assert.equal(relativeChange(1, 0), 'gone');
  assert.equal(relativeChange(100, 112), '+12 %');
  assert.equal(relativeChange(100, 55), '−45 %');
  assert.equal(relativeChange(1000, 1001), '±0 %');
  assert.equal(relativeChange(1, 3.42), '×3.4');
  assert.equal(relativeChange(1, 120), '×120');
});
