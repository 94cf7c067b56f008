import { createReadStream } from 'node:fs';

/**
 * What the sampler uses of a kernel and can do without: user stacks walked by tables, in a loop of
 * BPF's, maps that grow, records of processes that come and go.
 */
export const FEATURES = ['tables', 'bpf_loop', 'growing_maps', 'task_records'] as const;
export type Feature = (typeof FEATURES)[number];

/** What the kernel lets the sampler do. */
export interface Started {
  cpus: number;
  /** The kernel's maps have their memory from the start, and are smaller. */
  preallocated: boolean;
  /** Bytes of kernel memory when all maps are full. */
  mapBytes: number;
  /** How user stacks are walked: by tables in a loop, by tables with a call a frame, by pointers. */
  walk: 'loop' | 'calls' | 'pointers';
  /** Why user stacks are walked by frame pointers alone; undefined if they are not. */
  noTables?: string;
  /** Processes that are gone are known from the kernel's records. */
  taskRecords: boolean;
}

/** What the agent may see of the host. */
export interface View {
  /** Process ids of the kernel are not those of this process' /proc. */
  foreignPids: boolean;
  /** /proc/kallsyms has no addresses. */
  kernelAddressesHidden: boolean;
}

/** @param counters of a sampler that has started */
export async function viewOf(counters: Record<string, number>): Promise<View> {
  return {
    foreignPids: counters['pid_namespace_foreign'] === 1,
    kernelAddressesHidden: await areAddressesHidden('/proc/kallsyms'),
  };
}

/** Whether all symbols are at 0; the first ones, of variables of each CPU, always are. */
export async function areAddressesHidden(kallsyms: string): Promise<boolean> {
  for await (const piece of createReadStream(kallsyms, 'latin1')) {
    if (/^(?!0+ )[0-9a-f]{8,} /m.test(piece)) return false;
  }
  return true;
}

/** What is less than it could be, and what comes of it: for people, one line each. */
export function limitsOf(
  { walk, noTables, preallocated, taskRecords }: Started,
  { foreignPids, kernelAddressesHidden }: View,
): string[] {
  const limits: string[] = [];
  if (foreignPids) {
    limits.push(
      'this is not the first pid namespace, so no process is found under the id that the kernel gives it, and nothing in programs has a name: run the agent with the pid namespace of the host (--pid=host, hostPID)',
    );
  }
  if (kernelAddressesHidden) {
    limits.push(
      'functions of the kernel have no names: run as root or with CAP_SYSLOG, and with kernel.kptr_restrict below 2',
    );
  }
  if (walk === 'pointers') {
    limits.push(
      `user stacks by frame pointers alone, programs built without them show little: ${noTables}`,
    );
  }
  if (walk === 'calls') limits.push('without bpf_loop user stacks cost more to walk');
  if (preallocated) {
    limits.push(
      'without maps that grow there is room for fewer different stacks between two drains; those above it lose their callers, which is counted as chains_full',
    );
  }
  if (!taskRecords) {
    limits.push(
      'without records of processes, those that are gone before they are looked at have no names',
    );
  }
  return limits;
}
