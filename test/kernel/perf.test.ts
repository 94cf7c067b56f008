import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { type Cleanup, compile, needsRoot } from '../harness.ts';
import { type PerfFrame, type PerfStack, recordWithPerf } from './perf-record.ts';
import { type Frame, type Stack, sampled } from './sampled.ts';
import { isInstalled } from './stack-ends.ts';

const TOP = 20;
/** Three standard deviations of the difference between two times 2,000 samples, and more. */
const POINTS = 5;
const PERF_HZ = 499;

const PERL = `while ((times)[0] < 8) { my %h = map { $_ => sqrt $_ } 1..999;
  my @s = sort { $h{$a} <=> $h{$b} } keys %h; my $t = join ",", @s; $t =~ s/(\\d)7/$1/g; }`;

interface Case {
  name: string;
  /** Name of its thread. */
  comm: string;
  command(t: Cleanup): string[];
}

const CASES: Case[] = [
  {
    name: 'C++ that throws, without frame pointers',
    comm: 'exceptions',
    command: (t) => [
      compile(t, 'exceptions.cc', ['-O2', '-fomit-frame-pointer']),
      '8', // seconds of CPU time
    ],
  },
  { name: 'perl, as Debian ships it', comm: 'perl', command: () => ['perl', '-e', PERL] },
  {
    name: 'system calls',
    comm: 'dd',
    command: () => ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=1', 'count=12000000', 'status=none'],
  },
];

const isOfKernel = (file: string) => /^\[(?!vdso|jit|anon|unknown)/.test(file);
/** Names that need no symbol. */
const hasNoSymbol = ({ name }: Frame) => /\+0x[0-9a-f]+$|^(_start|main)$|@plt$/.test(name);

/** The functions that the compiler has inlined stand before the one that they are in. */
function withoutInlined(frames: Frame[]): Frame[] {
  return frames.filter((frame, i) => {
    const outer = frames[i + 1];
    const isInlined = outer?.file === frame.file && outer.address === frame.address;
    return isOfKernel(frame.file) || !isInlined || outer.name === frame.name;
  });
}

/**
 * By where a function begins, not by its name: many have several. What perf has no symbol for is
 * `[unknown]` there; here it is the function's start, or what is certain without a symbol.
 */
function isSameFunction(perf: PerfFrame, own: Frame): boolean {
  if (isOfKernel(perf.file)) return isOfKernel(own.file) && perf.name === own.name;
  if (path.basename(perf.file) !== path.basename(own.file)) return false;
  return Number.isNaN(perf.start) ? hasNoSymbol(own) : perf.start === own.address;
}

/** Stacks with their number, the most frequent first. */
function countedByKey<T>(stacks: { stack: T; count: number; key: string }[]) {
  const byKey = new Map<string, { stack: T; count: number }>();
  for (const { stack, count, key } of stacks) {
    const known = byKey.get(key);
    if (known) known.count += count;
    else byKey.set(key, { stack, count });
  }
  return [...byKey.values()].sort((a, b) => b.count - a.count);
}

const perfKey = (stack: PerfStack) =>
  stack.map(({ name, file, start }) => (isOfKernel(file) ? name : `${file} ${start}`)).join(';');

/** `_start;main;f ×3;g`, the end of it where it is long. */
function shown(stack: PerfStack): string {
  const runs: { name: string; times: number }[] = [];
  for (const { name } of stack.toReversed()) {
    const last = runs.at(-1);
    if (last?.name === name) last.times++;
    else runs.push({ name, times: 1 });
  }
  return runs
    .map(({ name, times }) => (times === 1 ? name : `${name} ×${times}`))
    .join(';')
    .slice(-150);
}

/** Prints the comparison. @returns parts of all of perf's samples: in the most frequent stacks, agreeing */
function compare(print: (line: string) => void, perf: PerfStack[], stacks: Stack[]) {
  const own = stacks.map(({ frames, count }) => ({ frames: withoutInlined(frames), count }));
  const total = own.reduce((sum, { count }) => sum + count, 0);
  const all = countedByKey(perf.map((stack) => ({ stack, count: 1, key: perfKey(stack) })));
  let [top, same] = [0, 0];
  let worst = 0;
  print(`${perf.length} samples of perf in ${all.length} stacks, ${total} of the agent`);
  print('   perf   agent');
  for (const { stack, count } of all.slice(0, TOP)) {
    const matching = own.filter(
      ({ frames }) =>
        frames.length === stack.length &&
        stack.every((frame, i) => isSameFunction(frame, frames[i] as Frame)),
    );
    const share = (100 * count) / perf.length;
    const ownShare = (100 * matching.reduce((sum, { count }) => sum + count, 0)) / total;
    top += share;
    if (matching.length > 0) same += share;
    worst = Math.max(worst, Math.abs(share - ownShare));
    const mark = matching.length > 0 ? ' ' : '✗';
    print(
      `${share.toFixed(1).padStart(5)} % ${ownShare.toFixed(1).padStart(5)} % ${mark} ${shown(stack)}`,
    );
  }
  print(
    `agree frame by frame: ${same.toFixed(1)} of ${top.toFixed(1)} %, shares within ${worst.toFixed(1)} points`,
  );
  return { top, same, worst };
}

const missing = isInstalled('perf') ? needsRoot : 'SKIPPED: perf is not installed (linux-perf)';

for (const { name, comm, command } of CASES) {
  test(`beside perf: ${name}`, { skip: missing }, async (t) => {
    let perf: PerfStack[] = [];
    const { stacks } = await sampled(async () => {
      perf = await recordWithPerf(t, command(t), comm, PERF_HZ);
    });
    const own = stacks.filter((stack) => stack.comm === comm);
    const { top, same, worst } = compare((line) => t.diagnostic(line), perf, own);
    assert.ok(perf.length > 500, `only ${perf.length} samples of perf`);
    // Of a stack with a handful of samples the agent may have none by chance.
    assert.ok(top - same < 1, `${(top - same).toFixed(1)} % are in stacks that only perf has`);
    assert.ok(worst < POINTS, `a share differs by ${worst.toFixed(1)} points`);
  });
}
