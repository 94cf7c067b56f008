import assert from 'node:assert/strict';
import { test } from 'node:test';
import { panSpan, spanBetween, zoomSpan } from './view-motion.ts';

test('a zoom begins and ends where it should, and goes one way only', () => {
  const [start, end] = [
    { from: 0, until: 1e12 },
    { from: 4e11, until: 4e11 + 10 },
  ];
  assert.ok(Math.abs(spanBetween(start, end, 0).until - 1e12) < 1);
  assert.deepEqual(spanBetween(start, end, 1), end);
  let width = Number.POSITIVE_INFINITY;
  for (let progress = 0; progress <= 1; progress += 0.1) {
    const span = spanBetween(start, end, progress);
    assert.ok(span.until - span.from < width);
    assert.ok(span.from <= end.from + 1 && span.until >= end.until - 1);
    width = span.until - span.from;
  }
});

test('a pan of equal width moves', () => {
  const span = spanBetween({ from: 0, until: 10 }, { from: 20, until: 30 }, 0.5);
  assert.ok(span.from > 0 && span.from < 20);
  assert.ok(Math.abs(span.until - span.from - 10) < 1e-9);
});

test('zooming keeps the point under the pointer, and stays inside', () => {
  assert.deepEqual(zoomSpan({ from: 0, until: 100 }, 0.5, 0.5, 100), { from: 25, until: 75 });
  assert.deepEqual(zoomSpan({ from: 0, until: 50 }, 4, 0.5, 100), { from: 0, until: 100 });
  const { from, until } = zoomSpan({ from: 0, until: 100 }, 1e-30, 0, 100);
  assert.ok(until > from);
});

test('panning stops at the ends', () => {
  assert.deepEqual(panSpan({ from: 10, until: 20 }, -50, 100), { from: 0, until: 10 });
  assert.deepEqual(panSpan({ from: 10, until: 20 }, 500, 100), { from: 90, until: 100 });
});
