import { functionOfFrame, NO_STACK_FRAME, type Profile } from '@bunsen/profile';
import { Dictionary } from './dictionary.ts';

/** What a profile says about its functions, as columns: a row per group, type and function. */
export interface FunctionSums {
  /** Distinct functions, in the form of {@link functionOfFrame}. */
  functions: string[];
  group: Uint32Array;
  /** Index of the sample type. */
  type: Uint32Array;
  /** Index into `functions`. */
  function: Uint32Array;
  /** Value of the samples that end in the function. */
  self: BigInt64Array;
  /** Value of the samples whose stack has the function: once, however often it recurs in there. */
  total: BigInt64Array;
}

/**
 * Sums a profile's values by function.
 * @param groupOf group of each label set, from 0; sums are kept apart by it
 */
export function sumFunctions(
  profile: Profile,
  groupOf: ArrayLike<number>,
  groupCount: number,
): FunctionSums {
  const { sampleStack, sampleLabels, sampleValues } = profile;
  const { functions, offsets, stackFunctions } = functionsOfStacks(profile);
  const typeCount = profile.sampleTypes.length;
  const sums = new SplitSums(functions.length * typeCount);
  // Values as two halves, which doubles add up without error: adding bigints takes ten times as long.
  const halves = [sampleValues.buffer, sampleValues.byteOffset, sampleValues.length * 2] as const;
  const low = new Uint32Array(...halves);
  const high = new Int32Array(...halves);
  const group: number[] = [];
  const type: number[] = [];
  const fn: number[] = [];
  const self: bigint[] = [];
  const total: bigint[] = [];
  // A group at a time, so that the sums need room for one, however many there are.
  for (const [g, samples] of samplesByGroup(sampleLabels, groupOf, groupCount).entries()) {
    for (const sample of samples) {
      const stack = sampleStack[sample] as number;
      const start = offsets[stack] as number;
      const end = offsets[stack + 1] as number;
      for (let t = 0; t < typeCount; t++) {
        const value = (sample * typeCount + t) * 2;
        const lowHalf = low[value] as number;
        const highHalf = high[value + 1] as number;
        if (lowHalf === 0 && highHalf === 0) continue;
        sums.addSelf((stackFunctions[start] as number) * typeCount + t, lowHalf, highHalf);
        for (let i = start; i < end; i++) {
          sums.addTotal((stackFunctions[i] as number) * typeCount + t, lowHalf, highHalf);
        }
      }
    }
    sums.drain((at, selfSum, totalSum) => {
      group.push(g);
      type.push(at % typeCount);
      fn.push(Math.floor(at / typeCount));
      self.push(selfSum);
      total.push(totalSum);
    });
  }
  return {
    functions,
    group: Uint32Array.from(group),
    type: Uint32Array.from(type),
    function: Uint32Array.from(fn),
    self: BigInt64Array.from(self),
    total: BigInt64Array.from(total),
  };
}

interface StackFunctions {
  functions: string[];
  /** One entry more than there are stacks; starts with 0. */
  offsets: Uint32Array;
  /** Distinct functions of each stack, one or more. The first is that of the leaf. */
  stackFunctions: Uint32Array;
}

function functionsOfStacks({ frames, stackOffsets, stackFrames }: Profile): StackFunctions {
  const dictionary = new Dictionary();
  const functionOf = Uint32Array.from(frames, (frame) => dictionary.code(functionOfFrame(frame)));
  const none = dictionary.code(NO_STACK_FRAME);
  const stackCount = stackOffsets.length - 1;
  const offsets = new Uint32Array(stackCount + 1);
  const stackFunctions = new Uint32Array(stackFrames.length + stackCount);
  /** Per function: the last stack that had it, plus 1. */
  const lastStack = new Uint32Array(dictionary.texts.length);
  let at = 0;
  for (let stack = 0; stack < stackCount; stack++) {
    const start = stackOffsets[stack] as number;
    const end = stackOffsets[stack + 1] as number;
    if (start === end) stackFunctions[at++] = none;
    for (let i = end - 1; i >= start; i--) {
      const code = functionOf[stackFrames[i] as number] as number;
      if (lastStack[code] === stack + 1) continue;
      lastStack[code] = stack + 1;
      stackFunctions[at++] = code;
    }
    offsets[stack + 1] = at;
  }
  return { functions: dictionary.texts, offsets, stackFunctions };
}

/** Indices of samples of each group, by a counting sort. */
function samplesByGroup(
  sampleLabels: Uint32Array,
  groupOf: ArrayLike<number>,
  groupCount: number,
): Uint32Array[] {
  const starts = new Uint32Array(groupCount + 1);
  for (const set of sampleLabels) (starts[(groupOf[set] as number) + 1] as number)++;
  for (let g = 0; g < groupCount; g++) {
    starts[g + 1] = (starts[g + 1] as number) + (starts[g] as number);
  }
  const next = starts.slice();
  const sorted = new Uint32Array(sampleLabels.length);
  sampleLabels.forEach((set, sample) => {
    const g = groupOf[set] as number;
    const at = next[g] as number;
    sorted[at] = sample;
    next[g] = at + 1;
  });
  return Array.from({ length: groupCount }, (_, g) => sorted.subarray(starts[g], starts[g + 1]));
}

/**
 * Sums of 64-bit numbers by index, each as the sum of its low and of its high halves. They are exact
 * up to 2^21 additions, more than a push may have values.
 */
class SplitSums {
  readonly #selfLow: Float64Array;
  readonly #selfHigh: Float64Array;
  readonly #totalLow: Float64Array;
  readonly #totalHigh: Float64Array;
  readonly #touched: Uint8Array;
  #live: number[] = [];

  constructor(size: number) {
    this.#selfLow = new Float64Array(size);
    this.#selfHigh = new Float64Array(size);
    this.#totalLow = new Float64Array(size);
    this.#totalHigh = new Float64Array(size);
    this.#touched = new Uint8Array(size);
  }

  addSelf(at: number, low: number, high: number): void {
    this.#selfLow[at] = (this.#selfLow[at] as number) + low;
    this.#selfHigh[at] = (this.#selfHigh[at] as number) + high;
  }

  /** Also makes {@link drain} give the index. */
  addTotal(at: number, low: number, high: number): void {
    if (this.#touched[at] === 0) {
      this.#touched[at] = 1;
      this.#live.push(at);
    }
    this.#totalLow[at] = (this.#totalLow[at] as number) + low;
    this.#totalHigh[at] = (this.#totalHigh[at] as number) + high;
  }

  /** Gives every index that was added to, and starts anew. */
  drain(each: (at: number, self: bigint, total: bigint) => void): void {
    for (const at of this.#live) {
      each(
        at,
        joined(this.#selfLow[at] as number, this.#selfHigh[at] as number),
        joined(this.#totalLow[at] as number, this.#totalHigh[at] as number),
      );
      this.#selfLow[at] = 0;
      this.#selfHigh[at] = 0;
      this.#totalLow[at] = 0;
      this.#totalHigh[at] = 0;
      this.#touched[at] = 0;
    }
    this.#live = [];
  }
}

function joined(low: number, high: number): bigint {
  return high === 0 ? BigInt(low) : BigInt(high) * 0x1_0000_0000n + BigInt(low);
}
