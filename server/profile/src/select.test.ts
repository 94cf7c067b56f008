import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countingSort, nthLargest } from './select.ts';

function sequence(length: number, value: (i: number) => number): Float64Array {
  return Float64Array.from({ length }, (_, i) => value(i));
}

const inputs: [string, Float64Array][] = [
  ['one', Float64Array.of(5)],
  ['all equal', sequence(1000, () => 7)],
  ['ascending', sequence(1000, (i) => i)],
  ['descending', sequence(1000, (i) => -i)],
  ['two values', sequence(1001, (i) => i % 2)],
  ['few values, past 2^32', sequence(5000, (i) => (Math.imul(i, 2654435761) >>> 29) * 2 ** 33)],
  ['many values', sequence(5000, (i) => Math.imul(i, 2654435761) >>> 0)],
];

for (const [name, values] of inputs) {
  test(`the n-th largest is that of the sorted values: ${name}`, () => {
    const before = values.slice();
    for (const most of [1, 3]) {
      const counts = Uint32Array.from(values, (_, i) => 1 + ((i * 7) % most));
      const sorted = [...values]
        .flatMap((value, i) => Array<number>(counts[i] as number).fill(value))
        .sort((a, b) => b - a);
      const { length } = sorted;
      for (const n of new Set([1, 2, length >> 1, length - 1, length])) {
        if (n < 1 || n > length) continue;
        assert.equal(nthLargest(values, counts, n), sorted[n - 1], `n = ${n}`);
      }
    }
    assert.deepEqual(values, before);
  });
}

test('a million equal values take no longer than a million different ones would', () => {
  // Were equal values put on one side of the pivot, this would be 10^12 steps.
  const counts = new Uint32Array(1_000_000).fill(1);
  assert.equal(nthLargest(new Float64Array(1_000_000).fill(3), counts, 500_000), 3);
});

test('items of equal keys keep their order', () => {
  const keys = Uint32Array.of(2, 0, 1, 0, 2, 1);
  const sorted = countingSort(Uint32Array.of(5, 4, 3, 2, 1, 0), 3, keys);
  assert.deepEqual([...sorted], [3, 1, 5, 2, 4, 0]);
});
