import type { Labels } from '@bunsen/profile';
import { WINDOW_MS } from '../config.ts';
import type { WindowColumns } from '../sample/native.ts';
import { sum, withPrefix } from './accounting.ts';

/** How far back the processes are told. */
export const KEPT_MS = 5 * 60_000;

/** So many of a window: a host may start thousands of short-lived ones in it. */
const KEPT_PROCESSES = 200;

/** How walks of user stacks ended, how many of each; `complete` ones reached the outermost frame. */
export type WalkEnds = Record<string, number>;

/** One process, as it was sampled in the last windows. */
export interface SampledProcess {
  pid: number;
  service: string;
  samples: number;
  ends: WalkEnds;
}

/** The ends of all walks, from the sampler's counters. */
export function walkEnds(counters: Record<string, number>): WalkEnds {
  const { requests_lost: _, ...ends } = withPrefix(counters, 'unwind_');
  return { ...ends, failed: counters['user_stack_failed'] ?? 0 };
}

const endOf = (counter: string) =>
  counter === 'user_stack_failed' ? 'failed' : counter.replace(/^unwind_/, '');

/** The processes of the last windows, with how the walks of their stacks ended. */
export class WalksByProcess {
  readonly #windows: Map<string, SampledProcess>[] = [];

  /** @param labels of each process of the window */
  add(columns: WindowColumns, string: (index: number) => string, labels: Labels[]): void {
    const processes = Array.from(columns.processPid, (pid, process): SampledProcess => {
      const comm = string(columns.processComm[process] as number);
      return { pid, service: labels[process]?.['service_name'] ?? comm, samples: 0, ends: {} };
    });
    columns.sampleProcess.forEach((process, sample) => {
      (processes[process] as SampledProcess).samples += Number(columns.sampleCount[sample]);
    });
    columns.walkProcess.forEach((process, walk) => {
      const end = endOf(string(columns.walkEnd[walk] as number));
      (processes[process] as SampledProcess).ends[end] = Number(columns.walkCount[walk]);
    });
    const window = new Map<string, SampledProcess>();
    processes.forEach((process, index) => {
      add(window, `${process.pid} ${columns.processStartTicks[index]}`, process);
    });
    const busiest = [...window].sort(([, left], [, right]) => right.samples - left.samples);
    this.#windows.push(new Map(busiest.slice(0, KEPT_PROCESSES)));
    if (this.#windows.length > KEPT_MS / WINDOW_MS) this.#windows.shift();
  }

  /** The processes with most samples, most first. */
  top(count: number): SampledProcess[] {
    const all = new Map<string, SampledProcess>();
    for (const window of this.#windows) {
      for (const [key, process] of window) add(all, key, process);
    }
    return [...all.values()]
      .sort((left, right) => right.samples - left.samples || left.pid - right.pid)
      .slice(0, count);
  }
}

/** Adds a process to those that are known; its present service is the one of its last exec. */
function add(known: Map<string, SampledProcess>, key: string, more: SampledProcess): void {
  const process = known.get(key);
  if (!process) {
    known.set(key, { ...more, ends: { ...more.ends } });
    return;
  }
  process.service = more.service;
  process.samples += more.samples;
  for (const [end, count] of Object.entries(more.ends)) {
    process.ends[end] = (process.ends[end] ?? 0) + count;
  }
}

/** The part of the walks that reached the outermost frame; undefined if there were none. */
export function completeShare(ends: WalkEnds): number | undefined {
  const all = sum(ends);
  return all === 0 ? undefined : (ends['complete'] ?? 0) / all;
}
