import { formatFrame, type Labels, type Profile } from '@bunsen/profile';

/** 99 Hz in whole nanoseconds, as the agent counts: every value is a multiple of it. */
export const PERIOD_NS = 10_101_010n;

export interface FleetOptions {
  seed: number;
  /** Functions that a service's stacks are made of; at most 65536. */
  functions: number;
  /** Distinct stacks of a service. */
  stacks: (service: string) => number;
  /** Frames of a stack, from and to. */
  depth: [number, number];
}

/** What one pod of a service ran in a window. */
export interface PodWindow {
  service: string;
  /** Of its series, `service_name` included. */
  labels: Labels;
  /** Distinct stacks: each is one sample row. At most as many as the service has. */
  samples: number;
}

/** One host's window. */
export interface HostWindow {
  pods: PodWindow[];
  /** Numbers the window: with the seed and the pod's labels it says which stacks ran. */
  number: number;
  timeMs: number;
}

/** New frames of a stack at most: 9.5 on average, as 60,000 stacks of a real service have 9 nodes each. */
const MOST_NEW_FRAMES = 18;

/**
 * A made-up fleet, the same for the same seed: services whose stacks are branches of one call tree
 * each and occur by Zipf's law (1.05), so that windows share most of what is hot, and each has some
 * that are rare.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #pools = new Map<string, StackPool>();
  /** Windows made so far: what a pool noted for an earlier one does not count any more. */
  #made = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** As the server has it after it has decoded a push. */
  window({ pods, number, timeMs }: HostWindow): Profile {
    const window = ++this.#made;
    const rows = pods.reduce((sum, { samples }) => sum + samples, 0);
    const frames: string[] = [];
    const stackOffsets = new Uint32Array(rows + 1);
    const stackFrames = new Uint32Array(rows * this.#options.depth[1]);
    const sampleStack = new Uint32Array(rows);
    const sampleLabels = new Uint32Array(rows);
    const counts = new Float64Array(rows);
    let stacks = 0;
    let row = 0;
    pods.forEach(({ service, labels, samples }, pod) => {
      const pool = this.#poolOf(service);
      const random = randomOf(`${this.#options.seed} ${number} ${JSON.stringify(labels)}`);
      for (const [stack, count] of pool.counts(samples, random)) {
        if (pool.stackWindow[stack] !== window) {
          pool.stackWindow[stack] = window;
          pool.stackIndex[stack] = stacks;
          let at = stackOffsets[stacks] as number;
          for (const fn of pool.functionsOf(stack)) {
            if (pool.frameWindow[fn] !== window) {
              pool.frameWindow[fn] = window;
              pool.frameIndex[fn] = frames.push(pool.frames[fn] as string) - 1;
            }
            stackFrames[at++] = pool.frameIndex[fn] as number;
          }
          stackOffsets[++stacks] = at;
        }
        sampleStack[row] = pool.stackIndex[stack] as number;
        sampleLabels[row] = pod;
        counts[row++] = count;
      }
    });
    return {
      timeNs: BigInt(timeMs) * 1_000_000n,
      durationNs: 15_000_000_000n,
      sampleTypes: [{ type: 'cpu', unit: 'nanoseconds' }],
      periodType: { type: 'cpu', unit: 'nanoseconds' },
      period: PERIOD_NS,
      frames,
      stackOffsets: stackOffsets.slice(0, stacks + 1),
      stackFrames: stackFrames.slice(0, stackOffsets[stacks]),
      sampleStack: sampleStack.subarray(0, row),
      sampleLabels: sampleLabels.subarray(0, row),
      sampleValues: BigInt64Array.from(
        counts.subarray(0, row),
        (count) => BigInt(count) * PERIOD_NS,
      ),
      labelSets: pods.map(({ labels }) => labels),
    };
  }

  #poolOf(service: string): StackPool {
    let pool = this.#pools.get(service);
    if (!pool) {
      pool = new StackPool(service, this.#options);
      this.#pools.set(service, pool);
    }
    return pool;
  }
}

/** The stacks of one service, the most frequent first. */
class StackPool {
  readonly size: number;
  /** Stored form of each function's frame. */
  readonly frames: string[];
  /** What the window that is being made calls a stack or a frame, and which window that was. */
  readonly stackIndex: Uint32Array;
  readonly stackWindow: Uint32Array;
  readonly frameIndex: Uint32Array;
  readonly frameWindow: Uint32Array;
  readonly #offsets: Uint32Array;
  /** Root first. */
  readonly #functions: Uint16Array;
  /** Sum of the probabilities up to each stack, before it is divided by the last one. */
  readonly #zipf: Float64Array;

  constructor(service: string, { seed, functions, stacks, depth }: FleetOptions) {
    this.size = stacks(service);
    this.frames = Array.from({ length: functions }, (_, fn) =>
      formatFrame({ name: `${service}::module_${fn % 97}::Function${fn}::call`, module: service }),
    );
    this.stackIndex = new Uint32Array(this.size);
    this.stackWindow = new Uint32Array(this.size);
    this.frameIndex = new Uint32Array(functions);
    this.frameWindow = new Uint32Array(functions);
    this.#zipf = new Float64Array(this.size);
    this.#offsets = new Uint32Array(this.size + 1);
    const all = new Uint16Array(this.size * depth[1]);
    const random = randomOf(`${seed} ${service}`);
    const below = (limit: number) => Math.floor(random() * limit);
    let [at, sum] = [0, 0];
    for (let stack = 0; stack < this.size; stack++) {
      sum += (stack + 1) ** -1.05;
      this.#zipf[stack] = sum;
      // Each leaves another one at some depth: branches of one tree.
      const length = depth[0] + below(depth[1] - depth[0] + 1);
      const trunk = stack === 0 ? 0 : below(stack);
      const from = this.#offsets[trunk] as number;
      const shared = Math.min(
        (this.#offsets[trunk + 1] as number) - from,
        Math.max(0, length - 1 - below(MOST_NEW_FRAMES)),
      );
      all.copyWithin(at, from, from + shared);
      for (let i = shared; i < length; i++) all[at + i] = below(functions);
      at += length;
      this.#offsets[stack + 1] = at;
    }
    this.#functions = all.slice(0, at);
  }

  /** Root first. */
  functionsOf(stack: number): Uint16Array {
    return this.#functions.subarray(this.#offsets[stack], this.#offsets[stack + 1]);
  }

  /** How often each of so many stacks occurs. */
  counts(samples: number, random: () => number): Map<number, number> {
    if (samples >= this.size) {
      // Drawing until the rarest comes would take millions of draws: as often as can be expected.
      return new Map(
        Array.from(this.#zipf.keys(), (stack) => [stack, Math.ceil(this.size / (stack + 1))]),
      );
    }
    const counts = new Map<number, number>();
    while (counts.size < samples) {
      const stack = this.#draw(random());
      counts.set(stack, (counts.get(stack) ?? 0) + 1);
    }
    return counts;
  }

  /** @param random from 0 up to 1 */
  #draw(random: number): number {
    const sought = random * (this.#zipf[this.size - 1] as number);
    let [low, high] = [0, this.size - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#zipf[middle] as number) < sought) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32 from a FNV-1a hash). */
export function randomOf(seed: string): () => number {
  let state = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
