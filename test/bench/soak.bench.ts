// What the agent takes of a host with 200 processes that keep its CPUs busy, over an hour in full: CPU
// time, memory and its tables in the kernel, how long its event loop was held up, and that every sample
// is accounted for. Needs root.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  accountingOf,
  assertBalanced,
  atEnd,
  type Cleanup,
  compile,
  flamegraph,
  freePort,
  needsRoot,
  root,
  startAgent,
  startServer,
  temporaryFolder,
} from '../harness.ts';
import { PERIOD_NS } from '../text-profile.ts';
import { metricsOf } from './process-stats.ts';
import { Cleanups, parseSize, report } from './report.ts';

const size = parseSize();
const SECONDS = size === 'full' ? 3600 : 120;
const LOOP_SECONDS = size === 'full' ? 600 : 60;
const WARM_UP_SECONDS = 20;
const PROCESSES = 200;
/** Lines of progress. */
const STEPS = 12;

/** Of `loop-delay.mjs`, in ms: the most, and what 99.99 and 99 of 100 turns are below. */
interface LoopDelays {
  late: [number, number, number];
  blocked: [number, number, number];
}

if (needsRoot) {
  console.error(needsRoot);
  process.exit(2);
}

await Cleanups.run(async (t) => {
  const folder = temporaryFolder(t);
  const { url } = await startServer(t);
  const metricsAt = `127.0.0.1:${await freePort()}`;
  const delays = path.join(folder, 'delays.json');
  const agent = await startAgent(t, url, {
    BUNSEN_AGENT_METRICS: metricsAt,
    BENCH_LOOP_DELAY: delays,
    BENCH_LOOP_DELAY_FROM_S: String(WARM_UP_SECONDS + SECONDS),
    NODE_OPTIONS: `--import=${pathToFileURL(path.join(root, 'test/bench/loop-delay.mjs'))}`,
  });
  const pid = agent.child.pid as number;
  const msASecond = (os.availableParallelism() * 1000) / PROCESSES;
  console.log(
    `${PROCESSES} processes, ${msASecond} ms of CPU time a second each, and a new one each second; ${SECONDS} s …`,
  );
  startProcesses(t, msASecond);
  await sleep(WARM_UP_SECONDS * 1000);
  const read = async () => {
    const all = await metricsOf(`http://${metricsAt}`);
    return (name: string) => all[`bunsen_agent_${name}`] ?? Number.NaN;
  };
  const before = await read();
  let [mostResident, mostMaps] = [0, 0];
  console.log('   s  CPU %  RSS MB  maps MB  samples  unaccounted');
  let now = before;
  for (let step = 1; step <= STEPS; step++) {
    await sleep((SECONDS * 1000) / STEPS);
    const last = now;
    now = await read();
    const cpu = now('cpu_seconds_total') - last('cpu_seconds_total');
    const resident = now('resident_bytes') / 1e6;
    const maps = mapBytes(pid) / 1e6;
    [mostResident, mostMaps] = [Math.max(mostResident, resident), Math.max(mostMaps, maps)];
    const row = [
      (SECONDS * step) / STEPS,
      ((100 * cpu * STEPS) / SECONDS).toFixed(2),
      resident.toFixed(0),
      maps.toFixed(1),
      now('samples_taken_total'),
      now('samples_unaccounted'),
    ];
    console.log(row.map((cell, i) => String(cell).padStart([4, 6, 7, 8, 8, 12][i] ?? 0)).join(' '));
  }
  const delta = (name: string) => now(name) - before(name);
  const kernelSeconds = delta('kernel_seconds_total');
  const samples = delta('samples_taken_total');
  console.log(`and how long the event loop is held up, for ${LOOP_SECONDS} s more …`);
  await sleep(LOOP_SECONDS * 1000);
  await agent.stop();
  const accounting = accountingOf(agent);
  const { tree } = await flamegraph(url, '{}', { from: 'now-3h' });
  assertBalanced(accounting, (tree.total[0] as number) / PERIOD_NS);
  const { late, blocked } = JSON.parse(readFileSync(delays, 'utf8')) as LoopDelays;
  const percentOf = (seconds: number) => (100 * seconds) / SECONDS;
  report('soak', size, [
    {
      name: 'agent_cpu',
      value: percentOf(delta('cpu_seconds_total')),
      unit: '% of one core',
      bar: '<= 0.5',
    },
    { name: 'kernel_cpu', value: percentOf(kernelSeconds), unit: '% of one core' },
    { name: 'agent_rss', value: mostResident, unit: 'MB', bar: '<= 100', note: 'the most' },
    { name: 'maps', value: mostMaps, unit: 'MB', bar: '<= 40', note: 'in the kernel, the most' },
    { name: 'loop_blocked', value: blocked[0], unit: 'ms', bar: '<= 10', note: 'the most' },
    { name: 'loop_blocked_p99.99', value: blocked[1], unit: 'ms' },
    { name: 'loop_late', value: late[0], unit: 'ms', note: 'with waits for a CPU' },
    { name: 'loop_late_p99', value: late[2], unit: 'ms' },
    { name: 'samples', value: samples, unit: '', note: 'balance exact to the last' },
    { name: 'load', value: os.loadavg()[2] as number, unit: '', note: 'of the host, 15 min' },
  ]);
});

/** Programs of four kinds; below everything else, so that a busy host goes on with what it does. */
function startProcesses(t: Cleanup, msASecond: number): void {
  const steady = compile(t, 'steady', ['-O2', '-fomit-frame-pointer']);
  const python = `import time, json
while True:
  end = time.thread_time() + ${msASecond / 1000}
  while time.thread_time() < end: json.loads(json.dumps([{'a': [1, 2, 3]}] * 20))
  time.sleep(1)`;
  const perl = `use Time::HiRes;
while (1) { my $end = clock() + ${msASecond / 1000};
  while (clock() < $end) { my %h = map { $_ => $_ ** 2 } 1..200; join ",", sort keys %h; }
  Time::HiRes::sleep(1) }
sub clock { Time::HiRes::clock_gettime(Time::HiRes::CLOCK_PROCESS_CPUTIME_ID()) }`;
  const javascript = `setInterval(() => {
  const end = process.cpuUsage().user + ${msASecond * 1000};
  while (process.cpuUsage().user < end) JSON.parse(JSON.stringify(Array(50).fill({ a: [1, 2] })));
}, 1000)`;
  const kinds: [share: number, command: (i: number) => string[]][] = [
    [0.55, (i) => [steady, String(msASecond), String(5 + (i % 60))]],
    [0.2, () => ['python3', '-c', python]],
    [0.2, () => ['perl', '-e', perl]],
    [0.05, () => [process.execPath, '--perf-basic-prof', '-e', javascript]],
  ];
  const cwd = temporaryFolder(t);
  const start = (command: string[]) =>
    spawn('nice', ['-n', '19', ...command], { stdio: 'ignore', cwd });
  const children = kinds.flatMap(([share, command]) =>
    Array.from({ length: Math.round(PROCESSES * share) }, (_, i) => start(command(i))),
  );
  const churn = setInterval(() => start(['timeout', '0.3', steady, '100', '20']), 1000);
  atEnd(t, () => {
    clearInterval(churn);
    for (const child of children) child.kill('SIGKILL');
  });
}

/** What the maps of a process hold in the kernel, as the kernel counts it. */
function mapBytes(pid: number): number {
  const folder = `/proc/${pid}/fdinfo`;
  return readdirSync(folder)
    .map((fd) => readFileSync(`${folder}/${fd}`, 'utf8'))
    .filter((info) => /^map_type:/m.test(info))
    .reduce((sum, info) => sum + Number(/^memlock:\s+(\d+)$/m.exec(info)?.[1] ?? 0), 0);
}
