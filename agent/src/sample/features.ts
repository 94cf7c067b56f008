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

/** What is less than on the latest kernels, and what comes of it: for people, one line each. */
export function limitsOf({ walk, noTables, preallocated, taskRecords }: Started): string[] {
  const limits: string[] = [];
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
