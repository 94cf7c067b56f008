import { formatLabels, type Labels, MAX_HASHED_LENGTH } from '@bunsen/profile';

/** Collects label sets, each once. */
export class LabelSets {
  readonly sets: Labels[] = [];
  readonly #ids = new Map<string, number>();

  /** Index of a set, which is added if it is new. */
  idOf(labels: Labels): number {
    const text = formatLabels(labels);
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.sets.push(labels) - 1;
    if (text.length <= MAX_HASHED_LENGTH) this.#ids.set(text, id);
    return id;
  }
}
