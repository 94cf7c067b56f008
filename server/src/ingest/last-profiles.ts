import type { LastProfile, LastProfiles } from './cumulative.ts';

/**
 * The last profile of each series whose values are cumulative, for the difference to the next one. They
 * are in memory only: after a restart the first profile of each series is not counted, and servers that
 * share a store do not know each other's. What was used least recently goes when there is no room.
 */
export class LastProfilesOfSeries {
  readonly #bytes: number;
  #used = 0;
  readonly #profiles = new Map<string, LastProfile>();
  /** By series, the end of the last request that waits for it or has it. */
  readonly #turns = new Map<string, Promise<void>>();

  /** @param bytes how many all of them may take (BUNSEN_CUMULATIVE_BYTES) */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /**
   * Lets requests of the same series work one after the other, in the order in which they came: the one
   * before must be stored before the difference to it is taken. All turns are taken at once, so that
   * two requests cannot wait for each other.
   */
  async inTurn<T>(series: string[], work: (known: LastProfiles) => Promise<T>): Promise<T> {
    const before = Promise.all(series.map((one) => this.#turns.get(one)));
    const result = before.then(() =>
      work(new Map(series.map((one) => [one, this.#profiles.get(one)]))),
    );
    const end = result.then(
      () => {},
      () => {}, // is thrown to who asked for it
    );
    for (const one of series) this.#turns.set(one, end);
    try {
      return await result;
    } finally {
      for (const one of series) if (this.#turns.get(one) === end) this.#turns.delete(one);
    }
  }

  keep(profiles: ReadonlyMap<string, LastProfile>): void {
    for (const [series, profile] of profiles) {
      this.#drop(series);
      this.#profiles.set(series, profile);
      this.#used += sizeBytesOf(series, profile);
    }
    for (const series of this.#profiles.keys()) {
      if (this.#used <= this.#bytes) return;
      this.#drop(series);
    }
  }

  #drop(series: string): void {
    const known = this.#profiles.get(series);
    if (!known) return;
    this.#profiles.delete(series);
    this.#used -= sizeBytesOf(series, known);
  }
}

function sizeBytesOf(series: string, { pprof }: LastProfile): number {
  return series.length * 2 + pprof.length;
}
