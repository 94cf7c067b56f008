import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestFirst } from './use-versions.ts';

test('the newest version is the one that came last; when it began, if that is in sight', () => {
  const series = (version: string, values: (number | null)[]) => ({ labels: { version }, values });
  const answer = {
    fromMs: 100,
    stepMs: 10,
    series: [
      series('1.9', [5, 5, 5]),
      series('2.0-rollback', [null, 0, 7]),
      series('1.10', [5, 1, null]),
      series('', [1, 1, 1]),
      series('never', [null, null, null]),
    ],
  };
  assert.deepEqual(newestFirst(answer, 'version'), [
    { value: '2.0-rollback', fromMs: 120 },
    { value: '1.10', fromMs: null },
    { value: '1.9', fromMs: null },
  ]);
});
