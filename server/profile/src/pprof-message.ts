import { ProfileError } from './errors.ts';
import { PprofStrings, type Spans } from './pprof-strings.ts';
import type { ValueType } from './profile-type.ts';
import { WireReader } from './wire-reader.ts';

/**
 * Entries of a table of the message, and lines of all its locations together. An entry takes two
 * bytes, so that without a limit a body of some megabytes could hold a thread for many seconds.
 */
export const MAX_ENTRIES = 1 << 20;

/** The top level of a pprof message: its numbers, its strings, and where its tables lie. */
export interface PprofMessage {
  reader: WireReader;
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
export function readMessage(bytes: Uint8Array): PprofMessage {
  const reader = new WireReader(bytes);
  if (bytes.length === 0) reader.fail('it is empty');
  const [sampleTypes, samples, mappings, locations, functions, strings] = [
    new Table('sample types'),
    new Table('samples'),
    new Table('mappings'),
    new Table('locations'),
    new Table('functions'),
    new Table('strings'),
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

  constructor(name: string) {
    this.#name = name;
  }

  add(reader: WireReader): void {
    const end = reader.message();
    if (this.starts.push(reader.at) > MAX_ENTRIES) throw tooMany(this.#name, MAX_ENTRIES);
    this.ends.push(end);
    reader.at = end;
  }
}

export function tooMany(what: string, limit: number): ProfileError {
  return new ProfileError(
    'PPROF_LIMIT',
    `the profile has more than ${limit} ${what}: send a shorter window`,
  );
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
