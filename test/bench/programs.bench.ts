// How well the stacks of programs are walked and named that nobody has built for a profiler. Needs
// root; programs that are not installed are named, and left out.
import { needsRoot } from '../harness.ts';
import { type Frame, type Stack, sampled } from '../kernel/sampled.ts';
import { isInstalled, isStart } from '../kernel/stack-ends.ts';
import { functionStarts } from './function-starts.ts';
import { LOADS, type Load } from './program-loads.ts';
import { Cleanups, type Figure, parseSize, report } from './report.ts';

const size = parseSize();
const SECONDS = size === 'full' ? 30 : 6;
const START_BAR = 98;
const NAME_BAR = 97;
/** Named, or a frame that is a function all the same: by its start. The rest is one of an address. */
const FOLDED_BAR = 99;

if (needsRoot) {
  console.error(needsRoot);
  process.exit(2);
}

const figures: Figure[] = [];
for (const load of LOADS) {
  const missing = load.needs.filter((program) => !isInstalled(program));
  if (missing.length > 0) {
    console.log(`${load.name}: NOT MEASURED, not installed: ${missing.join(', ')}`);
    continue;
  }
  await Cleanups.run(async (t) => {
    figures.push(...(await measure(t, load)));
  });
}
report('programs', size, figures);

async function measure(t: Cleanups, load: Load): Promise<Figure[]> {
  const work = await load.prepare(t, SECONDS);
  if ('missing' in work) {
    console.log(`${load.name}: NOT MEASURED: ${work.missing}`);
    return [];
  }
  const { stacks } = await sampled(() => work.run());
  let [user, reached, frames, named, byStart] = [0, 0, 0, 0, 0];
  const ends = new Map<string, number>();
  const unnamed = new Map<string, number>();
  const byAddress = new Map<string, number>();
  for (const stack of stacks.filter(work.is)) {
    const own = userFrames(stack);
    const outermost = own.at(-1);
    if (!outermost) continue;
    user += stack.count;
    if (isStart(outermost)) reached += stack.count;
    else
      add(
        ends,
        own
          .slice(-2)
          .map(({ name }) => name)
          .join(' < '),
        stack.count,
      );
    for (const frame of own) {
      // Marks of where a walk ended are no frames.
      if (/^\[(incomplete|truncated|stack lost)\]$/.test(frame.name)) continue;
      frames += stack.count;
      if (isNamed(frame)) named += stack.count;
      else {
        add(unnamed, frame.file, stack.count);
        if (functionStarts(frame.file).has(frame.address)) byStart += stack.count;
        else add(byAddress, frame.file, stack.count);
      }
    }
  }
  const figure = (name: string, value: number, bar: number, worst: Map<string, number>) => ({
    name: `${load.name}.${name}`,
    value,
    unit: '%',
    bar: `>= ${bar}`,
    note: `${user} samples${mostOf(worst)}`,
  });
  return [
    figure('to_start', (100 * reached) / user, START_BAR, ends),
    figure('named', (100 * named) / frames, NAME_BAR, unnamed),
    figure('folded', (100 * (named + byStart)) / frames, FOLDED_BAR, byAddress),
  ];
}

/** Empty if nothing is known of the process, its memory is gone, or it was in the kernel all the way. */
function userFrames({ frames }: Stack): Frame[] {
  if (frames.some(({ name }) => name === 'do_exit')) return [];
  const own = frames.filter((frame) => !isOfKernel(frame));
  return own.at(-1)?.name === '[process exited]' ? [] : own;
}

/** Mappings of the kernel and its modules are in brackets; so are a few of processes. */
function isOfKernel({ file }: Frame): boolean {
  return /^\[.*\]$/.test(file) && !/^\[(jit|anon|unknown|vdso)\]$/.test(file);
}

function isNamed({ name }: Frame): boolean {
  return !/\+0x[0-9a-f]+$|^\[(unknown|anon)\]$/.test(name);
}

function add(sums: Map<string, number>, key: string, count: number) {
  sums.set(key, (sums.get(key) ?? 0) + count);
}

function mostOf(sums: Map<string, number>): string {
  const [most] = [...sums].sort((a, b) => b[1] - a[1]);
  return most ? `; else most often ${most[1]} × ${most[0] || '?'}` : '';
}
