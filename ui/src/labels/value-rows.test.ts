import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesResponse } from '@bunsen/profile';
import { sharedScale, valueRows } from './value-rows.ts';

const series = (rows: Record<string, (number | null)[]>): SeriesResponse => ({
  unit: 'nanoseconds',
  fromMs: 0,
  untilMs: 30_000,
  stepMs: 15_000,
  series: Object.entries(rows).map(([pod, values]) => ({ labels: { pod }, values })),
  warnings: [],
});
const value = (name: string, distance: number, chance: number) => ({
  value: name,
  total: 1,
  distance,
  chance,
  functions: [],
});

test('values have their series, and are unlike only beyond what chance does', () => {
  const differences = {
    profileType: '',
    label: 'pod',
    unit: 'nanoseconds',
    fromMs: 0,
    untilMs: 1,
    total: 3,
    values: [value('a', 0.5, 0.1), value('', 0.1, 0.06), value('new', 0.1, 0)],
    warnings: [],
  };
  const rows = valueRows(differences, series({ a: [1, 2], '': [3, null] }));
  assert.deepEqual(
    rows.map((row) => [row.value, row.isUnlike, row.series]),
    [
      ['a', true, [1, 2]],
      ['', false, [3, null]],
      ['new', true, undefined],
    ],
  );
});

test('small charts share their scale, and an average of what is there', () => {
  const scale = sharedScale(series({ a: [4, null, null], b: [2, 3, null] }));
  assert.deepEqual(scale, { most: 4, average: [3, 3, null] });
  assert.deepEqual(sharedScale(series({})), { most: 0, average: [] });
});
