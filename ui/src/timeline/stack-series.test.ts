import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesResponse } from '@bunsen/profile';
import { stackSeries } from './stack-series.ts';

const answer = (rows: Record<string, (number | null)[]>): SeriesResponse => ({
  unit: 'nanoseconds',
  fromMs: 0,
  untilMs: 30_000,
  stepMs: 15_000,
  series: Object.entries(rows).map(([service_name, values]) => ({
    labels: { service_name },
    values,
  })),
  warnings: [],
});

test('CPU time becomes cores, stacked on what is below', () => {
  const data = stackSeries(answer({ a: [30e9, 15e9], b: [15e9, null] }), 'service_name', 6);
  assert.equal(data.unit, 'cores');
  assert.deepEqual(data.names, ['a', 'b']);
  assert.deepEqual(data.timesS, [0, 15]);
  assert.deepEqual(data.values, [
    [2, 1],
    [1, null],
  ]);
  assert.deepEqual(data.stacked, [
    [2, 1],
    [3, 1],
  ]);
});

test('what comes after the limit is summed up', () => {
  const data = stackSeries(
    answer({ a: [15e9, 0], b: [15e9, null], c: [30e9, null] }),
    'service_name',
    1,
  );
  assert.deepEqual(data.names, ['a', '2 more']);
  assert.deepEqual(data.values[1], [3, null]);
});

test('an empty answer still has its times', () => {
  const data = stackSeries(answer({}), 'service_name', 6);
  assert.deepEqual(data.names, []);
  assert.deepEqual(data.timesS, [0, 15]);
});
