import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesResponse } from '@bunsen/profile';
import { filtersOfValues } from './box-filters.ts';
import { boxOf, cellsBetween, heatGrid, MAX_ROWS, piecesOf, wholeRange } from './heat-grid.ts';

const answer = (rows: Record<string, (number | null)[]>): SeriesResponse => ({
  unit: 'nanoseconds',
  fromMs: 60_000,
  untilMs: 105_000,
  stepMs: 15_000,
  series: Object.entries(rows).map(([host, values]) => ({ labels: { host }, values })),
  warnings: [],
});

test('CPU time becomes cores; a step that reaches past the range is of what it has of it', () => {
  const grid = heatGrid(answer({ a: [30e9, null, 10e9] }), 'host', 95_000);
  assert.equal(grid.unit, 'cores');
  assert.equal(grid.steps, 3);
  assert.deepEqual([...(grid.rows[0]?.cells ?? [])], [2, Number.NaN, 2]);
  assert.equal(grid.most, 2);
});

test('one spike leaves the rest to be seen', () => {
  const values = new Array(200).fill(15e9);
  values[7] = 15e11;
  const response = { ...answer({ a: values }), untilMs: 60_000 + 200 * 15_000 };
  assert.equal(heatGrid(response, 'host', Number.MAX_SAFE_INTEGER).most, 1);
});

test('the largest rows are shown, and how many are not', () => {
  const many = Object.fromEntries(Array.from({ length: MAX_ROWS + 3 }, (_, i) => [`h${i}`, [1]]));
  const grid = heatGrid(answer(many), 'host', 105_000);
  assert.equal(grid.rows.length, MAX_ROWS);
  assert.equal(grid.hidden, 3);
});

test('a rectangle is between any two of its corners, and comes back as it was', () => {
  const grid = heatGrid(answer({ a: [1, 1, 1], b: [1, 1, 1], c: [1, 1, 1] }), 'host', 105_000);
  const cells = cellsBetween({ step: 2, row: 1 }, { step: 1, row: 0 });
  const box = boxOf(grid, cells);
  assert.deepEqual(box, { fromMs: 75_000, untilMs: 105_000, values: ['a', 'b'] });
  assert.deepEqual(piecesOf(grid, box), [cells]);
  // Rows that have changed places are two pieces of it.
  const moved = heatGrid(answer({ a: [1, 1, 1], c: [1, 1, 1], b: [1, 1, 1] }), 'host', 105_000);
  assert.deepEqual(
    piecesOf(moved, box).map(({ fromRow, untilRow }) => [fromRow, untilRow]),
    [
      [0, 1],
      [2, 3],
    ],
  );
});

test('what is out of sight is not drawn, and still part of the whole', () => {
  const grid = heatGrid(answer({ a: [1, 1, 1] }), 'host', 105_000);
  const box = { fromMs: 0, untilMs: 60_000, values: ['a'] };
  assert.deepEqual(piecesOf(grid, box), []);
  assert.deepEqual(wholeRange(grid, box), { fromMs: 0, untilMs: 105_000 });
});

test('several values are one expression, in which no character of a value means anything', () => {
  assert.deepEqual(filtersOfValues('host', ['a'], '!='), [
    { name: 'host', operator: '!=', value: 'a' },
  ]);
  const [matcher] = filtersOfValues('host', ['a.b', '', 'c|d'], '=');
  assert.equal(matcher?.operator, '=~');
  const pattern = new RegExp(`^(?:${matcher?.value})$`);
  for (const value of ['a.b', '', 'c|d']) assert.match(value, pattern);
  for (const value of ['aXb', 'c', 'd']) assert.doesNotMatch(value, pattern);
});
