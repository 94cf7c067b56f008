import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Governor } from './governor.ts';

const MB = 1e6;
const cold = () => new Governor({ cpuShare: 0.01, memoryBytes: 100 * MB }, 99);

/** Lets the governor judge so many windows, and takes on each frequency that it asks for. */
function run(governor: Governor, count: number, cpu: (hz: number) => number, mb = 50): string[] {
  return Array.from({ length: count }, () => {
    const cpuShare = cpu(governor.frequencyHz);
    const pace = governor.judge({ cpuShare, memoryBytes: mb * MB });
    const { frequencyHz, reason, trim } = pace;
    if (reason) governor.changed(pace);
    return `${frequencyHz}${reason ? ` ${reason}` : ''}${trim ? ' trim' : ''}`;
  });
}

/** One that has read the host's files. */
function warm(): Governor {
  const governor = cold();
  run(governor, 2, () => 0.005);
  return governor;
}

test('the first windows, in which the files of the host are read, are not judged', () => {
  const governor = cold();
  run(governor, 2, () => 0.5);
  assert.equal(governor.cost, undefined);
  const after = run(governor, 9, () => 0.005);
  assert.deepEqual(new Set(after), new Set(['99']));
});

test('above the budget in the mean of two windows: lowered in proportion, to a prime', () => {
  const governor = warm();
  const share = (hz: number) => (0.016 * hz) / 99;
  assert.deepEqual(run(governor, 3, share), ['99', '47 cpu', '47']);
  assert.equal(governor.changes.cpu, 1);
  assert.deepEqual(run(governor, 20, share).at(-1), '47', 'and stays there: no see-saw');
});

test('one expensive window between cheap ones changes nothing', () => {
  const governor = warm();
  const costs = [0.005, 0.012, 0.005, 0.005];
  const paces = run(governor, 4, () => costs.shift() as number);
  assert.deepEqual(new Set(paces), new Set(['99']));
});

test('far above it falls by a factor of four a step, and ends at 1 Hz', () => {
  const paces = run(warm(), 12, () => 0.2);
  const steps = paces.filter((pace) => pace.includes('cpu'));
  assert.deepEqual(steps, ['23 cpu', '5 cpu', '1 cpu']);
});

test('raised again after four cheap windows, step by step, up to what was configured', () => {
  const governor = warm();
  run(governor, 2, () => 0.04);
  assert.equal(governor.frequencyHz, 23);
  const paces = run(governor, 12, (hz) => (0.004 * hz) / 23 / 4);
  const steps = paces.filter((_, window) => window % 4 === 3);
  assert.deepEqual(steps, ['43 room', '83 room', '99 room']);
});

test('too much memory: half the frequency, and what can be read again is given up', () => {
  const governor = warm();
  assert.deepEqual(
    run(governor, 2, () => 0.001, 120),
    ['99', '47 memory trim'],
  );
  const after = run(governor, 8, () => 0.001, 90);
  assert.deepEqual(new Set(after), new Set(['47']), 'not raised while little is free');
});
