import type { Cost } from './cost.ts';

/** What the agent may cost at most. */
export interface Budget {
  /** Of the host's CPU time: 0.01 is 1 %. */
  cpuShare: number;
  memoryBytes: number;
}

/** How to go on after a window. */
export interface Pace {
  frequencyHz: number;
  /** Give up names and symbols that can be read again. */
  trim: boolean;
  /** Why the frequency changes, if it does: a budget was exceeded, or there is room in both. */
  reason?: 'cpu' | 'memory' | 'room';
}

/** An agent begins by reading the files of the whole host: no judgement by its first windows. */
const WARM_UP_WINDOWS = 2;
/** Windows at one frequency before it is lowered, and before it is raised; the mean counts. */
const WINDOWS_TO_LOWER = 2;
const WINDOWS_TO_RAISE = 4;
/** Raised only below this part of the budgets, to this part of the CPU budget: no see-saw. */
const ROOM = { cpu: 0.6, memory: 0.85, cpuAfter: 0.8 };
const STEP = { most: 2, least: 0.25, memory: 0.5 };

/**
 * Keeps the agent within its budgets by the sampling frequency: lowers it when the cost of the last
 * windows is above one of them, raises it again, up to the one that was configured, when it has long
 * been well below. Part of the cost does not fall with the frequency, so it may take several steps,
 * and a budget below that part is not reached at 1 Hz either.
 */
export class Governor {
  readonly budget: Budget;
  readonly highestHz: number;
  /** Of the windows at the present frequency; the latest, or undefined before there is one. */
  cost: Cost | undefined;
  /** How often the frequency was changed, by reason. */
  readonly changes = { cpu: 0, memory: 0, room: 0 };

  #windows = -WARM_UP_WINDOWS;
  #frequencyHz: number;
  #shares: number[] = [];

  constructor(budget: Budget, highestHz: number) {
    this.budget = budget;
    this.highestHz = highestHz;
    this.#frequencyHz = highestHz;
  }

  /** The frequency of the samples that are being taken. */
  get frequencyHz(): number {
    return this.#frequencyHz;
  }

  /** Takes in what a window at the present frequency cost. @returns what would be right after it */
  judge(latest: Cost): Pace {
    if (++this.#windows <= 0) return { frequencyHz: this.#frequencyHz, trim: false };
    this.#shares = [...this.#shares.slice(1 - WINDOWS_TO_RAISE), latest.cpuShare];
    const cpuShare = this.#shares.reduce((sum, share) => sum + share, 0) / this.#shares.length;
    this.cost = { cpuShare, memoryBytes: latest.memoryBytes };
    const cpu = cpuShare / this.budget.cpuShare;
    const memory = latest.memoryBytes / this.budget.memoryBytes;
    const pace = (factor: number, reason: NonNullable<Pace['reason']>): Pace => {
      const wanted = Math.min(Math.floor(this.#frequencyHz * factor), this.highestHz);
      const frequencyHz = wanted === this.highestHz ? wanted : primeUpTo(wanted);
      return frequencyHz === this.#frequencyHz
        ? { frequencyHz, trim: false }
        : { frequencyHz, trim: reason === 'memory', reason };
    };
    if (this.#windows >= WINDOWS_TO_LOWER) {
      const forCpu = Math.max(STEP.least, ROOM.cpuAfter / cpu);
      if (memory > 1) return pace(Math.min(STEP.memory, forCpu), 'memory');
      if (cpu > 1) return pace(forCpu, 'cpu');
    }
    if (this.#windows >= WINDOWS_TO_RAISE && cpu < ROOM.cpu && memory < ROOM.memory) {
      return pace(Math.min(STEP.most, ROOM.cpuAfter / cpu), 'room');
    }
    return { frequencyHz: this.#frequencyHz, trim: false };
  }

  /** The sampler took this frequency on: what was measured before says nothing about it. */
  changed({ frequencyHz, reason }: Pace): void {
    this.#frequencyHz = frequencyHz;
    this.#windows = 0;
    this.#shares = [];
    if (reason) this.changes[reason]++;
  }
}

/** For the log: what changes, since when and why. To be called before {@link Governor.changed}. */
export function describePace(
  { frequencyHz, reason }: Pace,
  { frequencyHz: before, cost, budget }: Governor,
  fromMs: number,
): string {
  const percent = (share: number) => `${(share * 100).toPrecision(2)} %`;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  const why =
    reason === 'memory'
      ? `${megabytes(cost?.memoryBytes ?? 0)} of memory, the budget is ${megabytes(budget.memoryBytes)}`
      : `${percent(cost?.cpuShare ?? 0)} of the host's CPU time, the budget is ${percent(budget.cpuShare)}`;
  return `sampling at ${frequencyHz} Hz from ${new Date(fromMs).toISOString()} on; at ${before} Hz it took ${why}`;
}

/** The largest prime up to `limit`, which beats with no timer of a round frequency; at least 1. */
function primeUpTo(limit: number): number {
  for (let candidate = limit; candidate > 1; candidate--) {
    let divisor = 2;
    while (divisor * divisor <= candidate && candidate % divisor !== 0) divisor++;
    if (divisor * divisor > candidate) return candidate;
  }
  return 1;
}
