import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  accountingOf,
  assertBalanced,
  atEnd,
  type Cleanup,
  compile,
  flamegraph,
  freePort,
  needsRoot,
  startAgent,
  startServer,
  temporaryFolder,
  until,
} from '../harness.ts';
import { PERIOD_NS } from '../text-profile.ts';

/** 120 in the full run (BUNSEN_TEST_LONG=1), as long as needed to see an outage otherwise. */
const LONG = process.env['BUNSEN_TEST_LONG'] === '1';

/** Processes that start and end all the time, ten a second, living 50-150 ms, until the test ends. */
function churn(t: Cleanup): { started: () => number } {
  const burn = compile(t, 'burn');
  let started = 0;
  let running = true;
  const loop = async () => {
    while (running) {
      started++;
      spawn('timeout', [`0.${5 + (started % 10)}`.slice(0, 4), burn, '1'], { stdio: 'ignore' });
      await sleep(100);
    }
  };
  void loop();
  atEnd(t, () => {
    running = false;
  });
  return { started: () => started };
}

/**
 * taken = filtered + lost + in the store + still in the spool, to the last sample; and each user
 * stack has one end.
 */
async function assertExact(
  t: Cleanup & { diagnostic(text: string): void },
  url: string,
  log: string,
) {
  const accounting = accountingOf({ output: log });
  const { tree } = await flamegraph(url, '{}', { from: 'now-1h' });
  const stored = (tree.total[0] as number) / PERIOD_NS;
  t.diagnostic(`${JSON.stringify(accounting)} stored=${stored}`);
  assert.ok(stored > 500, `only ${stored} samples`);
  assert.equal(accounting['spooled'], 0);
  assert.equal(accounting['shipped'], stored);
  assertBalanced(accounting, stored);
  const ends = Object.entries(accounting)
    .filter(([name]) => name.startsWith('unwind_') && name !== 'unwind_requests_lost')
    .reduce((total, [, value]) => total + value, 0);
  assert.equal(accounting['user_stacks'], ends + (accounting['user_stack_failed'] as number));
}

test('every sample is in the store or counted, under churn', { skip: needsRoot }, async (t) => {
  const { url } = await startServer(t);
  const agent = await startAgent(t, url);
  const processes = churn(t);
  await sleep(LONG ? 120_000 : 35_000);
  assert.equal(await agent.stop(), 0, agent.output);
  t.diagnostic(`${processes.started()} processes`);
  await assertExact(t, url, agent.output);
});

test('and with the server gone in the middle', { skip: needsRoot }, async (t) => {
  const port = await freePort();
  const dataDir = temporaryFolder(t);
  const first = await startServer(t, { port, dataDir });
  const metricsPort = await freePort();
  const env = { BUNSEN_AGENT_METRICS: `127.0.0.1:${metricsPort}` };
  const agent = await startAgent(t, first.url, env);
  churn(t);
  await sleep(LONG ? 45_000 : 16_000);
  await first.program.stop();
  await sleep(30_000);
  const second = await startServer(t, { port, dataDir });
  await sleep(LONG ? 45_000 : 20_000);
  // The agent pauses for up to 37 s between its tries, and has no more than 5 s once it is stopped.
  const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const isEmpty = async () => /^bunsen_agent_spool_windows 0$/m.test(await metrics());
  await until('the spool to be empty', isEmpty, 90_000);
  assert.equal(await agent.stop(), 0, agent.output);
  assert.match(agent.output, /cannot deliver/);
  await assertExact(t, second.url, agent.output);
});
