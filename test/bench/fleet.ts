import { gzipSync } from 'node:zlib';
import { encodePprof } from '@bunsen/profile';

/** 99 Hz in whole nanoseconds, as the agent counts. */
const PERIOD_NS = 10_101_010n;

export interface FleetOptions {
  seed: number;
  /** Functions that a service's stacks are made of. */
  functions: number;
  /** Distinct stacks of a service. */
  stacks: number;
  /** Frames of a stack, from and to. */
  depth: [number, number];
}

export interface WindowOptions {
  /** Services that share the window. */
  services: string[];
  host: string;
  /** Distinct stacks, over all services: each is one sample row. 'all' = each stack of each service. */
  samples: number | 'all';
  timeMs: number;
}

/**
 * A made-up fleet, the same for the same seed: services whose stacks are branches of one call tree
 * each and occur by Zipf's law (1.05), so that windows share most of what is hot, and each has some
 * that are rare.
 */
export class Fleet {
  readonly #random: () => number;
  readonly #options: FleetOptions;
  readonly #services = new Map<string, number[][]>();
  /** Sum of the probabilities up to each rank. */
  readonly #zipf: Float64Array;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed);
    this.#zipf = new Float64Array(options.stacks);
    let sum = 0;
    for (let rank = 0; rank < options.stacks; rank++) {
      sum += (rank + 1) ** -1.05;
      this.#zipf[rank] = sum;
    }
  }

  /** One host's window as a gzipped pprof, every sample of another stack or series. */
  window({ services, host, samples, timeMs }: WindowOptions): Buffer {
    const { functions } = this.#options;
    const stacks: number[][] = [];
    const labels: number[] = [];
    const values: bigint[] = [];
    services.forEach((service, index) => {
      const pool = this.#stacksOf(service);
      const share =
        samples === 'all'
          ? pool.length
          : Math.ceil((samples - stacks.length) / (services.length - index));
      for (const [rank, count] of this.#counts(share)) {
        stacks.push((pool[rank] as number[]).map((fn) => fn + index * functions));
        labels.push(index);
        values.push(BigInt(count) * PERIOD_NS);
      }
    });
    const used = [...new Set(stacks.flat())];
    const codes = new Map(used.map((fn, code) => [fn, code]));
    const offsets = new Uint32Array(stacks.length + 1);
    stacks.forEach((stack, i) => {
      offsets[i + 1] = (offsets[i] as number) + stack.length;
    });
    const pprof = encodePprof({
      timeNs: BigInt(timeMs) * 1_000_000n,
      durationNs: 15_000_000_000n,
      sampleTypes: [{ type: 'cpu', unit: 'nanoseconds' }],
      periodType: { type: 'cpu', unit: 'nanoseconds' },
      period: PERIOD_NS,
      mappings: services.map((service) => ({ file: `/usr/bin/${service}`, buildId: '' })),
      functions: used.map((fn) => {
        const index = Math.floor(fn / functions);
        const name = `${services[index]}::module_${fn % 97}::Function${fn % functions}::call`;
        return { name, systemName: name, mapping: index, address: BigInt(fn) };
      }),
      stackOffsets: offsets,
      stackFunctions: Uint32Array.from(stacks.flat(), (fn) => codes.get(fn) as number),
      sampleStack: stacks.map((_, i) => i),
      sampleLabels: labels,
      sampleValues: BigInt64Array.from(values),
      labelSets: services.map((service) => ({
        service_name: service,
        host,
        container: `${service}-0`,
      })),
    });
    return gzipSync(pprof, { level: 6 });
  }

  /** How often each of `share` stacks occurs, by its rank. */
  #counts(share: number): Map<number, number> {
    const { stacks } = this.#options;
    if (share >= stacks) {
      // Drawing until the rarest comes would take millions of draws: as often as can be expected.
      return new Map(
        Array.from(this.#zipf.keys(), (rank) => [rank, Math.ceil(stacks / (rank + 1))]),
      );
    }
    const counts = new Map<number, number>();
    while (counts.size < share) {
      const rank = this.#rank();
      counts.set(rank, (counts.get(rank) ?? 0) + 1);
    }
    return counts;
  }

  /** Leaf first. Each stack leaves another one at some depth: branches of one tree. */
  #stacksOf(service: string): number[][] {
    let stacks = this.#services.get(service);
    if (stacks) return stacks;
    const { functions, depth } = this.#options;
    const below = (limit: number) => Math.floor(this.#random() * limit);
    stacks = [];
    for (let i = 0; i < this.#options.stacks; i++) {
      const length = depth[0] + below(depth[1] - depth[0] + 1);
      const trunk = (stacks[below(stacks.length)] ?? []).slice().reverse();
      const stack = trunk.slice(0, Math.max(1, length - below(12) - 1));
      while (stack.length < length) stack.push(below(functions));
      stacks.push(stack.reverse());
    }
    this.#services.set(service, stacks);
    return stacks;
  }

  #rank(): number {
    const at = this.#random() * (this.#zipf.at(-1) as number);
    let [low, high] = [0, this.#zipf.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#zipf[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
