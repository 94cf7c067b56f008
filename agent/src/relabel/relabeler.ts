import { createHash } from 'node:crypto';
import type { Labels } from '@bunsen/profile';
import { relabel } from './relabel.ts';
import type { RelabelRule } from './rule.ts';

/** What the rules make of labels, or the rule that drops them. */
export type Relabelled = { labels: Readonly<Labels> } | { droppedBy: RelabelRule };

/**
 * The rules, with what they made of the labels of the last two windows: most processes are in each,
 * and an expression takes milliseconds over a command line of 16 KiB.
 */
export class Relabeler {
  readonly rules: readonly RelabelRule[];
  #latest = new Map<string, Relabelled>();
  #before = new Map<string, Relabelled>();

  constructor(rules: readonly RelabelRule[]) {
    this.rules = rules;
  }

  /** @param labels in the same order each time, or they are worked out again */
  apply(labels: Readonly<Labels>): Relabelled {
    const key = createHash('sha256').update(JSON.stringify(labels)).digest('base64');
    let result = this.#latest.get(key) ?? this.#before.get(key);
    if (!result) {
      const changed = { ...labels };
      const droppedBy = relabel(changed, this.rules);
      result = droppedBy ? { droppedBy } : { labels: changed };
    }
    this.#latest.set(key, result);
    return result;
  }

  /** Forgets what only the window before this one had. */
  endWindow(): void {
    this.#before = this.#latest;
    this.#latest = new Map();
  }
}
