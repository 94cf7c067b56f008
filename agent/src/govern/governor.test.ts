import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Governor } from './governor.ts';

const MB = 1e6;
const open = () => new Governor({ cpuShare: 0.01, memoryBytes: 100 * MB }, 99);

/** Judges windows of these costs, and takes on each frequency that is asked for. */
function run(governor: Governor, costs: ((hz: number) => { cpu: number; mb?: number })[]) {
  return costs.map((costOf) => {
    const { cpu, mb = 50 } = costOf(governor.frequencyHz);
    const pace = governor.judge({ cpuShare: cpu, memoryBytes: mb * MB });
    const { frequencyHz, reason, trim } = pace;
    if (reason) governor.changed(pace);
    return `${frequencyHz}${reason ? ` ${reason}` : ''}${trim ? ' trim' : ''}`;
  });
}
const windows = (count: number, cpu: (hz: number) => number, mb = 50) =>
  Array.from({ length: count }, () => (hz: number) => ({ cpu: cpu(hz), mb }));

test('the first window, which reads all symbols, is not judged', () => {
  assert.deepEqual(
    run(
      open(),
      windows(2, () => 0.5),
    ),
    ['99', '99'],
  );
});

test('above the budget in the mean of two windows: lowered in proportion, to a prime', () => {
  const governor = open();
  const share = (hz: number) => (0.016 * hz) / 99;
  assert.deepEqual(run(governor, windows(4, share)), ['99', '99', '47 cpu', '47']);
  assert.equal(governor.changes.cpu, 1);
  assert.deepEqual(run(governor, windows(20, share)).at(-1), '47', 'and stays there: no see-saw');
});

test('one expensive window between cheap ones changes nothing', () => {
  const costs = [0.005, 0.005, 0.012, 0.005, 0.005].map((cpu) => () => ({ cpu }));
  assert.deepEqual(new Set(run(open(), costs)), new Set(['99']));
});

test('far above it falls by a factor of four a step, and ends at 1 Hz', () => {
  const steps = run(
    open(),
    windows(12, () => 0.2),
  ).filter((step) => step.includes('cpu'));
  assert.deepEqual(steps, ['23 cpu', '5 cpu', '1 cpu']);
});

test('raised again after four cheap windows, step by step, up to what was configured', () => {
  const governor = open();
  run(
    governor,
    windows(3, () => 0.04),
  );
  assert.equal(governor.frequencyHz, 23);
  assert.deepEqual(
    run(
      governor,
      windows(12, (hz) => (0.004 * hz) / 23 / 4),
    ),
    ['23', '23', '23', '43 room', '43', '43', '43', '83 room', '83', '83', '83', '99 room'],
  );
});

test('too much memory: half the frequency, and what can be read again is given up', () => {
  const governor = open();
  assert.deepEqual(
    run(
      governor,
      windows(3, () => 0.001, 120),
    ),
    ['99', '99', '47 memory trim'],
  );
  assert.deepEqual(
    new Set(
      run(
        governor,
        windows(8, () => 0.001, 90),
      ),
    ),
    new Set(['47']),
    'not raised while little is free',
  );
});
