import { type Labels, type Profile, SERVICE_NAME, SLOT_MS } from '@bunsen/profile';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { hashStacks, hashTexts } from './content-hash.ts';
import { Dictionary } from './dictionary.ts';
import { type Column, encodeBlock, rowsOf } from './native-block.ts';
import type { SeenSet } from './seen-set.ts';

/** Who the data belongs to, until there is more than one: Pyroscope's name for it. */
export const DEFAULT_TENANT = 'anonymous';

/**
 * The tables that a push goes to, in one part each; to the last one only if it has spans. Rollups are
 * made of the first (rollups.ts).
 */
export const PUSH_TABLES = ['samples', 'profiles', 'span_samples'] as const;
export type PushTable = (typeof PUSH_TABLES)[number];
type NativeBlock = Uint8Array<ArrayBuffer>;

/** Everything that one request stores, encoded: made in a worker, written by ProfileStore. */
export interface ProfileBatch {
  /** Content hash of the idempotency key: the mark of this push. */
  pushId: bigint;
  /** Milliseconds since 1970. All of a push has one time, and so lies in one partition. */
  timeMs: number;
  /** Samples of the request. */
  samples: number;
  tables: { samples: NativeBlock; profiles: NativeBlock; span_samples: NativeBlock | undefined };
  /** Stacks that are not known to be stored; undefined if there are none. */
  stacks: NativeBlock | undefined;
  /** Series of which it is not known that they have been stored today. */
  series: SeriesRow[];
  /** What becomes known when `stacks` and `series` have been written. */
  newKeys: BigUint64Array;
}

/** Memory of the encoded blocks. */
export function sizeBytesOf({ tables, stacks }: ProfileBatch): number {
  return [...Object.values(tables), stacks].reduce((sum, block) => sum + (block?.length ?? 0), 0);
}

export interface SeriesRow {
  tenant: string;
  day: string;
  service: string;
  type: string;
  /** Decimal, as JSON has no 64-bit integers. */
  series: string;
  labels: Labels;
  last_seen: number;
}

export interface BatchSource {
  profile: Profile;
  /** Profile type of each of the profile's sample types. */
  types: string[];
  timeMs: number;
  pushId: bigint;
  /** {@link SPAN_WORDS} per sample. */
  spans?: BigUint64Array | undefined;
}

/** Numbers of a sample that was taken in a span: this, and the two halves of its trace, the high one first; 0 = none. */
export const SPAN_WORDS = 3;

/** Encodes a checked profile: every label set has a `service_name`. Samples of value 0 are nothing. */
export function encodeBatch(
  { profile, types, timeMs, pushId, spans }: BatchSource,
  seen: SeenSet,
): ProfileBatch {
  const { labelSets, sampleStack, sampleLabels, sampleValues } = profile;
  const typeCount = types.length;
  const services = new Dictionary();
  const serviceOf = labelSets.map((labels) => services.code(labels[SERVICE_NAME] as string));
  const seriesOf = BigUint64Array.from(labelSets, seriesId);
  const stackIds = hashStacks(profile);
  const units = types.map((_, type) => storedUnit(profile, type));

  let rows = 1; // the mark
  for (const value of sampleValues) if (value !== 0n) rows++;
  const service = new Uint32Array(rows);
  const type = new Uint32Array(rows);
  const stack = new BigUint64Array(rows);
  const series = new BigUint64Array(rows);
  const value = new BigInt64Array(rows);
  const unit = new BigInt64Array(rows);
  const totals = new BigInt64Array(labelSets.length * typeCount);
  const counts = new Uint32Array(labelSets.length * typeCount);
  const stacks = new StackRows(profile, stackIds, seen);
  const week = mondayOf(timeMs);
  const stackSalts = services.texts.map((name) => hashTexts(['stack', name, String(week)]));

  /** Rows of samples with a span or a trace, and the samples. */
  const spanRows: { row: number; sample: number }[] = [];
  let row = 0;
  for (let sample = 0; sample < sampleStack.length; sample++) {
    const set = sampleLabels[sample] as number;
    const stackIndex = sampleStack[sample] as number;
    const code = serviceOf[set] as number;
    for (let t = 0; t < typeCount; t++) {
      const raw = sampleValues[sample * typeCount + t] as bigint;
      if (raw === 0n) continue;
      service[row] = code;
      type[row] = t;
      stack[row] = stackIds[stackIndex] as bigint;
      series[row] = seriesOf[set] as bigint;
      value[row] = raw / (units[t] as bigint);
      unit[row] = units[t] as bigint;
      const profileIndex = set * typeCount + t;
      totals[profileIndex] = (totals[profileIndex] as bigint) + raw;
      counts[profileIndex] = (counts[profileIndex] as number) + 1;
      stacks.add(code, stackIndex, stackSalts[code] as bigint);
      if (spans && hasSpan(spans, sample)) spanRows.push({ row, sample });
      row++;
    }
  }
  // The mark: of no service and no type, so that no query about profiles ever meets it.
  const serviceDictionary = [...services.texts, ''];
  const typeDictionary = [...types, ''];
  service[row] = services.texts.length;
  type[row] = types.length;
  stack[row] = pushId;
  unit[row] = 1n;

  const hour = Math.floor(timeMs / HOUR_MS) * 3600;
  const tenants: Column = {
    name: 'tenant',
    type: 'LowCardinality(String)',
    dictionary: [DEFAULT_TENANT],
    codes: new Uint32Array(rows),
  };
  const keys: Column[] = [
    tenants,
    {
      name: 'service',
      type: 'LowCardinality(String)',
      dictionary: serviceDictionary,
      codes: service,
    },
    { name: 'type', type: 'LowCardinality(String)', dictionary: typeDictionary, codes: type },
    { name: 'h', type: 'DateTime', values: new Uint32Array(rows).fill(hour) },
    { name: 'stack_id', type: 'UInt64', values: stack },
  ];
  const slot = Math.floor((timeMs % HOUR_MS) / SLOT_MS);
  const sampleColumns: Column[] = [
    ...keys,
    { name: 'series', type: 'UInt64', values: series },
    { name: 'slot', type: 'UInt16', values: new Uint16Array(rows).fill(slot) },
    { name: 'value', type: 'Int64', values: value },
    { name: 'unit', type: 'Int64', values: unit },
  ];
  const live: number[] = [];
  counts.forEach((count, index) => {
    if (count > 0) live.push(index);
  });
  const seriesRows = newSeries(live, labelSets, types, seriesOf, timeMs, seen);
  return {
    pushId,
    timeMs,
    samples: sampleStack.length,
    tables: {
      samples: encodeBlock(rows, sampleColumns),
      span_samples: spans && spanBlock(sampleColumns, spanRows, spans, rows - 1),
      profiles: encodeBlock(live.length + 1, [
        { ...tenants, codes: new Uint32Array(live.length + 1) },
        {
          name: 'service',
          type: 'LowCardinality(String)',
          dictionary: serviceDictionary,
          codes: Uint32Array.from([
            ...live.map((index) => serviceOf[Math.floor(index / typeCount)] as number),
            services.texts.length,
          ]),
        },
        {
          name: 'type',
          type: 'LowCardinality(String)',
          dictionary: typeDictionary,
          codes: Uint32Array.from([...live.map((index) => index % typeCount), types.length]),
        },
        {
          name: 'series',
          type: 'UInt64',
          values: BigUint64Array.from([
            ...live.map((index) => seriesOf[Math.floor(index / typeCount)] as bigint),
            pushId,
          ]),
        },
        {
          name: 'ts',
          type: "DateTime64(3, 'UTC')",
          values: new BigInt64Array(live.length + 1).fill(BigInt(timeMs)),
        },
        {
          name: 'total',
          type: 'Int64',
          values: BigInt64Array.from([...live.map((index) => totals[index] as bigint), 0n]),
        },
        {
          name: 'n',
          type: 'UInt32',
          values: Uint32Array.from([...live.map((index) => counts[index] as number), 0]),
        },
      ]),
    },
    stacks: stacks.encode(services.texts, week),
    series: seriesRows.rows,
    newKeys: BigUint64Array.from([...stacks.keys, ...seriesRows.keys]),
  };
}

function hasSpan(spans: BigUint64Array, sample: number): boolean {
  for (let i = sample * SPAN_WORDS; i < (sample + 1) * SPAN_WORDS; i++) if (spans[i]) return true;
  return false;
}

/**
 * The samples of spans and traces again, with these.
 * @param columns of all samples
 * @param mark row of the push's mark, which comes along
 */
function spanBlock(
  columns: Column[],
  spanRows: { row: number; sample: number }[],
  spans: BigUint64Array,
  mark: number,
): NativeBlock | undefined {
  if (spanRows.length === 0) return undefined;
  const rows = [...spanRows.map(({ row }) => row), mark];
  const spanIds = new BigUint64Array(rows.length);
  const traceIds = Buffer.alloc(rows.length * TRACE_BYTES);
  spanRows.forEach(({ sample }, i) => {
    const [span = 0n, high = 0n, low = 0n] = spans.subarray(sample * SPAN_WORDS);
    spanIds[i] = span;
    traceIds.writeBigUInt64BE(low, traceIds.writeBigUInt64BE(high, i * TRACE_BYTES));
  });
  return encodeBlock(rows.length, [
    { name: 'span_id', type: 'UInt64', values: spanIds },
    { name: 'trace_id', type: 'FixedString(16)', values: traceIds },
    ...columns.map((column) => rowsOf(column, rows)),
  ]);
}

const TRACE_BYTES = 16;

/** The id of a series: a content hash of all its labels, whatever their order. */
export function seriesId(labels: Labels): bigint {
  return hashTexts(
    Object.keys(labels)
      .sort()
      .flatMap((name) => [name, labels[name] as string]),
  );
}

/** The Monday of the week of a time (UTC), in days since 1970: what stacks are partitioned by. */
export function mondayOf(timeMs: number): number {
  const day = Math.floor(timeMs / DAY_MS);
  return day - ((day + 3) % 7); // day 0 was a Thursday
}

/** The period, where all values of the type are multiples of it: small numbers compress best. */
function storedUnit({ period, sampleTypes, sampleValues }: Profile, type: number): bigint {
  if (period <= 1n) return 1n;
  for (let i = type; i < sampleValues.length; i += sampleTypes.length) {
    if ((sampleValues[i] as bigint) % period !== 0n) return 1n;
  }
  return period;
}

function newSeries(
  live: number[],
  labelSets: Labels[],
  types: string[],
  seriesOf: BigUint64Array,
  timeMs: number,
  seen: SeenSet,
): { rows: SeriesRow[]; keys: bigint[] } {
  const day = new Date(timeMs).toISOString().slice(0, 10);
  const salts = types.map((type) => hashTexts(['series', type, day]));
  const keys = new Set<bigint>();
  const rows: SeriesRow[] = [];
  for (const index of live) {
    const set = Math.floor(index / types.length);
    const type = index % types.length;
    const key = (seriesOf[set] as bigint) ^ (salts[type] as bigint) || 1n;
    if (keys.has(key) || seen.has(key)) continue;
    keys.add(key);
    const { [SERVICE_NAME]: service, ...labels } = labelSets[set] as Labels;
    rows.push({
      tenant: DEFAULT_TENANT,
      day,
      service: service as string,
      type: types[type] as string,
      series: String(seriesOf[set]),
      labels,
      last_seen: Math.floor(timeMs / 1000),
    });
  }
  return { rows, keys: [...keys] };
}

/** Collects the stacks that are to be written: once a service and week. */
class StackRows {
  readonly keys = new Set<bigint>();
  readonly #profile: Profile;
  readonly #ids: BigUint64Array;
  readonly #seen: SeenSet;
  readonly #services: number[] = [];
  readonly #stacks: number[] = [];
  /** (service, stack) pairs that were looked at: most samples of a profile repeat none. */
  readonly #checked = new Set<number>();

  constructor(profile: Profile, ids: BigUint64Array, seen: SeenSet) {
    this.#profile = profile;
    this.#ids = ids;
    this.#seen = seen;
  }

  add(service: number, stack: number, salt: bigint): void {
    const pair = service * this.#ids.length + stack;
    if (this.#checked.has(pair)) return;
    this.#checked.add(pair);
    const key = (this.#ids[stack] as bigint) ^ salt || 1n;
    if (this.keys.has(key) || this.#seen.has(key)) return;
    this.keys.add(key);
    this.#services.push(service);
    this.#stacks.push(stack);
  }

  encode(services: string[], week: number): Uint8Array<ArrayBuffer> | undefined {
    const rows = this.#stacks.length;
    if (rows === 0) return undefined;
    const { frames, stackOffsets, stackFrames } = this.#profile;
    const offsets = new Uint32Array(rows + 1);
    this.#stacks.forEach((stack, row) => {
      const length = (stackOffsets[stack + 1] as number) - (stackOffsets[stack] as number);
      offsets[row + 1] = (offsets[row] as number) + length;
    });
    const codes = new Uint32Array(offsets[rows] as number);
    this.#stacks.forEach((stack, row) => {
      codes.set(stackFrames.subarray(stackOffsets[stack], stackOffsets[stack + 1]), offsets[row]);
    });
    return encodeBlock(rows, [
      {
        name: 'tenant',
        type: 'LowCardinality(String)',
        dictionary: [DEFAULT_TENANT],
        codes: new Uint32Array(rows),
      },
      {
        name: 'service',
        type: 'LowCardinality(String)',
        dictionary: services,
        codes: Uint32Array.from(this.#services),
      },
      { name: 'week', type: 'Date', values: new Uint16Array(rows).fill(week) },
      {
        name: 'stack_id',
        type: 'UInt64',
        values: BigUint64Array.from(this.#stacks, (stack) => this.#ids[stack] as bigint),
      },
      { name: 'frames', type: 'Array(LowCardinality(String))', dictionary: frames, offsets, codes },
    ]);
  }
}
