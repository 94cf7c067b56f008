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
