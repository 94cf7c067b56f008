import {
  emptyTableToken,
  Label,
  Mapping,
  Profile as PprofProfile,
  ValueType as PprofValueType,
  Sample,
  StringTable,
} from 'pprof-format';
import type { Labels } from './label.ts';
import type { ValueType } from './profile-type.ts';
import { WireWriter } from './wire-writer.ts';

/** What {@link encodePprof} writes: functions instead of addresses, and labels on each sample. */
export interface PprofColumns {
  timeNs: bigint;
  durationNs: bigint;
  sampleTypes: ValueType[];
  periodType: ValueType;
  period: bigint;
  mappings: { file: string; buildId: string }[];
  /**
   * A location each, and a function; those of one name and file are lines of one function. `address`
   * is relative to the mapping's file; `mapping` indexes `mappings`, -1 = none; `line` 0 = unknown.
   */
  functions: {
    name: string;
    systemName: string;
    mapping: number;
    address: bigint;
    file?: string;
    line?: number;
  }[];
  /** Stack `i` is `stackFunctions[stackOffsets[i] .. stackOffsets[i + 1]]`, leaf first, as in pprof. */
  stackOffsets: Uint32Array;
  stackFunctions: Uint32Array;
  sampleStack: ArrayLike<number>;
  /** Per sample: index into `labelSets`. */
  sampleLabels: ArrayLike<number>;
  /** Samples x sample types, row by row. */
  sampleValues: BigInt64Array;
  labelSets: Labels[];
  comments?: string[];
}

/** Field numbers of what is written without the library, from pprof's profile.proto. */
const PROFILE = { sample: 2, location: 4, function: 5 };
const SAMPLE = { locationId: 1, value: 2 };
const LOCATION = { id: 1, mappingId: 2, address: 3, line: 4 };
const LINE = { functionId: 1, line: 2 };
const FUNCTION = { id: 1, name: 2, systemName: 3, filename: 4 };

/** What is encoded at once, frames of samples or functions: a millisecond's work. */
const PIECE_FRAMES = 4096;
const PIECE_FUNCTIONS = 1024;

/** The uncompressed pprof message of folded stacks. */
export function encodePprof(columns: PprofColumns): Uint8Array {
  const pieces = [...pprofPieces(columns)];
  const message = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    message.set(piece, at);
    at += piece.length;
  }
  return message;
}

/**
 * The same message, cut where its fields end, for those who have other things to do in between: protobuf
 * messages behind each other are one.
 */
export function* pprofPieces(columns: PprofColumns): Generator<Uint8Array> {
  const strings = new StringTable();
  const valueType = ({ type, unit }: ValueType) =>
    new PprofValueType({ type: strings.dedup(type), unit: strings.dedup(unit) });
  yield encodePart({ sampleType: columns.sampleTypes.map(valueType) });
  yield* samplePieces(columns, strings);
  const mapping = columns.mappings.map(
    ({ file, buildId }, index) =>
      new Mapping({
        id: index + 1,
        filename: strings.dedup(file),
        buildId: strings.dedup(buildId),
        hasFunctions: true,
      }),
  );
  yield* functionPieces(columns, mapping, strings);
  const { type, unit } = columns.periodType;
  yield encodePart({
    mapping,
    timeNanos: columns.timeNs,
    durationNanos: columns.durationNs,
    // One without a text has no bytes, and the library makes no room for its length.
    ...(type + unit !== '' && { periodType: valueType(columns.periodType) }),
    period: columns.period,
    comment: (columns.comments ?? []).map((comment) => strings.dedup(comment)),
    stringTable: strings,
  });
}

/** Written from the columns: an object for each of its samples is most of what a window costs. */
function* samplePieces(columns: PprofColumns, strings: StringTable): Generator<Uint8Array> {
  const { sampleStack, sampleLabels, stackOffsets, stackFunctions } = columns;
  const labelSets = columns.labelSets.map((labels) =>
    new Sample({
      label: Object.entries(labels).map(
        ([key, value]) => new Label({ key: strings.dedup(key), str: strings.dedup(value) }),
      ),
    }).encode(),
  );
  const types = columns.sampleTypes.length;
  const { buffer, byteOffset, length } = columns.sampleValues;
  const halves = new Uint32Array(buffer, byteOffset, length * 2); // low half first, as all that Node.js runs on
  const [profile, sample, list] = [new WireWriter(), new WireWriter(), new WireWriter()];
  for (let index = 0; index < sampleStack.length; ) {
    for (let frames = 0; index < sampleStack.length && frames < PIECE_FRAMES; index++) {
      const stack = sampleStack[index] as number;
      const from = stackOffsets[stack] as number;
      const to = stackOffsets[stack + 1] as number;
      frames += to - from + 1;
      for (let at = from; at < to; at++) list.varint((stackFunctions[at] as number) + 1);
      sample.nested(SAMPLE.locationId, list);
      for (let value = index * types; value < (index + 1) * types; value++) {
        list.varint64(halves[value * 2] as number, halves[value * 2 + 1] as number);
      }
      sample.nested(SAMPLE.value, list);
      sample.bytes(labelSets[sampleLabels[index] as number] as Uint8Array);
      profile.nested(PROFILE.sample, sample);
    }
    yield profile.take();
  }
}

/** Locations and their functions. Notes in the mappings what their functions have. */
function* functionPieces(
  { functions }: PprofColumns,
  mappings: Mapping[],
  strings: StringTable,
): Generator<Uint8Array> {
  const byFile = new Map<string, number>();
  let lastId = 0;
  const [profile, message, inner] = [new WireWriter(), new WireWriter(), new WireWriter()];
  for (const [index, each] of functions.entries()) {
    const { name, systemName, mapping, address, file = '', line = 0 } = each;
    const key = file === '' ? '' : `${name}\0${systemName}\0${file}`;
    let functionId = byFile.get(key);
    if (functionId === undefined) {
      functionId = ++lastId;
      message.number(FUNCTION.id, functionId);
      message.number(FUNCTION.name, strings.dedup(name));
      message.number(FUNCTION.systemName, strings.dedup(systemName));
      message.number(FUNCTION.filename, strings.dedup(file));
      profile.nested(PROFILE.function, message);
      if (file !== '') byFile.set(key, functionId);
      if (file !== '' && mapping >= 0) (mappings[mapping] as Mapping).hasFilenames = true;
    }
    if (line !== 0 && mapping >= 0) (mappings[mapping] as Mapping).hasLineNumbers = true;
    message.number(LOCATION.id, index + 1);
    message.number(LOCATION.mappingId, mapping + 1);
    message.bigint(LOCATION.address, address);
    inner.number(LINE.functionId, functionId);
    inner.number(LINE.line, line);
    message.nested(LOCATION.line, inner);
    profile.nested(PROFILE.location, message);
    if ((index + 1) % PIECE_FUNCTIONS === 0) yield profile.take();
  }
  yield profile.take();
}

function encodePart(part: ConstructorParameters<typeof PprofProfile>[0]): Uint8Array {
  return new PprofProfile({ stringTable: new StringTable(emptyTableToken), ...part }).encode();
}
