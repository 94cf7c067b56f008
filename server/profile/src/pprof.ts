import {
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

/** The uncompressed pprof message of folded stacks. */
export function encodePprof(columns: PprofColumns): Uint8Array {
  const strings = new StringTable();
  const valueType = ({ type, unit }: ValueType) =>
    new PprofValueType({ type: strings.dedup(type), unit: strings.dedup(unit) });
  const labelSets = columns.labelSets.map((labels) =>
    Object.entries(labels).map(
      ([key, value]) => new Label({ key: strings.dedup(key), str: strings.dedup(value) }),
    ),
  );
  const types = columns.sampleTypes.length;
  const sample = Array.from({ length: columns.sampleStack.length }, (_, index) => {
    const stack = columns.sampleStack[index] as number;
    const from = columns.stackOffsets[stack] as number;
    const to = columns.stackOffsets[stack + 1] as number;
    return new Sample({
      locationId: Array.from(columns.stackFunctions.subarray(from, to), (fn) => fn + 1),
      value: Array.from(columns.sampleValues.subarray(index * types, (index + 1) * types)),
      label: labelSets[columns.sampleLabels[index] as number] as Label[],
    });
  });
  const mappings = columns.mappings.map(
    ({ file, buildId }, index) =>
      new Mapping({
        id: index + 1,
        filename: strings.dedup(file),
        buildId: strings.dedup(buildId),
        hasFunctions: true,
      }),
  );
  const fn: PprofFunction[] = [];
  const byFile = new Map<string, number>();
  const location = columns.functions.map(
    ({ name, systemName, mapping, address, file = '', line = 0 }, index) => {
      const key = `${name}\0${systemName}\0${file}`;
      let functionId = file === '' ? undefined : byFile.get(key);
      if (functionId === undefined) {
        functionId = fn.length + 1;
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
        id: index + 1,
        mappingId: mapping + 1,
        address,
        line: [new Line({ functionId, line })],
      });
    },
  );
  const { type, unit } = columns.periodType;
  return new PprofProfile({
    sampleType: columns.sampleTypes.map(valueType),
    sample,
    mapping: mappings,
    location,
    function: fn,
    stringTable: strings,
    timeNanos: columns.timeNs,
    durationNanos: columns.durationNs,
    // One without a text has no bytes, and the library makes no room for its length.
    ...(type + unit !== '' && { periodType: valueType(columns.periodType) }),
    period: columns.period,
    comment: (columns.comments ?? []).map((comment) => strings.dedup(comment)),
  }).encode();
}
