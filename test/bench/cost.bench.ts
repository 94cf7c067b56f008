// What profiling costs this host: BPF time a sample, CPU and memory of the agent, and how much slower
// a program with a fixed amount of work becomes. Needs root.
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  atEnd,
  compile,
  freePort,
  needsRoot,
  root,
  startAgent,
  startServer,
  temporaryFolder,
} from '../harness.ts';
import { metricsOf } from './process-stats.ts';
import { Cleanups, median, parseSize, report } from './report.ts';

const size = parseSize();
const SETTLE_S = 20;
const STEADY_S = size === 'full' ? 180 : 45;
const ROUNDS = size === 'full' ? 15 : 5;
const ITERATIONS = '400000000';
const STATS = '/proc/sys/kernel/bpf_stats_enabled';

if (needsRoot) {
  console.error(needsRoot);
  process.exit(2);
}

await Cleanups.run(async (t) => {
  const cpus = os.availableParallelism();
  const { url } = await startServer(t);
  const metricsPort = await freePort();
  const metricsAt = `127.0.0.1:${metricsPort}`;
  const env = { BUNSEN_AGENT_METRICS: metricsAt };

  console.log(`steady state: ${cpus} busy CPUs, 99 Hz, ${STEADY_S} s …`);
  const burn = compile(t, 'burn');
  const agent = await startAgent(t, url, env);
  const script = `${root}/test/programs/burn.mjs`;
  const javascript = [process.execPath, '--perf-basic-prof', script, '100000'];
  // Not in the checkout: node leaves a log behind where it runs with --perf-basic-prof.
  const cwd = temporaryFolder(t);
  const busy = Array.from({ length: cpus }, (_, cpu) => {
    const [program, ...args] = cpu === 0 ? [burn, '100000'] : javascript;
    return spawn(program as string, args, { stdio: 'ignore', cwd });
  });
  const endAll = () => {
    for (const child of busy) child.kill('SIGKILL');
  };
  atEnd(t, endAll);
  await sleep(SETTLE_S * 1000);
  writeFileSync(STATS, '1');
  atEnd(t, () => writeFileSync(STATS, '0'));
  const before = await metricsOf(`http://${metricsAt}`);
  await sleep(STEADY_S * 1000);
  const after = await metricsOf(`http://${metricsAt}`);
  writeFileSync(STATS, '0');
  const delta = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
  const runs = delta('bunsen_agent_events_total{reason="bpf_run_count"}');
  const nsPerSample = delta('bunsen_agent_events_total{reason="bpf_run_time_ns"}') / runs;
  const ends = Object.keys(after).flatMap((name) => {
    const end = /^bunsen_agent_user_stacks_total\{end="(\w+)"\}$/.exec(name)?.[1];
    return end ? [{ end, count: delta(name) }] : [];
  });
  const userStacks = ends.reduce((sum, { count }) => sum + count, 0);
  const percentOf = (wanted: string) =>
    (100 * (ends.find(({ end }) => end === wanted)?.count ?? 0)) / userStacks;
  const otherEnds = ends
    .filter(({ end, count }) => end !== 'complete' && count > 0)
    .sort((left, right) => right.count - left.count)
    .map(({ end }) => `${end} ${percentOf(end).toFixed(1)}`)
    .join(', ');
  const agentCpuPercent = (delta('bunsen_agent_cpu_seconds_total') / STEADY_S) * 100;
  const agentRssMb = (after['bunsen_agent_resident_bytes'] ?? 0) / 1e6;
  endAll();
  await agent.stop();

  console.log(`fixed work: ${ROUNDS} rounds of off / on / off …`);
  const work = compile(t, 'fixed-work', ['-O2']);
  const off: number[] = [];
  const on: number[] = [];
  const offAgain: number[] = [];
  await cpuMicros(work); // warms the caches up, and is not counted
  for (let round = 0; round < ROUNDS; round++) {
    off.push(await cpuMicros(work));
    const sampling = await startAgent(t, url, { BUNSEN_AGENT_METRICS: 'off' });
    on.push(await cpuMicros(work));
    await sampling.stop();
    offAgain.push(await cpuMicros(work));
    process.stdout.write(`  round ${round + 1}/${ROUNDS}\r`);
  }
  // Against the mean of the runs before and after, so that a machine that speeds up or slows down
  // over a round does not count as a cost.
  const slowdown = on.map(
    (micros, i) => (2 * micros) / ((off[i] as number) + (offAgain[i] as number)),
  );
  const drift = offAgain.map((micros, i) => micros / (off[i] as number));
  const percent = (ratios: number[]) => (median(ratios) - 1) * 100;

  report('cost', size, [
    {
      name: 'bpf_ns_per_sample',
      value: nsPerSample,
      unit: 'ns',
      bar: '<= 15000',
      note: `${runs} samples`,
    },
    {
      name: 'complete_stacks',
      value: percentOf('complete'),
      unit: '% of user stacks',
      bar: '>= 98',
      note: otherEnds,
    },
    { name: 'agent_cpu', value: agentCpuPercent, unit: '% of one core', bar: '< 1' },
    { name: 'agent_rss', value: agentRssMb, unit: 'MB', bar: '< 120' },
    { name: 'slowdown', value: percent(slowdown), unit: '% CPU time', bar: '<= 0.5' },
    { name: 'noise_floor', value: percent(drift), unit: '% CPU time', note: 'off against off' },
  ]);
});

/** User and system time of one run of the fixed work. */
async function cpuMicros(work: string): Promise<number> {
  const { stdout } = await promisify(execFile)(work, [ITERATIONS]);
  return Number(stdout.split(' ')[0]);
}
