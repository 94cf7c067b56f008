import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  coresOf,
  formatAge,
  formatCores,
  formatCost,
  formatCount,
  formatMoney,
  formatShare,
  formatValue,
  hasCores,
  profileTypeName,
} from './value.ts';

test('values in their unit, to three digits', () => {
  assert.equal(formatValue(0, 'nanoseconds'), '0 ns');
  assert.equal(formatValue(999_600, 'nanoseconds'), '1.00 ms');
  assert.equal(formatValue(10_101_010, 'nanoseconds'), '10.1 ms');
  assert.equal(formatValue(2 ** 53, 'nanoseconds'), '104 d');
  assert.equal(formatValue(-1500, 'nanoseconds'), '−1.50 µs');
  assert.equal(formatValue(2 ** 63, 'nanoseconds'), '292 y');
  assert.equal(formatValue(2 ** 64, 'count'), '18.4 E');
  assert.equal(formatValue(2 ** 63, 'bytes'), '8.00 EiB');
  assert.equal(formatValue(12 * 2 ** 20, 'bytes'), '12.0 MiB');
  assert.equal(formatValue(1020, 'count'), '1.02 k');
  assert.equal(formatValue(7, 'objects'), '7.00 objects');
});

test('CPU time over a range is a number of cores', () => {
  const range = { fromMs: 0, untilMs: 30_000 };
  assert.equal(coresOf(60e9, range), 2);
  assert.equal(formatCores(2), '2.00 cores');
  assert.equal(formatCores(1), '1.00 core');
  assert.equal(formatCores(0.0001), '<0.001 cores');
});

test('shares', () => {
  assert.equal(formatShare(0), '0 %');
  assert.equal(formatShare(0.00001), '<0.01 %');
  assert.equal(formatShare(0.00081), '0.08 %');
  assert.equal(formatShare(0.4213), '42.1 %');
  assert.equal(formatShare(1), '100 %');
  assert.equal(formatShare(-0.545), '−54.5 %');
  assert.equal(formatShare(-0.00001), '>−0.01 %');
});

test('counts, ages and names of profile types', () => {
  assert.equal(formatCount(1234567), '1\u202f234\u202f567');
  assert.equal(formatAge(12_400), '12 s ago');
  assert.equal(formatAge(3 * 60_000), '3 min ago');
  assert.equal(profileTypeName('process_cpu:cpu:nanoseconds:cpu:nanoseconds'), 'CPU');
  assert.equal(
    profileTypeName('memory:alloc_space:bytes:space:bytes'),
    'memory: alloc_space (bytes)',
  );
});

test('money of a month, and no cores where it is not known how long something took', () => {
  assert.equal(formatMoney(2, 0.05, '$'), '$\u202f73.00');
  assert.equal(formatMoney(100, 0.05, ''), '3\u202f650');
  const at = { fromMs: 5, untilMs: 5 };
  assert.equal(hasCores('nanoseconds', at), false);
  assert.equal(formatCost(3e9, 'nanoseconds', at), '3.00 s');
  assert.equal(formatCost(3e9, 'nanoseconds', { fromMs: 0, untilMs: 1000 }), '3.00 cores');
});
