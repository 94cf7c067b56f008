// Damaged and random bodies for every decoder, each in a process of its own: 10 minutes of CPU time at full
// size. README.md says what the lines mean.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { fuzzTargets } from '@bunsen/server/testing/fuzz-inputs';
import pLimit from 'p-limit';
import type { FuzzResult } from './fuzz-child.ts';
import { type Figure, parseSize, report } from './report.ts';

const size = parseSize();
const seconds = size === 'full' ? 600 : 10;
/** An input that is not decoded by then is one that hangs. */
const HANG_MS = 60_000;
/** Garbage must not make it look as if a decoder needed more; one that does need more dies. */
const HEAP = ['--max-old-space-size=320', '--expose-gc'];
const CHILD = fileURLToPath(new URL('./fuzz-child.js', import.meta.url));

const oneOfEach = pLimit(availableParallelism());
const figures = await Promise.all(
  fuzzTargets().map(({ name }) =>
    oneOfEach(async (): Promise<Figure[]> => {
      const result = await fuzz(name);
      console.log(`${name}: ${result.inputs} inputs, ${result.crashes.length} crashes`);
      for (const crash of result.crashes.slice(0, 5)) console.error(`${name}: ${crash}`);
      const { inputs, taken, slowestMs, slowest, rssMb, crashes } = result;
      const figure = (key: string, value: number, unit: string, rest: Partial<Figure> = {}) => ({
        name: `${name}.${key}`,
        value,
        unit,
        ...rest,
      });
      return [
        figure('inputs', inputs, '', { note: `${taken} taken, the others refused with a code` }),
        figure('crashes', crashes.length, '', { bar: '0' }),
        figure('slowest', slowestMs, 'ms of CPU', { bar: '< 1000', note: `input ${slowest}` }),
        figure('rss', rssMb, 'MB', { bar: '<= 512' }),
      ];
    }),
  ),
);
report('fuzz', size, figures.flat());
if (figures.flat().some(({ name, value }) => name.endsWith('.crashes') && value > 0)) {
  process.exitCode = 1;
}

/** @throws Error if the process dies or hangs, with the input that it was at */
function fuzz(name: string): Promise<FuzzResult> {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [name, String(seconds)], { execArgv: HEAP });
    let [begun, seen] = [0, -1];
    const watch = setInterval(() => {
      if (begun === seen) child.kill('SIGKILL');
      seen = begun;
    }, HANG_MS);
    child.on('message', (message: { begun: number } | { result: FuzzResult }) => {
      if ('begun' in message) begun = message.begun;
      else resolve(message.result);
    });
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      reject(
        new Error(`${name}: the process ended with ${signal ?? code}, soon after input ${begun}`),
      );
    });
  });
}
