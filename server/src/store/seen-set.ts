/** Keys in a bucket: how many a new key can choose from to replace. */
const WAYS = 8;

/**
 * The 64-bit keys of what is known to be in the store, so that it need not be written again. It
 * forgets when it is full, and writing something again does no harm; it never claims a key that was
 * not added. The memory is shared: workers ask, and only the main thread adds, once a write is durable.
 */
export class SeenSet {
  readonly buffer: SharedArrayBuffer;
  readonly #keys: BigUint64Array;
  readonly #buckets: bigint;
  #victim = 0;

  /** @param source what to share with, or how many keys there is room for (8 bytes each) */
  constructor(source: SharedArrayBuffer | number) {
    this.buffer =
      typeof source === 'number'
        ? new SharedArrayBuffer(Math.ceil(source / WAYS) * WAYS * 8)
        : source;
    this.#keys = new BigUint64Array(this.buffer);
    this.#buckets = BigInt(this.#keys.length / WAYS);
  }

  has(key: bigint): boolean {
    const start = Number(key % this.#buckets) * WAYS;
    for (let i = start; i < start + WAYS; i++) {
      if (Atomics.load(this.#keys, i) === key) return true;
    }
    return false;
  }

  /** @param key not 0 */
  add(key: bigint): void {
    const start = Number(key % this.#buckets) * WAYS;
    let at = start + (this.#victim++ % WAYS);
    for (let i = start; i < start + WAYS; i++) {
      const held = Atomics.load(this.#keys, i);
      if (held === key) return;
      if (held === 0n) {
        at = i;
        break;
      }
    }
    Atomics.store(this.#keys, at, key);
  }

  clear(): void {
    for (let i = 0; i < this.#keys.length; i++) Atomics.store(this.#keys, i, 0n);
  }
}
