import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLOT_MS } from '@bunsen/profile';
import type { TimeRange } from '../time.ts';
import { FUNCTION_ROLLUPS, type MergePlan, planMerge, STACK_ROLLUPS } from './merge-plan.ts';

const HOUR = 3_600_000;
const now = Date.parse('2026-11-21T10:20:00Z');
const at = (text: string) => Date.parse(`2026-11-${text}Z`);

function plan(
  from: string,
  until: string,
  { rollups = STACK_ROLLUPS, open = [] as string[], slotMs = SLOT_MS } = {},
): MergePlan {
  const isOpen = new Set(open);
  return planMerge(
    { fromMs: at(from), untilMs: at(until) },
    {
      rollups,
      slotMs,
      nowMs: now,
      rawMs: 14 * 24 * HOUR,
      status: {
        isSettled: (table, bucketMs) =>
          !isOpen.has(`${table} ${new Date(bucketMs).toISOString().slice(8, 16)}`),
      },
    },
  );
}

/** `samples 21T06:59:45-21T07:00:00`, a line a range, the coarsest table first. */
function draw({ rollups, samples }: MergePlan): string[] {
  const time = (ms: number) => new Date(ms).toISOString().slice(8, 19);
  const line = (table: string) => (range: TimeRange) =>
    `${table} ${time(range.fromMs)}-${time(range.untilMs)}`;
  return [
    ...rollups.flatMap(({ rollup, ranges }) => ranges.map(line(rollup.table))),
    ...samples.map(line('samples')),
  ];
}

test('whole hours come from the rollup, and the edges from the samples', () => {
  assert.deepEqual(draw(plan('21T06:59:50', '21T10:10:01')), [
    'samples_1h 21T07:00:00-21T10:00:00',
    'samples 21T06:59:45-21T07:00:00',
    'samples 21T10:00:00-21T10:10:15',
  ]);
});

test('whole days come from the day, and the hours beside them from the hour', () => {
  assert.deepEqual(draw(plan('18T22:30:00', '21T02:00:00')), [
    'samples_1d 19T00:00:00-21T00:00:00',
    'samples_1h 18T23:00:00-19T00:00:00',
    'samples_1h 21T00:00:00-21T02:00:00',
    'samples 18T22:30:00-18T23:00:00',
  ]);
});

test('hours that are whole need no samples; parts of an hour need no rollup', () => {
  assert.deepEqual(plan('21T07:00:00', '21T09:00:00').samples, []);
  const part = plan('21T07:10:00', '21T08:50:00');
  assert.deepEqual([part.rollups, part.samples], [[], [part.range]]);
});

test('what is not up to date is read from the next finer table', () => {
  const open = ['samples_1d 20T00:00', 'samples_1h 20T05:00', 'samples_1h 20T06:00'];
  assert.deepEqual(draw(plan('19T00:00:00', '21T00:00:00', { open })), [
    'samples_1d 19T00:00:00-20T00:00:00',
    'samples_1h 20T00:00:00-20T05:00:00',
    'samples_1h 20T07:00:00-21T00:00:00',
    'samples 20T05:00:00-20T07:00:00',
  ]);
});

test('functions have minutes as well, and only what is youngest is read from samples', () => {
  const open = [
    'function_hours 21T10:00',
    'function_minutes 21T10:18',
    'function_minutes 21T10:19',
  ];
  const options = { rollups: FUNCTION_ROLLUPS, open, slotMs: 60_000 };
  assert.deepEqual(draw(plan('21T08:58:30', '21T10:20:00', options)), [
    'function_hours 21T09:00:00-21T10:00:00',
    'function_minutes 21T08:58:00-21T09:00:00',
    'function_minutes 21T10:00:00-21T10:18:00',
    'samples 21T10:18:00-21T10:20:00',
  ]);
});

test('series are told apart by samples alone', () => {
  const byPod = plan('21T01:00:00', '21T09:00:00', { rollups: [] });
  assert.deepEqual(draw(byPod), ['samples 21T01:00:00-21T09:00:00']);
});

test('where samples have expired, the edge is widened to the hour', () => {
  const old = plan('01T10:20:00', '21T10:00:00');
  assert.equal(old.range.fromMs % HOUR, 0);
  assert.deepEqual(old.samples, []);
});
