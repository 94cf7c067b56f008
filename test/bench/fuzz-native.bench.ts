// Damaged input for what the addon reads of files, by libFuzzer under sanitizers. README.md says more.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root } from '../harness.ts';
import { parseSize, report } from './report.ts';

const size = parseSize();
const RUNS = size === 'full' ? 300_000 : 20_000;

const make = [
  '-s',
  '-C',
  path.join(root, 'agent/addon'),
  'fuzz',
  `RUNS=${RUNS}`,
  `SEED=${Date.now() % 1e6}`,
];
console.log(`make ${make.slice(3).join(' ')}`);
const { stdout, stderr, status } = spawnSync('make', make, { encoding: 'utf8' });
const inputs = [...stdout.matchAll(/^(\w+) (\d+)$/gm)].map(([, target, count]) => ({
  name: `${target}.inputs`,
  value: Number(count),
  unit: '',
  bar: `>= ${RUNS}`,
}));
if (status !== 0 || inputs.length === 0) {
  console.error(stdout, stderr);
  process.exit(1);
}
report('fuzz-native', size, inputs);
