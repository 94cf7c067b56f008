import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Feature } from '@bunsen/agent/sample/features';
import {
  accountingOf,
  assertBalanced,
  compile,
  flamegraph,
  needsRoot,
  startAgent,
  startServer,
} from '../harness.ts';
import { PERIOD_NS } from '../text-profile.ts';
import { type Stack, sampled } from './sampled.ts';

// What older kernels lack, left out on this one; test/kernels runs those kernels themselves.

const run = promisify(execFile);

const inBurn = ({ frames }: Stack) => frames.some(({ name }) => /^burn_/.test(name));

/** Three seconds of CPU time, however busy this machine is. */
const burnAWhile = (program: string) => () =>
  run('sh', ['-c', '(ulimit -t 3; exec "$1" 600) || true', 'sh', program]);

const sum = (stacks: Stack[]) => stacks.reduce((total, { count }) => total + count, 0);

const withoutTables: [Feature[], 'calls' | 'loop', boolean][] = [
  [['bpf_loop'], 'calls', false],
  [['growing_maps'], 'loop', true],
  [['bpf_loop', 'growing_maps'], 'calls', true],
];
for (const [without, walk, preallocated] of withoutTables) {
  test(`without ${without.join(' and ')}: tables all the same`, { skip: needsRoot }, async (t) => {
    const program = compile(t, 'burn', ['-O2', '-fomit-frame-pointer', '-fno-inline']);
    const { started, stacks, counters } = await sampled(burnAWhile(program), without);
    assert.equal(started.walk, walk);
    assert.equal(started.preallocated, preallocated);
    assert.equal(counters['lost_counts_full'], 0);
    const burning = stacks.filter(inBurn);
    const reached = burning.filter(({ frames }) => frames.some(({ name }) => name === 'main'));
    t.diagnostic(`${sum(reached)} of ${sum(burning)} samples lead to main`);
    assert.ok(sum(burning) >= 200, `only ${sum(burning)} samples`);
    assert.ok(sum(reached) / sum(burning) >= 0.95);
    assert.ok((counters['frames_by_table'] ?? 0) > sum(reached));
  });
}

const CHURN = 'for i in $(seq 60); do "$1" 0.03 & "$1" 0.03 & sleep 0.04; done; wait';

test('without records: processes that are gone are said to be', { skip: needsRoot }, async (t) => {
  const program = compile(t, 'burn');
  const churn = () => run('sh', ['-c', CHURN, 'sh', program]);
  const { started, stacks, counters } = await sampled(churn, ['task_records']);
  assert.equal(started.taskRecords, false);
  assert.equal(counters['processes_recorded'], 0);
  const own = stacks.filter(({ comm }) => comm === 'burn');
  assert.ok(own.some(({ frames }) => frames.some(({ name }) => name === '[process exited]')));
});

test('the agent says what it does without, and its accounting is exact', {
  skip: needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  const agent = await startAgent(t, url, {
    BUNSEN_AGENT_WITHOUT: 'bpf_loop, growing_maps,task_records',
  });
  await run(compile(t, 'burn'), ['5']);
  assert.equal(await agent.stop(), 0, agent.output);
  assert.match(agent.output, /^agent: without bpf_loop user stacks cost more to walk$/m);
  assert.match(agent.output, /^agent: without maps that grow there is room for fewer/m);
  assert.match(agent.output, /^agent: without records of processes/m);
  assertBalanced(
    accountingOf(agent),
    ((await flamegraph(url)).tree.total[0] as number) / PERIOD_NS,
  );
});
