import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Flame } from '@bunsen/profile';
import {
  atEnd,
  type Cleanup,
  compile,
  flamegraph,
  needsRoot,
  pathsOf,
  startAgent,
  startServer,
  totalOf,
} from '../harness.ts';

/** CPU time of each program: some 10,000 samples, so 3 points are six standard deviations. */
const CPU_SECONDS = Number(process.env['BUNSEN_TEST_SECONDS'] ?? '60') / 3;
const FREQUENCY_HZ = 499;
const BAR = 3;

/** As code is shipped: optimised, without frame pointers. */
const SHIPPED = ['-O2', '-fomit-frame-pointer'];

interface Program {
  name: string;
  build(t: Cleanup): string[];
  /** Stacks that it must have, root first. */
  stacks: RegExp[];
  /** Nanoseconds of a part in the flame graph, where that is not all below the function of its name. */
  part?(flame: Flame, name: string): number | undefined;
}

const PROGRAMS: Program[] = [
  {
    name: 'recursion',
    build: (t) => [compile(t, 'recursion', SHIPPED)],
    stacks: [/;main;walk(;walk){4};in_leaf(;|$)/, /;main;walk(;walk){2};in_node(;|$)/],
  },
  {
    name: 'inlining',
    build: (t) => [compile(t, 'inlining', [...SHIPPED, '-g'])],
    stacks: [
      /;main;around;first_inlined;spend(;|$)/,
      /;main;around;outer_inlined;inner_inlined;spend(;|$)/,
    ],
  },
  {
    name: 'tail-calls',
    build: (t) => [compile(t, 'tail-calls', SHIPPED)],
    // The functions between are not on the stack, and no profiler could find them there.
    stacks: [/;main;calls;reached_by_one(;|$)/, /;main;calls;reached_by_two(;|$)/],
  },
  {
    name: 'dlopened',
    build: (t) => [
      compile(t, 'dlopened', [...SHIPPED, '-ldl']),
      compile(t, 'dlopened-plugin', [...SHIPPED, '-shared', '-fPIC']),
    ],
    stacks: [/;main;in_host(;|$)/, /;main;in_plugin;own_work(;|$)/, /;main;in_plugin;in_callback/],
  },
  {
    name: 'exceptions',
    build: (t) => [compile(t, 'exceptions.cc', SHIPPED)],
    // What handles an exception is code of its own, such as catches.cold, where gcc has split a function.
    stacks: [
      /;main;catches[^;]*;in_catch(;|$)/,
      /;main;catches(;throws[^;]*){21};in_destructor(;|$)/,
      /;main;catches(;throws[^;]*){41};__cxa_throw;_Unwind_RaiseException(;|$)/,
    ],
    part: (flame, name) =>
      name === 'throws'
        ? totalOf(flame, (each) => each === name) -
          totalOf(flame, (each) => each === 'in_destructor')
        : undefined,
  },
];

interface Prepared {
  pid: number;
  /** Runs it to its end. @returns the CPU time of its parts and in total, as it says */
  run(): Promise<{ total: number; parts: Record<string, number> }>;
}

/** A program that waits to be started, so that its pid is known before. */
function prepare(t: Cleanup, command: string[], cpuSeconds: number): Prepared {
  const [file, ...args] = command as [string, ...string[]];
  const wait = ['-c', 'read line && exec "$@"', 'sh', file, String(cpuSeconds), ...args];
  const child = spawn('sh', wait, { stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  return {
    pid: child.pid as number,
    async run() {
      child.stdin.end('\n');
      let output = '';
      for await (const chunk of child.stdout) output += String(chunk);
      const { total, ...parts } = JSON.parse(output) as Record<string, number>;
      return { total: total as number, parts };
    },
  };
}

test('five programs: shares as their own clocks have them', { skip: needsRoot }, async (t) => {
  const commands = PROGRAMS.map((program) => program.build(t));
  const prepared = commands.map((command) => prepare(t, command, CPU_SECONDS));
  const inlining = PROGRAMS.findIndex(({ name }) => name === 'inlining');
  const before = prepare(t, commands[inlining] as string[], CPU_SECONDS / 4);
  const { url } = await startServer(t);
  const agent = await startAgent(t, url, {
    BUNSEN_LABEL_PID: '1',
    BUNSEN_FREQUENCY_HZ: String(FREQUENCY_HZ),
    // These alone: otherwise all of the host's programs share what may be spent on reading lines.
    BUNSEN_PIDS: [before, ...prepared].map(({ pid }) => pid).join(),
  });
  // What is inlined is known some seconds after an address was first met, so it has met them before.
  await before.run();
  await sleep(15_000);
  const runs = await Promise.all(prepared.map(({ run }) => run()));
  assert.equal(await agent.stop(), 0, agent.output);

  t.diagnostic('program     part              own clock  flame graph   points  samples');
  for (const [i, { name, stacks, part }] of PROGRAMS.entries()) {
    const { total, parts } = runs[i] as (typeof runs)[number];
    const { pid } = prepared[i] as Prepared;
    const flame = await flamegraph(url, `{service_name="${name}", pid="${pid}"}`);
    const all = flame.tree.total[0] as number;
    const samples = Math.round((all * FREQUENCY_HZ) / 1e9);
    await t.test(name, () => {
      const shown = Object.entries(parts).map(([partName, spent]) => {
        const ns = part?.(flame, partName) ?? totalOf(flame, (each) => each === partName);
        const own = (100 * spent) / total;
        const points = (100 * ns) / all - own;
        t.diagnostic(
          `${name.padEnd(11)} ${partName.padEnd(16)} ${own.toFixed(1).padStart(8)} % ${((100 * ns) / all).toFixed(1).padStart(10)} % ${points.toFixed(1).padStart(9)} ${String(samples).padStart(8)}`,
        );
        return { partName, points };
      });
      for (const { partName, points } of shown)
        assert.ok(Math.abs(points) < BAR, `${partName} differs by ${points} points`);
      const paths = [...pathsOf(flame)];
      for (const stack of stacks) {
        const below = paths.filter(([path]) => stack.test(path));
        assert.ok(below.length > 0, `no stack like ${stack}`);
      }
      if (name !== 'tail-calls') return;
      const jumped = totalOf(flame, (each) => each.startsWith('jumps_')) / all;
      assert.ok(jumped < 0.01, `frames that a jump has taken away have ${100 * jumped} %`);
    });
  }
});
