import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  accountingOf,
  assertBalanced,
  atEnd,
  type Cleanup,
  compile,
  flamegraph,
  needsRoot,
  startAgent,
  startServer,
  temporaryFolder,
  totalOf,
  until,
} from '../harness.ts';

const SLOT_MS = 15_000;
const SERVICE = 'burn-in-budget';
/** Higher than usual, so that there are thousands of samples after the first change, too. */
const HIGHEST_HZ = 499;
/**
 * Four standard deviations of 4,000 samples of programs that share their CPUs with others, and up to
 * 4 % that samples have and a process' clock has not: interrupts, and what a hypervisor took.
 */
const TOLERANCE = 0.08;

interface Change {
  hz: number;
  fromMs: number;
}

/** CPU time of programs by their own clocks, read often enough to be told for any moment. */
class CpuClock {
  readonly #readings: { timeMs: number; cpuNs: number }[] = [];

  constructor(t: Cleanup, pids: number[]) {
    const read = () =>
      this.#readings.push({
        timeMs: Date.now(),
        cpuNs: pids.reduce(
          (sum, pid) => sum + Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]),
          0,
        ),
      });
    read();
    const timer = setInterval(read, 100);
    atEnd(t, () => clearInterval(timer));
  }

  at(timeMs: number): number {
    const next = this.#readings.findIndex((reading) => reading.timeMs >= timeMs);
    const [low, high] = [this.#readings[next - 1], this.#readings[next]];
    if (!low || !high) throw new Error(`the clock was not read around ${timeMs}`);
    const part = (timeMs - low.timeMs) / (high.timeMs - low.timeMs);
    return low.cpuNs + part * (high.cpuNs - low.cpuNs);
  }
}

test('a budget that is too small lowers the frequency, and CPU time stays right', {
  skip: needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  // By a name of its own: other tests burn beside this one, and what is theirs must not be counted here.
  const burn = path.join(temporaryFolder(t), SERVICE);
  copyFileSync(compile(t, 'burn'), burn);
  const programs = [1, 2].map(() => spawn(burn, ['1000'], { stdio: 'ignore' }));
  atEnd(t, () => programs.map((program) => program.kill('SIGKILL')));
  const clock = new CpuClock(
    t,
    programs.map(({ pid }) => pid as number),
  );
  const startMs = Date.now();
  const agent = await startAgent(t, url, {
    BUNSEN_CPU_BUDGET_PERCENT: '0.001',
    BUNSEN_FREQUENCY_HZ: String(HIGHEST_HZ),
  });
  const changes = () =>
    Array.from(agent.output.matchAll(/sampling at (\d+) Hz from (\S+) on/g), (match) => ({
      hz: Number(match[1]),
      fromMs: Date.parse(match[2] as string),
    }));
  await until('the frequency to fall twice', () => changes().length === 2, 120_000);
  assert.equal(await agent.stop(), 0, agent.output);
  const [first, second] = changes() as unknown as [Change, Change];
  assert.match(agent.output, /[\d.]+ % of the host's CPU time, the budget is 0\.0010 %/);
  assert.ok(first.hz < HIGHEST_HZ / 2, agent.output);

  const slot = (timeMs: number) => Math.floor(timeMs / SLOT_MS) * SLOT_MS;
  const storedNs = async (selector: string, fromMs: number, untilMs: number) => {
    const range = { from: String(fromMs), until: String(untilMs - 1) };
    return (await flamegraph(url, selector, range)).tree.total[0] as number;
  };
  // Whole windows alone: the first one began in the middle of its slot.
  for (const [hz, fromMs, untilMs] of [
    [HIGHEST_HZ, slot(startMs) + 2 * SLOT_MS, first.fromMs],
    [first.hz, first.fromMs, second.fromMs],
  ] as const) {
    const stored = await storedNs(`{service_name="${SERVICE}"}`, slot(fromMs), slot(untilMs));
    const burnt = clock.at(untilMs) - clock.at(fromMs);
    t.diagnostic(
      `${hz} Hz: ${(stored / 1e9).toFixed(2)} s stored, ${(burnt / 1e9).toFixed(2)} s by their own clocks`,
    );
    assert.ok(Math.abs(stored / burnt - 1) < TOLERANCE, `${stored} ns for ${burnt} ns at ${hz} Hz`);
  }

  const periodNs = (hz: number) => Math.floor(1e9 / hz);
  let samples = 0;
  for (const [hz, fromMs, untilMs] of [
    [HIGHEST_HZ, startMs - SLOT_MS, slot(first.fromMs)],
    [first.hz, slot(first.fromMs), slot(second.fromMs)],
    [second.hz, slot(second.fromMs), Date.now() + SLOT_MS],
  ] as const) {
    const stored = await storedNs('{}', fromMs, untilMs);
    assert.equal(stored % periodNs(hz), 0, `${stored} ns are no whole samples at ${hz} Hz`);
    samples += stored / periodNs(hz);
  }
  const accounting = accountingOf(agent);
  assert.equal(samples, accounting['shipped']);
  assertBalanced(accounting, samples);
});

test('too little memory lowers the frequency, gives names up, and loses no sample', {
  skip: needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  // The least that is accepted; Node.js alone takes most of it.
  const agent = await startAgent(t, url, { BUNSEN_MEMORY_BUDGET_BYTES: String(64 * 2 ** 20) });
  const burn = spawn(compile(t, 'burn'), ['1000'], { stdio: 'ignore' });
  atEnd(t, () => burn.kill('SIGKILL'));
  const lowered = () =>
    /sampling at 47 Hz from (\S+) on; .* of memory, the budget is 67 MB/.exec(agent.output)?.[1];
  const changedAt = await until('the frequency to fall', lowered, 120_000);
  await sleep(3000); // so that the names are read again
  assert.equal(await agent.stop(), 0, agent.output);
  const accounting = accountingOf(agent);
  assert.equal(accounting['name_resets'], 1);
  const from = String(Date.parse(changedAt));
  const after = await flamegraph(url, '{service_name="burn"}', { from });
  const burning = totalOf(after, (name) => name === 'burn_seventy');
  assert.ok(burning > (after.tree.total[0] as number) / 2, 'names after the change');
  assertBalanced(accounting, accounting['shipped'] as number);
});
