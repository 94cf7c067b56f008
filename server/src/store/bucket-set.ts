/**
 * Buckets of time that have changed since something was made of them. A change during the making
 * leaves its bucket in the set.
 */
export class BucketSet {
  readonly widthMs: number;
  /** Beginning of the bucket -> number of its last change. */
  readonly #changes = new Map<number, number>();
  #last = 0;

  constructor(widthMs: number) {
    this.widthMs = widthMs;
  }

  /** How often something has changed: to be taken before the reading, for {@link settle}. */
  get now(): number {
    return this.#last;
  }

  add(timeMs: number): void {
    this.#changes.set(Math.floor(timeMs / this.widthMs) * this.widthMs, ++this.#last);
  }

  has(bucketMs: number): boolean {
    return this.#changes.has(bucketMs);
  }

  /** Whether a bucket in the range is in the set. */
  hasWithin(fromMs: number, untilMs: number): boolean {
    for (const bucketMs of this.#changes.keys()) {
      if (bucketMs >= fromMs && bucketMs < untilMs) return true;
    }
    return false;
  }

  /** Takes a bucket out, unless it has changed after `before`. */
  settle(bucketMs: number, before: number): void {
    const change = this.#changes.get(bucketMs);
    if (change !== undefined && change <= before) this.#changes.delete(bucketMs);
  }

  get size(): number {
    return this.#changes.size;
  }

  /** Beginnings of the buckets, in no order. */
  get buckets(): number[] {
    return [...this.#changes.keys()];
  }
}
