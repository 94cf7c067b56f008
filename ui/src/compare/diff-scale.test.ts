import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallTreeBuilder, diffTreeOf, type FlameDiff, parseFolded } from '@bunsen/profile';
import { diffScale } from './diff-scale.ts';

function diffOf(unit: string, left: string, right: string): FlameDiff {
  const builder = new CallTreeBuilder({ sides: 2 });
  [left, right].forEach((text, side) => {
    const stacks = parseFolded(text);
    builder.add(stacks, Array.from(stacks.values, Number), side);
  });
  const meta = {
    profileType: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
    unit,
    left: { fromMs: 0, untilMs: 10_000 },
    right: { fromMs: 0, untilMs: 20_000 },
    foldedNodes: 0,
    foldedValue: 0,
    warnings: [],
  };
  return { meta, tree: diffTreeOf(builder.cut(100)) };
}

test('shares are of each side alone', () => {
  const scale = diffScale('share', diffOf('nanoseconds', 'a 30\nb 10', 'a 40'));
  assert.deepEqual(scale.weights, { left: 1 / 40, right: 1 / 40 });
  assert.equal(scale.format(0.4213), '42.1 %');
  assert.equal(scale.formatChange(0.0321), '+3.21 pp');
  assert.equal(scale.formatChange(-0.321), '−32.1 pp');
  assert.equal(scale.formatChange(-0.00001), '−<0.01 pp');
  assert.equal(scale.formatChange(0), '0 pp');
});

test('a side without values weighs nothing', () => {
  assert.equal(diffScale('share', diffOf('nanoseconds', '', 'a 4')).weights.left, 0);
});

test('absolute values count by the second, since ranges differ', () => {
  const cpu = diffScale('absolute', diffOf('nanoseconds', 'a 20000000000', 'a 20000000000'));
  assert.equal(cpu.format(20e9 * cpu.weights.left), '2.00 cores');
  assert.equal(cpu.format(20e9 * cpu.weights.right), '1.00 core');
  assert.equal(cpu.formatChange(-1), '−1.00 core');
  assert.deepEqual([cpu.formatCell(0.532), cpu.unit], ['0.532', 'cores']);
  const bytes = diffScale('absolute', diffOf('bytes', 'a 20480', 'a 20480'));
  assert.equal(bytes.format(20_480 * bytes.weights.left), '2.00 KiB/s');
});
