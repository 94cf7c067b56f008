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
import { ProfileError } from './errors.ts';
import { StackColumnsBuilder } from './folded.ts';
import { formatFrame } from './frame.ts';
import { formatLabels, type Labels } from './label.ts';
import type { Profile } from './profile.ts';
import type { ValueType } from './profile-type.ts';

/**
 * Decodes an uncompressed pprof message, whoever produced it. Inlined frames become frames of their
 * own; a location without a function is named `module+0xaddress` and keeps its build ID.
 * Numeric labels (bytes, span ids as numbers) do not become series labels.
 * @throws ProfileError `PPROF_MALFORMED`, `PPROF_INDEX_OUT_OF_RANGE`
 */
export function decodePprof(bytes: Uint8Array): Profile {
  checkWireFormat(bytes);
  let pprof: PprofProfile;
  try {
    pprof = PprofProfile.decode(bytes);
  } catch (cause) {
    throw new ProfileError('PPROF_MALFORMED', `not a pprof profile: ${String(cause)}`, { cause });
  }
  if (pprof.sampleType.length === 0) {
    throw new ProfileError('PPROF_MALFORMED', 'not a pprof profile: it has no sample_type');
  }
  const { strings } = pprof.stringTable;
  const text = (index: number | bigint, field: string): string => {
    const string = strings[Number(index)];
    if (string === undefined && Number(index) !== 0) {
      throw new ProfileError(
        'PPROF_INDEX_OUT_OF_RANGE',
        `${field} refers to string ${index}; the string table has ${strings.length}`,
      );
    }
    return string ?? '';
  };
  const builder = new StackColumnsBuilder();
  const framesOfLocation = locationFrames(pprof, text, builder);

  const types = pprof.sampleType.length;
  const sampleStack = new Uint32Array(pprof.sample.length);
  const sampleLabels = new Uint32Array(pprof.sample.length);
  const sampleValues = new BigInt64Array(pprof.sample.length * types);
  const labelSets: Labels[] = [];
  const labelSetIds = new Map<string, number>();
  pprof.sample.forEach((sample, index) => {
    if (sample.value.length !== types) {
      throw new ProfileError(
        'PPROF_MALFORMED',
        `sample ${index} has ${sample.value.length} values; the profile has ${types} sample types`,
      );
    }
    const stack: number[] = [];
    for (let i = sample.locationId.length - 1; i >= 0; i--) {
      const id = Number(sample.locationId[i]);
      const frames = framesOfLocation.get(id);
      if (!frames) {
        throw new ProfileError(
          'PPROF_INDEX_OUT_OF_RANGE',
          `sample ${index} refers to location ${id}, which the profile does not have`,
        );
      }
      stack.push(...frames);
    }
    sampleStack[index] = builder.addStack(stack);
    sample.value.forEach((value, type) => {
      sampleValues[index * types + type] = BigInt.asIntN(64, BigInt(value));
    });
    const labels: Labels = {};
    for (const label of sample.label) {
      if (Number(label.str) !== 0) {
        labels[text(label.key, `sample ${index}: label key`)] = text(
          label.str,
          `sample ${index}: label value`,
        );
      }
    }
    const key = formatLabels(labels);
    let set = labelSetIds.get(key);
    if (set === undefined) {
      set = labelSets.push(labels) - 1;
      labelSetIds.set(key, set);
    }
    sampleLabels[index] = set;
  });
  const valueType = (type: { type: number | bigint; unit: number | bigint }): ValueType => ({
    type: text(type.type, 'sample_type'),
    unit: text(type.unit, 'sample_type'),
  });
  return {
    ...builder.build(),
    timeNs: BigInt(pprof.timeNanos),
    durationNs: BigInt(pprof.durationNanos),
    sampleTypes: pprof.sampleType.map(valueType),
    periodType: pprof.periodType ? valueType(pprof.periodType) : { type: '', unit: '' },
    period: BigInt(pprof.period),
    sampleStack,
    sampleLabels,
    sampleValues,
    labelSets,
  };
}

/** Frame ids of each location, root first (pprof lists inlined callees first). */
function locationFrames(
  pprof: PprofProfile,
  text: (index: number | bigint, field: string) => string,
  builder: StackColumnsBuilder,
): Map<number, number[]> {
  const functions = new Map(pprof.function.map((fn) => [Number(fn.id), fn]));
  const mappings = new Map(pprof.mapping.map((mapping) => [Number(mapping.id), mapping]));
  const result = new Map<number, number[]>();
  for (const location of pprof.location) {
    const id = Number(location.id);
    const mapping = mappings.get(Number(location.mappingId));
    if (!mapping && Number(location.mappingId) !== 0) {
      throw new ProfileError(
        'PPROF_INDEX_OUT_OF_RANGE',
        `location ${id} refers to mapping ${location.mappingId}, which the profile does not have`,
      );
    }
    const path = mapping ? text(mapping.filename, `mapping ${mapping.id}: filename`) : '';
    const module = path.slice(path.lastIndexOf('/') + 1);
    const buildId = mapping ? text(mapping.buildId, `mapping ${mapping.id}: build_id`) : '';
    const named = location.line.map((line) => {
      const fn = functions.get(Number(line.functionId));
      if (!fn) {
        throw new ProfileError(
          'PPROF_INDEX_OUT_OF_RANGE',
          `location ${id} refers to function ${line.functionId}, which the profile does not have`,
        );
      }
      const name =
        text(fn.name, `function ${fn.id}: name`) || text(fn.systemName, `function ${fn.id}: name`);
      return builder.frameId(
        formatFrame({
          name,
          module,
          file: text(fn.filename, `function ${fn.id}: filename`),
          line: Number(line.line),
          // An agent that could not name a frame says `module+0x…`: keep what can name it later.
          buildId: isUnnamed(name, module) ? buildId : '',
        }),
      );
    });
    if (named.length === 0) {
      const address = `0x${BigInt.asUintN(64, BigInt(location.address)).toString(16)}`;
      const name = module ? `${module}+${address}` : address;
      named.push(builder.frameId(formatFrame({ name, module, buildId })));
    }
    result.set(id, named.reverse());
  }
  return result;
}

function isUnnamed(name: string, module: string): boolean {
  return module !== '' && name.startsWith(`${module}+0x`);
}

/**
 * Walks the top-level fields of the message. The decoder below is lenient: it takes a message that
 * was cut short for a smaller one, and that would be a silent loss.
 */
function checkWireFormat(bytes: Uint8Array): void {
  const fail = (at: number, what: string): never => {
    throw new ProfileError('PPROF_MALFORMED', `not a pprof profile: ${what} at byte ${at}`);
  };
  if (bytes.length === 0) fail(0, 'it is empty');
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (let length = 0; length < 10; length++) {
      if (at >= bytes.length) fail(at, 'it is cut off');
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    return fail(at, 'a number is longer than 64 bits');
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (field === 0) fail(start, 'field number 0');
    const wireType = tag % 8;
    if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 2) {
      const length = varint();
      at += length;
    } else if (wireType === 5) at += 4;
    else fail(start, `unknown wire type ${wireType}`);
    if (at > bytes.length) fail(start, `field ${field} is cut off`);
  }
}

/** What {@link encodePprof} writes: functions instead of addresses, and labels on each sample. */
export interface PprofColumns {
  timeNs: bigint;
  durationNs: bigint;
  sampleTypes: ValueType[];
  periodType: ValueType;
  period: bigint;
  mappings: { file: string; buildId: string }[];
  /** A location each. `address` is relative to the mapping's file; `mapping` indexes `mappings`. */
  functions: { name: string; systemName: string; mapping: number; address: bigint }[];
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
  const mapping = columns.mappings.map(
    ({ file, buildId }, index) =>
      new Mapping({
        id: index + 1,
        filename: strings.dedup(file),
        buildId: strings.dedup(buildId),
        hasFunctions: true,
      }),
  );
  const fn = columns.functions.map(
    ({ name, systemName }, index) =>
      new PprofFunction({
        id: index + 1,
        name: strings.dedup(name),
        systemName: strings.dedup(systemName),
      }),
  );
  const location = columns.functions.map(
    ({ mapping, address }, index) =>
      new Location({
        id: index + 1,
        mappingId: mapping + 1,
        address,
        line: [new Line({ functionId: index + 1 })],
      }),
  );
  return new PprofProfile({
    sampleType: columns.sampleTypes.map(valueType),
    sample,
    mapping,
    location,
    function: fn,
    stringTable: strings,
    timeNanos: columns.timeNs,
    durationNanos: columns.durationNs,
    periodType: valueType(columns.periodType),
    period: columns.period,
    comment: (columns.comments ?? []).map((comment) => strings.dedup(comment)),
  }).encode();
}
