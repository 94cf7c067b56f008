import { formatLabels, type Profile } from '@bunsen/profile';
import { hashStacks, hashTexts } from '../../store/content-hash.ts';

/** What a profile has more than the one before. */
export interface Difference {
  profile: Profile;
  /** Stacks, each of a series, that had more before: their value is 0 and not negative. */
  decreased: number;
}

/**
 * Takes from the values of a profile what they were in the profile before, stack by stack of each
 * label set. A stack that occurs several times is one: its samples have the difference together.
 * @param columns sample types of the profile that are sums since the program started, and where the
 *   same types are in the profile before; the others stay as they are
 */
export function differenceOf(
  profile: Profile,
  before: Profile,
  columns: readonly { column: number; columnBefore: number }[],
): Difference {
  const width = columns.length;
  /** Values of the profile before that are not taken off yet: a row for each stack of a label set. */
  const rest: bigint[] = [];
  const rows = new StackRows();
  forEachSample(before, (sample, labels, stack) => {
    const row = rows.add(labels, stack);
    columns.forEach(({ columnBefore }, i) => {
      const value = before.sampleValues[sample * before.sampleTypes.length + columnBefore];
      rest[row * width + i] = (rest[row * width + i] ?? 0n) + (value as bigint);
    });
  });
  const sampleValues = profile.sampleValues.slice();
  forEachSample(profile, (sample, labels, stack) => {
    const row = rows.find(labels, stack);
    if (row === undefined) return;
    columns.forEach(({ column }, i) => {
      const at = sample * profile.sampleTypes.length + column;
      const had = rest[row * width + i] as bigint;
      if (had === 0n) return;
      const more = (sampleValues[at] as bigint) - had;
      sampleValues[at] = more > 0n ? more : 0n;
      rest[row * width + i] = more > 0n ? 0n : -more;
    });
  });
  let decreased = 0;
  for (let row = 0; row < rows.count; row++) {
    if (columns.some((_, i) => (rest[row * width + i] as bigint) > 0n)) decreased++;
  }
  return { profile: { ...profile, sampleValues }, decreased };
}

/** Numbers the stacks of label sets, by the hashes by which the store tells them apart. */
class StackRows {
  count = 0;
  readonly #ofLabels = new Map<bigint, Map<bigint, number>>();

  add(labels: bigint, stack: bigint): number {
    let stacks = this.#ofLabels.get(labels);
    if (!stacks) {
      stacks = new Map();
      this.#ofLabels.set(labels, stacks);
    }
    let row = stacks.get(stack);
    if (row === undefined) {
      row = this.count++;
      stacks.set(stack, row);
    }
    return row;
  }

  find(labels: bigint, stack: bigint): number | undefined {
    return this.#ofLabels.get(labels)?.get(stack);
  }
}

function forEachSample(
  profile: Profile,
  visit: (sample: number, labels: bigint, stack: bigint) => void,
): void {
  const stacks = hashStacks(profile);
  const labels = profile.labelSets.map((set) => hashTexts([formatLabels(set)]));
  profile.sampleStack.forEach((stack, sample) => {
    visit(
      sample,
      labels[profile.sampleLabels[sample] as number] as bigint,
      stacks[stack] as bigint,
    );
  });
}
