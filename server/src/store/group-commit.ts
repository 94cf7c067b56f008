import { setTimeout as sleep } from 'node:timers/promises';

export interface GroupOptions<Item, Result> {
  /** Only items with the same key may be in one group. */
  keyOf: (item: Item) => number;
  sizeBytesOf: (item: Item) => number;
  /** What a group takes at most; one item is always taken. */
  maxItems: number;
  maxBytes: number;
  /**
   * After a group of several, and while others wait, the next one begins at least so many
   * milliseconds later than the last one did, unless it is full: larger groups then save more work
   * than they wait.
   */
  apartMs: number;
  /** Writes a group; the results are in the order of the items. */
  write: (items: Item[]) => Promise<Result[]>;
  /** Whether one item may be at fault for the failure of its group: then each is written alone. */
  onesFault: (error: unknown) => boolean;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Group commit: what arrives while a group is being written is the next group, in the order of its
 * arrival. A lone item is written at once, and the slower the store, the larger the groups. Groups of
 * different keys are written side by side.
 */
export class GroupCommit<Item, Result> {
  readonly #options: GroupOptions<Item, Result>;
  /** What waits, by key; a key is here while one of its groups is being written. */
  readonly #lines = new Map<number, Waiting<Item, Result>[]>();

  constructor(options: GroupOptions<Item, Result>) {
    this.#options = options;
  }

  /** Resolves or rejects when the item's own group is done. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      const key = this.#options.keyOf(item);
      const line = this.#lines.get(key);
      if (line) line.push({ item, resolve, reject });
      else void this.#drain(key, [{ item, resolve, reject }]);
    });
  }

  async #drain(key: number, line: Waiting<Item, Result>[]): Promise<void> {
    this.#lines.set(key, line);
    while (line.length > 0) {
      const begin = performance.now();
      const group = line.splice(0, this.#groupLength(line));
      const failed = await this.#write(group);
      if (failed) await this.#writeFailed(group, failed.error);
      // After a group of several, also if nobody waits yet: the next one would go alone, and all that
      // comes while it is written wait for it.
      const busy = group.length > 1 || line.length > 0;
      const restMs = begin + this.#options.apartMs - performance.now();
      if (restMs > 0 && busy && !this.#isFull(line)) await sleep(restMs);
    }
    this.#lines.delete(key);
  }

  async #writeFailed(group: Waiting<Item, Result>[], error: unknown): Promise<void> {
    const alone = group.length > 1 && this.#options.onesFault(error);
    for (const waiting of group) {
      const failed = alone ? await this.#write([waiting]) : { error };
      if (failed) waiting.reject(failed.error);
    }
  }

  #isFull(line: Waiting<Item, Result>[]): boolean {
    if (line.length === 0) return false;
    const length = this.#groupLength(line);
    return length < line.length || length === this.#options.maxItems;
  }

  #groupLength(line: Waiting<Item, Result>[]): number {
    const { maxItems, maxBytes, sizeBytesOf } = this.#options;
    let length = 1;
    let bytes = sizeBytesOf((line[0] as Waiting<Item, Result>).item);
    for (; length < Math.min(line.length, maxItems); length++) {
      bytes += sizeBytesOf((line[length] as Waiting<Item, Result>).item);
      if (bytes > maxBytes) break;
    }
    return length;
  }

  /** @returns what went wrong, if something did: then nobody has been told yet */
  async #write(group: Waiting<Item, Result>[]): Promise<{ error: unknown } | undefined> {
    try {
      const results = await this.#options.write(group.map(({ item }) => item));
      group.forEach(({ resolve }, i) => {
        resolve(results[i] as Result);
      });
      return undefined;
    } catch (error) {
      return { error };
    }
  }
}
