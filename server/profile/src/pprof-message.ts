import { type ProfileLimits, tooMany } from './limits.ts';
import { PprofStrings, type Spans } from './pprof-strings.ts';
import type { ValueType } from './profile-type.ts';
import { WireReader } from './wire-reader.ts';

/** The top level of a pprof message: its numbers, its strings, and where its tables lie. */
export interface PprofMessage {
  reader: WireReader;
  limits: ProfileLimits;
  strings: PprofStrings;
  sampleTypes: ValueType[];
  periodType: ValueType;
  period: bigint;
  timeNs: bigint;
  durationNs: bigint;
  samples: Spans;
  mappings: Spans;
  locations: Spans;
  functions: Spans;
}

/**
 * Reads the top level. What is nested is only found, as strings may come after what refers to them.
 * @throws ProfileError `PPROF_MALFORMED`, `PPROF_INDEX_OUT_OF_RANGE`, `PPROF_LIMIT`
 */
export function readMessage(bytes: Uint8Array, limits: ProfileLimits): PprofMessage {
  const reader = new WireReader(bytes);
  if (bytes.length === 0) reader.fail('it is empty');
  const [sampleTypes, samples, mappings, locations, functions, strings] = [
    new Table('sample types', limits),
    new Table('samples', limits),
    new Table('mappings', limits),
    new Table('locations', limits),
    new Table('functions', limits),
    new Table('strings', limits),
  ];
  const tables = [undefined, sampleTypes, samples, mappings, locations, functions, strings];
  let [timeNs, durationNs, period] = [0n, 0n, 0n];
  let periodType: [number, number] = [0, 0];
  while (reader.nextField(bytes.length)) {
    const table = tables[reader.field];
    if (table) table.add(reader);
    else if (reader.field === 9) timeNs = reader.bigint();
    else if (reader.field === 10) durationNs = reader.bigint();
    else if (reader.field === 11) periodType = readValueType(reader, reader.message());
    else if (reader.field === 12) period = reader.bigint();
    else reader.skip();
  }
  const texts = new PprofStrings(bytes, strings);
  const valueType = ([type, unit]: [number, number], field: string): ValueType => ({
    type: texts.text(type, field),
    unit: texts.text(unit, field),
  });
  return {
    reader,
    limits,
    strings: texts,
    sampleTypes: sampleTypes.starts.map((start, i) => {
      const end = reader.enter(start, sampleTypes.ends[i] as number);
      return valueType(readValueType(reader, end), 'sample_type');
    }),
    periodType: valueType(periodType, 'period_type'),
    period,
    timeNs,
    durationNs,
    samples,
    mappings,
    locations,
    functions,
  };
}

class Table implements Spans {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly #name: string;
  readonly #limits: ProfileLimits;

  constructor(name: string, limits: ProfileLimits) {
    this.#name = name;
    this.#limits = limits;
  }

  add(reader: WireReader): void {
    const end = reader.message();
    if (this.starts.push(reader.at) > this.#limits.tableEntries) {
      throw tooMany(this.#name, 'tableEntries', this.#limits);
    }
    this.ends.push(end);
    reader.at = end;
  }
}

/** [type, unit] as indices of strings. */
function readValueType(reader: WireReader, end: number): [number, number] {
  const value: [number, number] = [0, 0];
  while (reader.nextField(end)) {
    if (reader.field === 1) value[0] = reader.number();
    else if (reader.field === 2) value[1] = reader.number();
    else reader.skip();
  }
  return value;
}
