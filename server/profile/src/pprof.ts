import {
  emptyTableToken,
  Label,
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile as PprofProfile,
  ValueType as PprofValueType,
  Sample,
  StringTable,
} from 'pprof-format';
import type { Labels } from './label.ts';
import type { ValueType } from './profile-type.ts';

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

function* samplePieces(columns: PprofColumns, strings: StringTable): Generator<Uint8Array> {
  const labelSets = columns.labelSets.map((labels) =>
    Object.entries(labels).map(
      ([key, value]) => new Label({ key: strings.dedup(key), str: strings.dedup(value) }),
    ),
  );
  const types = columns.sampleTypes.length;
  const samples = columns.sampleStack.length;
  for (let index = 0; index < samples; ) {
    const sample: Sample[] = [];
    for (let frames = 0; index < samples && frames < PIECE_FRAMES; index++) {
      const stack = columns.sampleStack[index] as number;
      const from = columns.stackOffsets[stack] as number;
      const to = columns.stackOffsets[stack + 1] as number;
      frames += to - from + 1;
      sample.push(
        new Sample({
          locationId: Array.from(columns.stackFunctions.subarray(from, to), (fn) => fn + 1),
          value: Array.from(columns.sampleValues.subarray(index * types, (index + 1) * types)),
          label: labelSets[columns.sampleLabels[index] as number] as Label[],
        }),
      );
    }
    yield encodePart({ sample });
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
  for (let from = 0; from < functions.length; from += PIECE_FUNCTIONS) {
    const fn: PprofFunction[] = [];
    const location = functions.slice(from, from + PIECE_FUNCTIONS).map((each, index) => {
      const { name, systemName, mapping, address, file = '', line = 0 } = each;
      const key = `${name}\0${systemName}\0${file}`;
      let functionId = file === '' ? undefined : byFile.get(key);
      if (functionId === undefined) {
        functionId = ++lastId;
        fn.push(
          new PprofFunction({
            id: functionId,
            name: strings.dedup(name),
            systemName: strings.dedup(systemName),
            filename: strings.dedup(file),
          }),
        );
        byFile.set(key, functionId);
        if (file !== '' && mapping >= 0) (mappings[mapping] as Mapping).hasFilenames = true;
      }
      if (line !== 0 && mapping >= 0) (mappings[mapping] as Mapping).hasLineNumbers = true;
      return new Location({
        id: from + index + 1,
        mappingId: mapping + 1,
        address,
        line: [new Line({ functionId, line })],
      });
    });
    yield encodePart({ location, function: fn });
  }
}

function encodePart(part: ConstructorParameters<typeof PprofProfile>[0]): Uint8Array {
  return new PprofProfile({ stringTable: new StringTable(emptyTableToken), ...part }).encode();
}
