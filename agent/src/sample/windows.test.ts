import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sampler, WindowColumns } from './native.ts';
import { sampledWindows } from './windows.ts';

const failure = (code: string, message: string) => Object.assign(new Error(message), { code });

/** A sampler whose drains fail in turn with these errors, then stops the loop. */
function failing(errors: Error[]) {
  const stop = new AbortController();
  const sampler = {
    drain: async () => {
      const error = errors.shift();
      if (error) throw error;
      stop.abort();
    },
    stop: async () => undefined,
    takeWindow: async () => ({}) as WindowColumns,
  } as unknown as Sampler;
  const said: string[] = [];
  const windows = sampledWindows(sampler, stop.signal, 99, {
    pace: () => ({ frequencyHz: 99, trim: false }),
    paceChanged: () => assert.fail('nothing was to change'),
    trouble: (reason) => said.push(reason),
  });
  return { windows, said };
}

test('a drain that fails is said once and tried again; the window goes on', async () => {
  const { windows, said } = failing([
    failure('BUNSEN_DRAIN', 'the kernel was busy'),
    failure('BUNSEN_DRAIN', 'the kernel was busy'),
    failure('BUNSEN_BPF_ATTACH', 'CPU 3'),
  ]);
  let count = 0;
  for await (const _ of windows) count++;
  assert.deepEqual(said, ['the kernel was busy', 'CPU 3']);
  assert.ok(count >= 1);
});

test('any other error of the sampler ends it', async () => {
  const { windows } = failing([failure('BUNSEN_INTERNAL', 'no memory')]);
  await assert.rejects(async () => {
    for await (const _ of windows);
  }, /no memory/);
});

test('a window holds samples of one frequency; one that could not be changed stays', async (t) => {
  let nowMs = 14_999; // a millisecond before a window ends, and so again after each drain
  t.mock.method(Date, 'now', () => nowMs);
  const stop = new AbortController();
  const failures = [failure('BUNSEN_DRAIN', 'busy')];
  const calls: string[] = [];
  const sampler = {
    drain: async () => {
      nowMs += 15_000;
    },
    setFrequency: async (hz: number) => {
      calls.push(`set ${hz}`);
      const error = failures.shift();
      if (error) throw error;
    },
    stop: async () => undefined,
    takeWindow: async (trim = false) => {
      calls.push(trim ? 'take, trim' : 'take');
      return {} as WindowColumns;
    },
  } as unknown as Sampler;
  const changed: number[] = [];
  const windows = sampledWindows(sampler, stop.signal, 99, {
    pace: () => ({ frequencyHz: 47, trim: true, reason: 'memory' }),
    paceChanged: (pace, fromMs) => changed.push(pace.frequencyHz, fromMs),
    trouble: () => undefined,
  });
  const frequencies: number[] = [];
  for await (const window of windows) {
    frequencies.push(window.frequencyHz);
    if (frequencies.length === 3) stop.abort();
  }
  assert.deepEqual(frequencies, [99, 99, 47, 47]);
  assert.deepEqual(changed, [47, 44_999]);
  const first = ['set 47', 'take, trim', 'set 47', 'take, trim'];
  assert.deepEqual(calls, [...first, 'take, trim', 'take'], 'changed, then taken');
});
