import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SideState } from '../url/compare-state.ts';
import { labelBaseline, newestFirst, timeBaselines } from './baselines.ts';

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

test('the newest version is the one that came last', () => {
  const series = (version: string, values: (number | null)[]) => ({ labels: { version }, values });
  const answer = {
    unit: 'nanoseconds',
    fromMs: 0,
    untilMs: 3,
    stepMs: 1,
    series: [
      series('1.9', [5, 5, 5]),
      series('2.0-rollback', [null, 0, 7]),
      series('1.10', [5, 1, null]),
      series('', [1, 1, 1]),
      series('never', [null, null, null]),
    ],
    warnings: [],
  };
  assert.deepEqual(newestFirst(answer, 'version'), ['2.0-rollback', '1.10', '1.9']);
});
