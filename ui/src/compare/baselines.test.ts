import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SideState } from '../url/compare-state.ts';
import { isSameSide, labelBaseline, timeBaselines } from './baselines.ts';

const NOW = Date.UTC(2026, 10, 21, 9, 30);
const LAST_HALF_HOUR: SideState = { service: 'api', filters: [], from: 'now-30m', until: 'now' };

test('B against itself before', () => {
  const choices = timeBaselines(LAST_HALF_HOUR, NOW);
  assert.deepEqual(
    choices.map(({ text, left }) => [text, left.from, left.until]),
    [
      ['Just before', 'now-1h', 'now-30m'],
      ['An hour earlier', 'now-90m', 'now-1h'],
      ['Same time yesterday', 'now-1470m', 'now-1d'],
      ['Same time last week', 'now-10110m', 'now-1w'],
    ],
  );
  for (const { left, right } of choices) {
    assert.equal(left.service, 'api');
    assert.equal(right, LAST_HALF_HOUR);
  }
});

test('what would overlap is not offered', () => {
  const texts = (from: string) =>
    timeBaselines({ ...LAST_HALF_HOUR, from }, NOW).map(({ text }) => text);
  assert.deepEqual(texts('now-1h'), ['Just before', 'Same time yesterday', 'Same time last week']);
  assert.deepEqual(texts('now-30d'), ['Just before']);
  assert.deepEqual(texts('someday'), []);
});

test('one value of a label against another, over the time of both sides', () => {
  const right: SideState = {
    ...LAST_HALF_HOUR,
    filters: [
      { name: 'version', operator: '=~', value: '.*' },
      { name: 'zone', operator: '=', value: 'eu' },
    ],
  };
  const left = { ...right, from: 'now-1h', until: 'now-30m' };
  const values = { left: '1.9', right: '1.10' };
  const choice = labelBaseline({ left, right }, 'version', values, NOW);
  assert.equal(choice.text, 'version 1.9 → 1.10');
  const zone = { name: 'zone', operator: '=', value: 'eu' };
  assert.deepEqual(choice.left.filters, [zone, { name: 'version', operator: '=', value: '1.9' }]);
  assert.deepEqual(choice.right.filters[1], { name: 'version', operator: '=', value: '1.10' });
  for (const side of [choice.left, choice.right]) {
    assert.deepEqual([side.service, side.from, side.until], ['api', 'now-1h', 'now']);
  }
});

test('one service against another', () => {
  const sides = { left: LAST_HALF_HOUR, right: LAST_HALF_HOUR };
  const values = { left: 'web', right: 'api' };
  const choice = labelBaseline(sides, 'service_name', values, NOW);
  assert.deepEqual([choice.left.service, choice.right.service], ['web', 'api']);
  assert.deepEqual(choice.left.filters, []);
});

test('sides that select the same, however their times are written', () => {
  const same = { ...LAST_HALF_HOUR, from: 'now-1800s' };
  assert.equal(isSameSide(LAST_HALF_HOUR, same, NOW), true);
  assert.equal(isSameSide(LAST_HALF_HOUR, { ...same, service: 'web' }, NOW), false);
  assert.equal(isSameSide(LAST_HALF_HOUR, { ...same, from: 'now-1h' }, NOW), false);
});
