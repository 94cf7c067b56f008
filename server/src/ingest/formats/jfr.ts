import { fromBinary } from '@bufbuild/protobuf';
import {
  formatFrame,
  formatProfileType,
  type Labels,
  type Profile,
  type ProfileType,
  StackColumnsBuilder,
} from '@bunsen/profile';
import { type LabelsSnapshot, LabelsSnapshotSchema } from '@bunsen/proto/jfr/labels';
import { BunsenError } from '../../errors.ts';
import { type IngestLimits, tooMany } from '../limits.ts';
import { checkMessages } from './check-messages.ts';
import { checkSums } from './check-sums.ts';
import { type DecodedProfile, type SpanWords, spanOf, spansOf, withoutSpan } from './decoded.ts';
import { type ByteBudget, isGzip } from './inflate.ts';
import { JfrChunk, type JfrObject, type JfrValue } from './jfr-chunk.ts';
import { LabelSets } from './label-sets.ts';

export interface JfrRequest {
  labels: Labels;
  /** Samples a second, of CPU and wall time. */
  sampleRate: number;
  /** Used instead of the recording's own start. */
  fromMs: number | undefined;
  /** The part `labels`: what the contexts of events stand for; gzipped or not. */
  snapshot: Uint8Array | undefined;
}

/** A kind of profile that a recording holds, with the names that Pyroscope gives it. */
interface Kind {
  name: string;
  /** [type, unit] of each value. */
  values: [string, string][];
  period: [string, string];
}

const KINDS = {
  cpu: { name: 'process_cpu', values: [['cpu', 'nanoseconds']], period: ['cpu', 'nanoseconds'] },
  wall: { name: 'wall', values: [['wall', 'nanoseconds']], period: ['wall', 'nanoseconds'] },
  inTlab: allocations('alloc_in_new_tlab'),
  outsideTlab: allocations('alloc_outside_tlab'),
  allocationSample: allocations('alloc_sample'),
  monitor: waits('mutex'),
  park: waits('block'),
  live: { name: 'memory', values: [['live', 'count']], period: ['objects', 'count'] },
} satisfies Record<string, Kind>;

function allocations(what: string): Kind {
  return {
    name: 'memory',
    values: [
      [`${what}_objects`, 'count'],
      [`${what}_bytes`, 'bytes'],
    ],
    period: ['space', 'bytes'],
  };
}

function waits(name: string): Kind {
  return {
    name,
    values: [
      ['contentions', 'count'],
      ['delay', 'nanoseconds'],
    ],
    period: [name, 'count'],
  };
}

const EVENTS = new Set([
  'jdk.ActiveSetting',
  'jdk.ExecutionSample',
  'jdk.ObjectAllocationInNewTLAB',
  'jdk.ObjectAllocationOutsideTLAB',
  'jdk.ObjectAllocationSample',
  'jdk.JavaMonitorEnter',
  'jdk.ThreadPark',
  'profiler.WallClockSample',
  'profiler.LiveObject',
]);
const POOLS = new Set([
  'jdk.types.StackTrace',
  'jdk.types.Method',
  'jdk.types.Symbol',
  'jdk.types.ThreadState',
  'java.lang.Class',
  'java.lang.String',
]);

/**
 * Decodes a recording of Java's flight recorder or async-profiler: samples of CPU and wall time,
 * allocations, waits for monitors and parks, live objects. Chunks become profiles of their own.
 * @throws BunsenError `JFR_MALFORMED`, `PROFILE_TOO_LARGE`
 */
export function decodeJfr(
  bytes: Uint8Array,
  request: JfrRequest,
  budget: ByteBudget,
  limits: IngestLimits,
): DecodedProfile[] {
  const snapshot = readSnapshot(request.snapshot, budget, limits);
  const decoded: DecodedProfile[] = [];
  for (let at = 0; at < bytes.length; ) {
    const chunk = new JfrChunk(bytes.subarray(at), POOLS, limits);
    decoded.push(...decodeChunk(chunk, request, snapshot, limits));
    at += chunk.length;
  }
  return decoded;
}

function readSnapshot(
  part: Uint8Array | undefined,
  budget: ByteBudget,
  limits: IngestLimits,
): LabelsSnapshot | undefined {
  if (!part) return undefined;
  const bytes = isGzip(part) ? budget.gunzip(part) : part;
  budget.take(bytes.length);
  try {
    checkMessages(LabelsSnapshotSchema, bytes, limits);
    return fromBinary(LabelsSnapshotSchema, bytes);
  } catch (cause) {
    if (cause instanceof BunsenError) throw cause;
    throw new BunsenError(
      'JFR_MALFORMED',
      `the part labels is not a LabelsSnapshot: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function decodeChunk(
  chunk: JfrChunk,
  request: JfrRequest,
  snapshot: LabelsSnapshot | undefined,
  limits: IngestLimits,
): DecodedProfile[] {
  const collectors = new Map<Kind, Collector>();
  /** What async-profiler samples by: cpu, itimer, wall … */
  let mode = '';
  const add = (kind: Kind, event: JfrObject, values: bigint[]) => {
    let collector = collectors.get(kind);
    if (!collector) {
      collector = new Collector(kind, chunk, limits);
      collectors.set(kind, collector);
    }
    const labels = contextLabels(event['contextId'], snapshot);
    const ofSeries = { ...withoutSpan(labels), ...request.labels };
    collector.add(event, ofSeries, values, spanOf(labels));
  };
  const amount = (event: JfrObject, field: string, scale = 1): bigint => {
    const value = Math.round(Number(event[field] ?? 0) * scale);
    if (value >= 0 && value < 2 ** 63) return BigInt(value);
    throw new BunsenError(
      'JFR_MALFORMED',
      `${field} of an event is ${value}, and not from 0 to 2^63 - 1`,
    );
  };
  const nsPerTick = 1e9 / chunk.ticksPerSecond;
  const period = BigInt(Math.round(1e9 / request.sampleRate));
  chunk.forEachEvent(EVENTS, (name, event) => {
    switch (name) {
      case 'jdk.ActiveSetting':
        if (event['name'] === 'event') mode = String(event['value']);
        break;
      case 'jdk.ExecutionSample': {
        const state = chunk.lookup('jdk.types.ThreadState', event['state'])?.['name'];
        // Sampled by CPU time, async-profiler does not look at the state, and writes STATE_DEFAULT.
        if (state !== 'STATE_SLEEPING') add(KINDS.cpu, event, [period]);
        if (mode === 'wall') add(KINDS.wall, event, [period]);
        break;
      }
      case 'profiler.WallClockSample':
        add(KINDS.wall, event, [period * ('samples' in event ? amount(event, 'samples') : 1n)]);
        break;
      case 'jdk.ObjectAllocationInNewTLAB':
        add(KINDS.inTlab, event, [1n, amount(event, 'tlabSize')]);
        break;
      case 'jdk.ObjectAllocationOutsideTLAB':
        add(KINDS.outsideTlab, event, [1n, amount(event, 'allocationSize')]);
        break;
      case 'jdk.ObjectAllocationSample':
        add(KINDS.allocationSample, event, [1n, amount(event, 'weight')]);
        break;
      case 'jdk.JavaMonitorEnter':
        add(KINDS.monitor, event, [1n, amount(event, 'duration', nsPerTick)]);
        break;
      case 'jdk.ThreadPark':
        add(KINDS.park, event, [1n, amount(event, 'duration', nsPerTick)]);
        break;
      case 'profiler.LiveObject':
        add(KINDS.live, event, [1n]);
        break;
    }
  });
  const timeMs = request.fromMs ?? Math.floor(chunk.startMs);
  return Array.from(collectors.values(), (collector) => collector.build(timeMs, period, mode));
}

function contextLabels(id: JfrValue | undefined, snapshot: LabelsSnapshot | undefined): Labels {
  const context = snapshot?.contexts[String(id ?? 0)];
  const named = Object.entries(context?.labels ?? {}).map(([name, value]): [string, string] => [
    snapshot?.strings[name] ?? '',
    snapshot?.strings[String(value)] ?? '',
  ]);
  return Object.fromEntries(named.filter(([name, value]) => name !== '' && value !== ''));
}

/** Gathers the events of one kind into columns. */
class Collector {
  readonly #kind: Kind;
  readonly #chunk: JfrChunk;
  readonly #limits: IngestLimits;
  readonly #builder: StackColumnsBuilder;
  readonly #stacks = new Map<JfrValue, number>();
  readonly #frames = new Map<JfrValue, number>();
  readonly #labelSets = new LabelSets();
  readonly #sampleStack: number[] = [];
  readonly #sampleLabels: number[] = [];
  readonly #values: bigint[] = [];
  readonly #spans: SpanWords[] = [];

  constructor(kind: Kind, chunk: JfrChunk, limits: IngestLimits) {
    this.#kind = kind;
    this.#chunk = chunk;
    this.#limits = limits;
    this.#builder = new StackColumnsBuilder(limits);
  }

  add(event: JfrObject, labels: Labels, values: bigint[], span: SpanWords): void {
    const limits = this.#limits;
    if (this.#values.length >= limits.values) throw tooMany('more', 'values', limits, 'values');
    this.#sampleStack.push(this.#stackOf(event['stackTrace'] ?? 0));
    this.#sampleLabels.push(this.#labelSets.idOf(labels));
    this.#values.push(...values);
    this.#spans.push(span);
  }

  #stackOf(key: JfrValue): number {
    let stack = this.#stacks.get(key);
    if (stack === undefined) {
      const frames = this.#chunk.lookup('jdk.types.StackTrace', key)?.['frames'];
      for (const frame of Array.isArray(frames) ? frames : []) {
        this.#builder.push(this.#frameOf((frame as JfrObject)['method'] ?? 0));
      }
      stack = this.#builder.endReversedStack();
      this.#stacks.set(key, stack);
    }
    return stack;
  }

  #frameOf(key: JfrValue): number {
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      const method = this.#chunk.lookup('jdk.types.Method', key);
      const cls = this.#chunk.lookup('java.lang.Class', method?.['type']);
      const className = withoutNumbers(this.#symbol(cls?.['name']));
      const name = this.#symbol(method?.['name']);
      frame = this.#builder.frameId(
        formatFrame({ name: className === '' ? name : `${className}.${name}` }),
      );
      this.#frames.set(key, frame);
    }
    return frame;
  }

  #symbol(key: JfrValue | undefined): string {
    const text = this.#chunk.lookup('jdk.types.Symbol', key)?.['string'];
    return typeof text === 'string' ? text : '';
  }

  build(timeMs: number, sampledPeriod: bigint, mode: string): DecodedProfile {
    const { name, values, period } = this.#kind;
    const sampleValues = BigInt64Array.from(this.#values);
    checkSums(sampleValues, values.length, 1, 'JFR_MALFORMED');
    const profile: Profile = {
      ...this.#builder.build(),
      timeNs: BigInt(timeMs) * 1_000_000n,
      durationNs: this.#chunk.durationNs,
      sampleTypes: values.map(([type, unit]) => ({ type, unit })),
      periodType: { type: period[0], unit: period[1] },
      period: values[0]?.[1] === 'nanoseconds' ? sampledPeriod : 0n,
      sampleStack: Uint32Array.from(this.#sampleStack),
      sampleLabels: Uint32Array.from(this.#sampleLabels),
      sampleValues,
      labelSets: this.#labelSets.sets.map((labels) =>
        mode === '' ? labels : { jfr_event: mode, ...labels },
      ),
    };
    const types = values.map(([sampleType, sampleUnit]) => {
      const type: ProfileType = {
        name,
        sampleType,
        sampleUnit,
        periodType: period[0],
        periodUnit: period[1],
      };
      return formatProfileType(type);
    });
    return {
      profile,
      types,
      timeMs,
      spans: spansOf(this.#spans),
    };
  }
}

/** Classes that a JVM makes up have a number in their names, another one each time it starts. */
function withoutNumbers(className: string): string {
  return className
    .replace(/(\$\$Lambda(?:\$|\/)).*$/, '$1_')
    .replace(/(Generated(?:Method|Constructor)Accessor)\d+$/, '$1_');
}
