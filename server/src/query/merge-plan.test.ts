import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planMerge } from './merge-plan.ts';

const HOUR = 3_600_000;
const now = Date.parse('2026-11-21T10:20:00Z');
const at = (text: string) => Date.parse(`2026-11-${text}Z`);

test('whole hours come from the rollup, and the edges from the samples', () => {
  const plan = planMerge({ fromMs: at('21T06:59:50'), untilMs: at('21T10:10:01') }, false, now);
  assert.deepEqual(plan, {
    range: { fromMs: at('21T06:59:45'), untilMs: at('21T10:10:15') },
    hours: { fromMs: at('21T07:00:00'), untilMs: at('21T10:00:00') },
    edges: [
      { fromMs: at('21T06:59:45'), untilMs: at('21T07:00:00') },
      { fromMs: at('21T10:00:00'), untilMs: at('21T10:10:15') },
    ],
  });
});

test('hours that are whole need no samples; parts of an hour need no rollup', () => {
  const whole = planMerge({ fromMs: at('21T07:00:00'), untilMs: at('21T09:00:00') }, false, now);
  assert.deepEqual(whole.edges, []);
  const part = planMerge({ fromMs: at('21T07:10:00'), untilMs: at('21T08:50:00') }, false, now);
  assert.equal(part.hours, undefined);
  assert.deepEqual(part.edges, [part.range]);
});

test('series are told apart by samples alone', () => {
  const plan = planMerge({ fromMs: at('21T01:00:00'), untilMs: at('21T09:00:00') }, true, now);
  assert.equal(plan.hours, undefined);
  assert.deepEqual(plan.edges, [{ fromMs: at('21T01:00:00'), untilMs: at('21T09:00:00') }]);
});

test('where samples have expired, the edge is widened to the hour', () => {
  const plan = planMerge({ fromMs: now - 20 * 24 * HOUR, untilMs: at('21T10:00:00') }, false, now);
  assert.equal(plan.range.fromMs % HOUR, 0);
  assert.deepEqual(plan.edges, []);
});
