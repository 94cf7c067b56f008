// Stacks as `perf record` takes them.
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { type Cleanup, temporaryFolder } from '../harness.ts';

export interface PerfFrame {
  /** `[unknown]` if perf has none. */
  name: string;
  file: string;
  /** Where the function begins: in its file, or in the kernel's memory. NaN if it has no name. */
  start: number;
}

/** Leaf first. Inlined functions are not among them. */
export type PerfStack = PerfFrame[];

/** A line of a stack: `ffffffff81a0 do_syscall_64+0x5b ([kernel.kallsyms])`. */
const FRAME = /^\s+([0-9a-f]+) (.*) \(([^()]*(?:\([^()]*\))?[^()]*)\)$/;
const OFFSET = /^(.*)\+0x([0-9a-f]+)$/;

/**
 * Runs a command to its end under `perf record`.
 * @param comm of threads with this name
 * @returns a stack for each sample
 */
export async function recordWithPerf(
  t: Cleanup,
  command: string[],
  comm: string,
  frequencyHz: number,
): Promise<PerfStack[]> {
  const folder = temporaryFolder(t);
  const data = path.join(folder, 'perf.data');
  // With each sample a copy of 16 KB of its stack, from which perf walks it when it prints it: what
  // does not fit in the buffers is lost, more of what comes in bursts.
  // Without build IDs perf breaks down where another profiler asks for them.
  const record = ['record', '-q', '--buildid-mmap', '-m', '32M', '--call-graph', 'dwarf,16384'];
  const options = ['-e', 'cpu-clock', '-F', String(frequencyHz), '-o', data];
  const env = { ...process.env, HOME: folder }; // where perf keeps copies of what it has seen
  const child = spawn('perf', [...record, ...options, '--', ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
    env,
  });
  t.after(() => child.kill());
  let complaints = '';
  for await (const chunk of child.stderr) complaints += String(chunk);
  const print = ['script', '-i', data, '--no-inline', '-F', 'comm,ip,sym,symoff,dso'];
  const text = execFileSync('perf', [...print, '--comms', comm], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  });
  const stacks = parseScript(text);
  if (stacks.length === 0) throw new Error(`perf record took no samples: ${complaints}`);
  return stacks;
}

/** Samples stand between empty lines: the name of the thread, then its stack. */
function parseScript(text: string): PerfStack[] {
  return text
    .split(/\n\n+/)
    .filter((sample) => sample.trim() !== '')
    .map((sample) => sample.trimEnd().split('\n').slice(1).map(parseFrame));
}

function parseFrame(line: string): PerfFrame {
  const [, address = '', symbol = '', file = ''] = FRAME.exec(line) ?? [];
  if (address === '') throw new Error(`perf script printed ${JSON.stringify(line)}`);
  const [, name, offset] = OFFSET.exec(symbol) ?? [];
  if (name === undefined || offset === undefined) return { name: symbol, file, start: Number.NaN };
  return { name, file, start: Number.parseInt(address, 16) - Number.parseInt(offset, 16) };
}
