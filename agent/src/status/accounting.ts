import type { Spool } from '../ship/spool.ts';

/** What became of every sample: both sides are the same. */
export interface Balance {
  /** By this agent's kernel program. */
  taken: number;
  /** Found in the spool when the agent started: taken by an earlier one. */
  inherited: number;
  filtered: Record<string, number>;
  lost: Record<string, number>;
  shipped: number;
  onTheWay: { kernel: number; window: number; spool: number };
  /** What no other figure explains. Anything but 0 is a bug. */
  unaccounted: number;
}

/**
 * Follows the samples through the agent. At any moment
 * taken + inherited = filtered + lost + shipped + on the way;
 * once the agent has stopped, nothing is on its way but what the spool holds.
 */
export class Accounting {
  inheritedSamples = 0;
  shippedSamples = 0;
  /** Why the server does not get the windows; undefined if it does. */
  delayedBy: string | undefined;
  /** Dropped by relabelling, by the name of the rule. */
  readonly droppedByRule: Record<string, number> = {};
  /** Lost in user space, by reason; the kernel's own losses are counters of the sampler. */
  readonly lost = { spool_full: 0, spool_write_failed: 0, rejected: 0 };

  get droppedSamples(): number {
    return sum(this.droppedByRule);
  }

  drop(byRule: ReadonlyMap<string, number>): void {
    for (const [rule, samples] of byRule) {
      this.droppedByRule[rule] = (this.droppedByRule[rule] ?? 0) + samples;
    }
  }

  /** @param counters the sampler's; `filtered_*` and `lost_*` are reasons, by their names */
  balance(counters: Record<string, number>, spool: Spool): Balance {
    const taken = counters['samples_taken'] ?? 0;
    const folded = counters['samples_folded'] ?? 0;
    const filteredInKernel = withPrefix(counters, 'filtered_');
    const lostInKernel = withPrefix(counters, 'lost_');
    const filtered = { ...filteredInKernel, relabel: this.droppedSamples };
    const lost = { ...lostInKernel, ...this.lost };
    const onTheWay = {
      // A sample that is being taken may be in one counter and not yet in the other.
      kernel: Math.max(0, taken - sum(filteredInKernel) - sum(lostInKernel) - folded),
      window: Math.max(
        0,
        folded - this.droppedSamples - spool.addedSamples - this.lost.spool_write_failed,
      ),
      spool: spool.samples,
    };
    const { spool_full, rejected } = this.lost;
    const leftSpool = this.shippedSamples + spool_full + rejected;
    return {
      taken,
      inherited: this.inheritedSamples,
      filtered,
      lost,
      shipped: this.shippedSamples,
      onTheWay,
      unaccounted: this.inheritedSamples + spool.addedSamples - leftSpool - spool.samples,
    };
  }

  /** Every figure by name, as one flat record: for the log at the end, and for tests. */
  summary(counters: Record<string, number>, spool: Spool): Record<string, number> {
    return {
      ...counters,
      filtered_relabel: this.droppedSamples,
      ...Object.fromEntries(Object.entries(this.lost).map(([reason, n]) => [`lost_${reason}`, n])),
      inherited: this.inheritedSamples,
      shipped: this.shippedSamples,
      spooled: spool.samples,
    };
  }
}

/** The figures whose names begin with `prefix`, by the rest of their names. */
export function withPrefix(
  figures: Record<string, number>,
  prefix: string,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

export function sum(figures: Record<string, number>): number {
  return Object.values(figures).reduce((total, value) => total + value, 0);
}
