import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { compile, needsRoot, temporaryFolder } from '../harness.ts';
import { type Stack, sampled } from './sampled.ts';

const run = promisify(execFile);

/** Start of each function, by its name. */
function functionsOf(program: string): Map<string, number> {
  const lines = execFileSync('nm', ['--defined-only', program], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return new Map(
    [...lines.matchAll(/^([0-9a-f]+) [tT] (\S+)$/gm)].map(([, start, name]) => [
      name as string,
      Number.parseInt(start as string, 16),
    ]),
  );
}

/** Samples in the program's own code, by the names of its frames there, innermost first. */
function chainsIn(stacks: Stack[], program: string): Map<string, number> {
  const chains = new Map<string, number>();
  for (const { count, frames } of stacks) {
    const names = frames.filter(({ file }) => file === program).map(({ name }) => name);
    if (names.length === 0) continue;
    const chain = names.join(' < ');
    chains.set(chain, (chains.get(chain) ?? 0) + count);
  }
  return chains;
}

test('a stripped program: one frame a function, by its start', { skip: needsRoot }, async (t) => {
  const complete = compile(t, 'burn');
  const starts = functionsOf(complete);
  const program = path.join(temporaryFolder(t), 'burn');
  copyFileSync(complete, program);
  execFileSync('strip', [program]);
  assert.equal(functionsOf(program).size, 0);

  const { stacks } = await sampled(() => run(program, ['8']));
  const start = (name: string) => `burn+0x${(starts.get(name) as number).toString(16)}`;
  const chains = chainsIn(stacks, program);
  for (const [chain, count] of chains) t.diagnostic(`${count} × ${chain}`);
  const all = [...chains.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(all > 100, `only ${all} samples`);

  // What it consists of, and nothing besides.
  const burns = ['burn_seventy', 'burn_thirty'].map(start);
  const expected = new Set(
    burns.flatMap((burn) =>
      ['', `${start('seconds_of')} < `, `clock_gettime@plt < ${start('seconds_of')} < `].map(
        (inner) => `${inner}${burn} < main < _start`,
      ),
    ),
  );
  let right = 0;
  for (const [chain, count] of chains) if (expected.has(chain)) right += count;
  assert.ok(right / all > 0.97, `${right} of ${all} samples have the chains of the program`);
  for (const burn of burns) assert.ok((chains.get(`${burn} < main < _start`) ?? 0) > 0.1 * all);
  for (const chain of chains.keys())
    for (const name of chain.split(' < '))
      if (name.startsWith('burn+0x'))
        assert.ok([...starts.values()].includes(Number(name.slice('burn+'.length))), name);
});
