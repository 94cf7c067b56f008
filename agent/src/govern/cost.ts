/** What a stretch of sampling cost this host. */
export interface Cost {
  /** Of the CPU time that all CPUs of the host had: 0.01 is 1 %. */
  cpuShare: number;
  /** The agent's resident memory, and what its tables hold in the kernel. */
  memoryBytes: number;
}

/** Where a stretch of sampling begins. */
interface Reading {
  timeNs: bigint;
  /** Of the agent, all its threads, what it starts, and its program in the kernel; in nanoseconds. */
  cpuNs: number;
}

/**
 * Measures the agent itself: its CPU time, all threads included, and the time of its program in the
 * kernel, which that program takes. Not in it is what the kernel needs to get there: about a
 * microsecond for the interrupt of each sample.
 */
export class CostMeter {
  readonly #counters: () => Record<string, number>;
  readonly #cpus: number;
  #last: Reading;

  /** @param counters the sampler's; `run_time_ns`, `lines_cpu_ms` and `table_bytes` are read */
  constructor(counters: () => Record<string, number>, cpus: number) {
    this.#counters = counters;
    this.#cpus = cpus;
    this.#last = this.#read();
  }

  /** The cost since the last call, or since the meter was made. */
  measure(): Cost {
    const last = this.#last;
    this.#last = this.#read();
    const wallNs = Number(this.#last.timeNs - last.timeNs);
    return {
      cpuShare: (this.#last.cpuNs - last.cpuNs) / (Math.max(wallNs, 1) * this.#cpus),
      memoryBytes: process.memoryUsage.rss() + (this.#counters()['table_bytes'] ?? 0),
    };
  }

  #read(): Reading {
    const counters = this.#counters();
    return {
      timeNs: process.hrtime.bigint(),
      cpuNs: agentCpuUs(counters) * 1000 + (counters['run_time_ns'] ?? 0),
    };
  }
}

/**
 * CPU time of the agent, all its threads and what it starts, in microseconds since its start; not of
 * its program in the kernel.
 * @param counters the sampler's
 */
export function agentCpuUs(counters: Record<string, number>): number {
  const { user, system } = process.cpuUsage();
  return user + system + (counters['lines_cpu_ms'] ?? 0) * 1000;
}
