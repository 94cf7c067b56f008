import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestFirst } from './use-versions.ts';

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
