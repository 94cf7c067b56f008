import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { atEnd, type Cleanup, compile, needsRoot, temporaryFolder } from '../harness.ts';
import { type Frame, sampled } from './sampled.ts';
import { isInstalled, isStart } from './stack-ends.ts';

const WITHOUT_POINTERS = ['-O2', '-fomit-frame-pointer', '-fno-inline'];

/**
 * Runs a program to its end, but for 5 seconds of CPU time at most: what the rest of the host does
 * then changes how long that takes, not how many samples it gives.
 */
function run(t: Cleanup, command: string[]): { pid: number; ended: Promise<void> } {
  const limited = ['-c', 'ulimit -t 5; exec "$@"', 'sh', ...command];
  const child = spawn('sh', limited, { stdio: 'ignore', cwd: temporaryFolder(t) });
  atEnd(t, () => child.kill('SIGKILL'));
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => resolve());
  });
  return { pid: child.pid as number, ended };
}

/** Every user stack has one end, to the last sample. */
function assertEnds(counters: Record<string, number>) {
  const ends = Object.entries(counters).filter(
    ([name]) => /^unwind_/.test(name) && name !== 'unwind_requests_lost',
  );
  const sum = ends.reduce((total, [, value]) => total + value, 0);
  assert.equal(sum + (counters['user_stack_failed'] ?? 0), counters['user_stacks']);
}

test('code without frame pointers: every stack reaches main', { skip: needsRoot }, async (t) => {
  const plugin = compile(t, 'plugin', ['-shared', '-fPIC', ...WITHOUT_POINTERS]);
  const program = compile(t, 'no-pointers.cc', [
    ...WITHOUT_POINTERS,
    '-Wl,-z,lazy',
    '-ldl',
    '-pthread',
  ]);
  const sampling = await sampled(() => run(t, [program, plugin]).ended);
  const { stacks, counters } = sampling;
  assert.equal(sampling.started.walk, 'loop');
  assertEnds(counters);

  // What a program calls itself at first, while the tables of its files come: the samples until then
  // are walked by frame pointer, or to the first file that had not been mapped yet.
  const first = stacks.filter(({ comm }) => comm === 'no-pointers');
  const own = stacks.filter(({ comm }) => comm === 'settled');

  /** Of the stacks with `inner`, those that have the callers `outer` above it, innermost first. */
  const share = (inner: string, outer: string[]) => {
    let all = 0;
    let right = 0;
    const missed: string[] = [];
    for (const { count, frames } of own) {
      const names = frames.map(({ name }) => name.replace(/\(.*/, ''));
      const start = names.indexOf(inner);
      if (start < 0) continue;
      all += count;
      // Each caller further out than the one before it.
      const places = outer.map((caller) => names.lastIndexOf(caller));
      if (places.every((place, i) => place > (places[i - 1] ?? start))) right += count;
      else missed.push(`${count} × ${names.join(' < ')}`);
    }
    t.diagnostic(`${inner}: ${right} of ${all} samples lead to ${outer.join(' < ')}`);
    for (const stack of missed) t.diagnostic(`  not ${stack}`);
    assert.ok(all >= 50, `only ${all} samples in ${inner}`);
    return right / all;
  };
  assert.ok(share('in_recursion', ['main', '_start']) >= 0.98);
  assert.ok(share('in_handler', ['raise', 'in_interrupted', 'main', '_start']) >= 0.98);
  assert.ok(share('in_exception', ['main', '_start']) >= 0.98);
  assert.ok(share('in_compare', ['in_sort', 'main', '_start']) >= 0.98);
  assert.ok(share('in_plt', ['main', '_start']) >= 0.98);
  assert.ok(share('in_plugin', ['main', '_start']) >= 0.98);
  const threads = own.filter(({ frames }) => frames.some(({ name }) => name === 'in_thread'));
  assert.ok(threads.length > 0);
  for (const { frames } of threads) assert.doesNotMatch(String(frames.at(-1)?.name), /^\[/);

  const depths = own.filter(({ frames }) => frames.some(({ name }) => name === 'in_recursion'));
  const full = depths.filter(
    ({ frames }) => frames.filter(({ name }) => name === 'in_recursion').length === 31,
  );
  assert.ok(full.length > 0, 'no stack shows all 31 levels of the recursion');

  const started = first.reduce((sum, { count }) => sum + count, 0);
  const complete = first
    .filter(({ frames }) => isStart(frames.at(-1) as Frame))
    .reduce((sum, { count }) => sum + count, 0);
  t.diagnostic(`in its first second: ${complete} of ${started} samples lead to a start`);
  assert.ok(complete / started >= 0.9, 'the tables came too late');
});

test('without tables: frame pointers, every stack counted', { skip: needsRoot }, async (t) => {
  const program = compile(t, 'burn');
  const { started, stacks, counters } = await sampled(
    () => run(t, [program, '3']).ended,
    ['tables'],
  );
  assert.equal(started.noTables, 'switched off');
  assert.equal(counters['tables_active'], 0);
  assert.equal(counters['frames_by_table'], 0);
  assert.ok((counters['unwind_by_pointer'] ?? 0) > 0);
  assertEnds(counters);
  // Not just any: in the first instructions of a function its caller's frame is not to be had.
  const [burning] = stacks
    .filter(({ frames }) => frames[0]?.name === 'burn_seventy')
    .sort((a, b) => b.count - a.count);
  assert.equal(burning?.frames[1]?.name, 'main');
});

test('programs as the distribution ships them', { skip: needsRoot }, async (t) => {
  const folder = temporaryFolder(t);
  const big = path.join(folder, 'big.c');
  const functions = Array.from(
    { length: 3000 },
    (_, i) =>
      `int f${i}(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) { if (a[i] % ${i + 2}) s += a[i] * ${i}; else s ^= a[n - i]; } return s; }`,
  );
  writeFileSync(big, functions.join('\n'));
  const python =
    'import re, json\nwhile True: json.loads(json.dumps([re.sub("a+", "b", "caat" * 9)] * 50))';
  const perl =
    'while (1) { my %h = map { $_ => sqrt $_ } 1..999; my @s = sort { $h{$a} <=> $h{$b} } keys %h }';
  const js = 'for (;;) JSON.parse(JSON.stringify([1, 2, { a: [3] }].concat("abc".split(""))))';
  /** `children`: names of the processes that do the work, where the program itself does not. */
  const programs: { name: string; command: string[]; children?: RegExp }[] = [
    { name: 'python3', command: ['/usr/bin/python3', '-c', python] },
    { name: 'node', command: [process.execPath, '-e', js] },
    {
      name: 'gcc',
      command: ['gcc', '-O2', '-c', big, '-o', path.join(folder, 'big.o')],
      children: /^(gcc|cc1|as)$/,
    },
    { name: 'openssl', command: ['openssl', 'speed', '-seconds', '3', 'aes-256-cbc', 'rsa2048'] },
    { name: 'perl', command: ['perl', '-e', perl] },
    { name: 'bash', command: ['bash', '-c', 'while :; do x=$((x + 1)); [[ $x == *9* ]]; done'] },
    { name: 'gzip', command: ['sh', '-c', 'exec gzip -9 < /dev/urandom > /dev/null'] },
  ];
  const rows: string[] = [];
  let reachedOfAll = 0;
  let all = 0;
  for (const { name, command, children } of programs) {
    if (!isInstalled(command[0] as string)) {
      t.diagnostic(`${name} is NOT INSTALLED, and was not tried`);
      continue;
    }
    let main = 0;
    const { stacks, counters } = await sampled(() => {
      const { pid, ended } = run(t, command);
      main = pid;
      return ended;
    });
    assertEnds(counters);
    let reached = 0;
    let user = 0;
    let gone = 0;
    const missed = new Map<string, number>();
    for (const { pid, comm, count, frames } of stacks) {
      if (children ? !children.test(comm) : pid !== main) continue;
      const outermost = frames.at(-1) as Frame;
      if (outermost.name === '[process exited]') gone += count;
      else if (!outermost.file.startsWith('[kernel]')) {
        user += count;
        if (isStart(outermost)) reached += count;
        else {
          const key = frames
            .slice(-3)
            .map((frame) => frame.name)
            .join(' < ');
          missed.set(key, (missed.get(key) ?? 0) + count);
        }
      }
    }
    const worst = [...missed].sort((a, b) => b[1] - a[1])[0];
    rows.push(
      `${name.padEnd(12)} ${String(user).padStart(6)} ${((100 * reached) / user).toFixed(2).padStart(7)} % ${String(gone).padStart(5)}  ${worst ? `${worst[1]} × ${worst[0]}` : ''}`,
    );
    assert.ok(user > 200, `only ${user} samples of ${name}`);
    reachedOfAll += reached;
    all += user;
  }
  t.diagnostic(`program       samples  to start  gone  ends otherwise, most often`);
  for (const row of rows) t.diagnostic(row);
  t.diagnostic(`all ${((100 * reachedOfAll) / all).toFixed(2)} % of ${all}`);
  assert.ok(reachedOfAll / all >= 0.98);
});
