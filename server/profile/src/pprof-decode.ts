import { ProfileError } from './errors.ts';
import { StackColumnsBuilder } from './folded.ts';
import { formatFrame } from './frame.ts';
import { formatLabels, type Labels } from './label.ts';
import type { Profile } from './profile.ts';
import type { ValueType } from './profile-type.ts';
import { WireReader } from './wire-reader.ts';

/**
 * Decodes an uncompressed pprof message, whoever produced it. Inlined frames become frames of their
 * own; a location without a function is named `module+0xaddress` and keeps its build ID.
 * Numeric labels (bytes, span ids as numbers) do not become series labels.
 *
 * Reads the bytes straight into columns: an object per sample, location and line, as a protobuf
 * library makes them, costs three times as much, most of it in garbage collection.
 * @throws ProfileError `PPROF_MALFORMED`, `PPROF_INDEX_OUT_OF_RANGE`, `PPROF_LIMIT`
 */
export function decodePprof(bytes: Uint8Array): Profile {
  const message = readMessage(bytes);
  if (message.sampleTypes.length === 0) {
    throw new ProfileError('PPROF_MALFORMED', 'not a pprof profile: it has no sample_type');
  }
  const { text } = message;
  const builder = new StackColumnsBuilder();
  const framesOf = framesOfLocations(message, builder);
  const samples = readSamples(message, framesOf, builder);
  const valueType = ([type, unit]: [number, number]): ValueType => ({
    type: text(type, 'sample_type'),
    unit: text(unit, 'sample_type'),
  });
  return {
    ...builder.build(),
    ...samples,
    timeNs: message.timeNs,
    durationNs: message.durationNs,
    sampleTypes: message.sampleTypes.map(valueType),
    periodType: message.periodType ? valueType(message.periodType) : { type: '', unit: '' },
    period: message.period,
  };
}

/** Where a nested message lies in the bytes. */
interface Spans {
  starts: number[];
  ends: number[];
}

interface Message {
  reader: WireReader;
  /** [type, unit] as indices of strings. */
  sampleTypes: [number, number][];
  periodType: [number, number] | undefined;
  period: bigint;
  timeNs: bigint;
  durationNs: bigint;
  samples: Spans;
  mappings: Spans;
  locations: Spans;
  functions: Spans;
  /** @throws ProfileError `PPROF_INDEX_OUT_OF_RANGE` */
  text: (index: number, field: string) => string;
}

/** The top level: what is nested is only found here, as strings may come after what refers to them. */
function readMessage(bytes: Uint8Array): Message {
  const reader = new WireReader(bytes);
  if (bytes.length === 0) reader.fail('it is empty');
  const spans = (): Spans => ({ starts: [], ends: [] });
  const [samples, mappings, locations, functions, strings] = [
    spans(),
    spans(),
    spans(),
    spans(),
    spans(),
  ];
  const nested: Record<number, Spans> = {
    2: samples,
    3: mappings,
    4: locations,
    5: functions,
    6: strings,
  };
  const message: Omit<Message, 'text'> = {
    reader,
    sampleTypes: [],
    periodType: undefined,
    period: 0n,
    timeNs: 0n,
    durationNs: 0n,
    samples,
    mappings,
    locations,
    functions,
  };
  while (reader.nextField(bytes.length)) {
    const spans = nested[reader.field];
    if (spans) {
      const end = reader.message();
      spans.starts.push(reader.at);
      spans.ends.push(end);
      reader.at = end;
    } else if (reader.field === 1) message.sampleTypes.push(readValueType(reader));
    else if (reader.field === 9) message.timeNs = reader.int64();
    else if (reader.field === 10) message.durationNs = reader.int64();
    else if (reader.field === 11) message.periodType = readValueType(reader);
    else if (reader.field === 12) message.period = reader.int64();
    else reader.skip();
  }
  const decoded: (string | undefined)[] = new Array(strings.starts.length);
  const text = (index: number, field: string): string => {
    if (index === 0) return '';
    if (index >= strings.starts.length) {
      throw new ProfileError(
        'PPROF_INDEX_OUT_OF_RANGE',
        `${field} refers to string ${index}; the string table has ${strings.starts.length}`,
      );
    }
    decoded[index] ??= reader.text(strings.starts[index] as number, strings.ends[index] as number);
    return decoded[index] as string;
  };
  return { ...message, text };
}

function readValueType(reader: WireReader): [number, number] {
  const end = reader.message();
  const value: [number, number] = [0, 0];
  while (reader.nextField(end)) {
    if (reader.field === 1) value[0] = reader.number();
    else if (reader.field === 2) value[1] = reader.number();
    else reader.skip();
  }
  return value;
}

/** Frame ids of each location, root first (pprof lists inlined callees first). */
function framesOfLocations(message: Message, builder: StackColumnsBuilder): Map<number, number[]> {
  const { reader, text, locations } = message;
  const functions = readFunctions(message);
  const mappings = readMappings(message);
  const result = new Map<number, number[]>();
  for (let i = 0; i < locations.starts.length; i++) {
    const end = reader.enter(locations.starts[i] as number, locations.ends[i] as number);
    let id = 0;
    let mappingId = 0;
    let address = 0n;
    const lines: [functionId: number, line: number][] = [];
    while (reader.nextField(end)) {
      if (reader.field === 1) id = reader.number();
      else if (reader.field === 2) mappingId = reader.number();
      else if (reader.field === 3) address = BigInt.asUintN(64, reader.int64());
      else if (reader.field === 4) lines.push(readLine(reader));
      else reader.skip();
    }
    const mapping = mappings.get(mappingId);
    if (!mapping && mappingId !== 0) {
      throw new ProfileError(
        'PPROF_INDEX_OUT_OF_RANGE',
        `location ${id} refers to mapping ${mappingId}, which the profile does not have`,
      );
    }
    const { module, buildId } = mapping ?? { module: '', buildId: '' };
    const frames = lines.map(([functionId, line]) => {
      const fn = functions.get(functionId);
      if (!fn) {
        throw new ProfileError(
          'PPROF_INDEX_OUT_OF_RANGE',
          `location ${id} refers to function ${functionId}, which the profile does not have`,
        );
      }
      const name =
        text(fn.name, `function ${functionId}: name`) || text(fn.systemName, 'system_name');
      return builder.frameId(
        formatFrame({
          name,
          module,
          file: text(fn.file, `function ${functionId}: filename`),
          line,
          // An agent that could not name a frame says `module+0x…`: keep what can name it later.
          buildId: module !== '' && name.startsWith(`${module}+0x`) ? buildId : '',
        }),
      );
    });
    if (frames.length === 0) {
      const hex = `0x${address.toString(16)}`;
      const name = module ? `${module}+${hex}` : hex;
      frames.push(builder.frameId(formatFrame({ name, module, buildId })));
    }
    result.set(id, frames.reverse());
  }
  return result;
}

function readLine(reader: WireReader): [functionId: number, line: number] {
  const end = reader.message();
  const line: [number, number] = [0, 0];
  while (reader.nextField(end)) {
    if (reader.field === 1) line[0] = reader.number();
    else if (reader.field === 2) line[1] = reader.number();
    else reader.skip();
  }
  return line;
}

interface FunctionStrings {
  name: number;
  systemName: number;
  file: number;
}

function readFunctions({ reader, functions }: Message): Map<number, FunctionStrings> {
  const result = new Map<number, FunctionStrings>();
  for (let i = 0; i < functions.starts.length; i++) {
    const end = reader.enter(functions.starts[i] as number, functions.ends[i] as number);
    const fn = { name: 0, systemName: 0, file: 0 };
    let id = 0;
    while (reader.nextField(end)) {
      if (reader.field === 1) id = reader.number();
      else if (reader.field === 2) fn.name = reader.number();
      else if (reader.field === 3) fn.systemName = reader.number();
      else if (reader.field === 4) fn.file = reader.number();
      else reader.skip();
    }
    result.set(id, fn);
  }
  return result;
}

function readMappings({
  reader,
  mappings,
  text,
}: Message): Map<number, { module: string; buildId: string }> {
  const result = new Map<number, { module: string; buildId: string }>();
  for (let i = 0; i < mappings.starts.length; i++) {
    const end = reader.enter(mappings.starts[i] as number, mappings.ends[i] as number);
    let [id, file, buildId] = [0, 0, 0];
    while (reader.nextField(end)) {
      if (reader.field === 1) id = reader.number();
      else if (reader.field === 5) file = reader.number();
      else if (reader.field === 6) buildId = reader.number();
      else reader.skip();
    }
    const path = text(file, `mapping ${id}: filename`);
    result.set(id, {
      module: path.slice(path.lastIndexOf('/') + 1),
      buildId: text(buildId, `mapping ${id}: build_id`),
    });
  }
  return result;
}

function readSamples(
  { reader, samples, sampleTypes, text }: Message,
  framesOf: Map<number, number[]>,
  builder: StackColumnsBuilder,
): Pick<Profile, 'sampleStack' | 'sampleLabels' | 'sampleValues' | 'labelSets'> {
  const types = sampleTypes.length;
  const count = samples.starts.length;
  const sampleStack = new Uint32Array(count);
  const sampleLabels = new Uint32Array(count);
  const sampleValues = new BigInt64Array(count * types);
  const labelSets: Labels[] = [];
  const labelSetIds = new Map<string, number>();
  const setIdsByIndices = new Map<string, number>();
  const locations: number[] = [];
  const labels: number[] = []; // key, value, key, value …: indices of strings
  for (let sample = 0; sample < count; sample++) {
    const end = reader.enter(samples.starts[sample] as number, samples.ends[sample] as number);
    locations.length = 0;
    labels.length = 0;
    let values = 0;
    const addValue = () => {
      const value = reader.int64();
      if (values < types) sampleValues[sample * types + values] = value;
      values++;
    };
    while (reader.nextField(end)) {
      if (reader.field === 1) reader.repeated(() => locations.push(reader.number()));
      else if (reader.field === 2) reader.repeated(addValue);
      else if (reader.field === 3) readLabel(reader, labels);
      else reader.skip();
    }
    if (values !== types) {
      throw new ProfileError(
        'PPROF_MALFORMED',
        `sample ${sample} has ${values} values; the profile has ${types} sample types`,
      );
    }
    const stack: number[] = [];
    for (let i = locations.length - 1; i >= 0; i--) {
      const frames = framesOf.get(locations[i] as number);
      if (!frames) {
        throw new ProfileError(
          'PPROF_INDEX_OUT_OF_RANGE',
          `sample ${sample} refers to location ${locations[i]}, which the profile does not have`,
        );
      }
      builder.checkRoom(stack.length + frames.length);
      for (const frame of frames) stack.push(frame);
    }
    sampleStack[sample] = builder.addStack(stack);
    // Most samples repeat the label set of another, string for string: known by the indices alone.
    const indices = labels.join();
    let set = setIdsByIndices.get(indices);
    if (set === undefined) {
      const own: [name: string, value: string][] = [];
      for (let i = 0; i < labels.length; i += 2) {
        const name = text(labels[i] as number, `sample ${sample}: label key`);
        own.push([name, text(labels[i + 1] as number, `sample ${sample}: label value`)]);
      }
      const ownLabels: Labels = Object.fromEntries(own);
      const key = formatLabels(ownLabels);
      set = labelSetIds.get(key);
      if (set === undefined) {
        set = labelSets.push(ownLabels) - 1;
        labelSetIds.set(key, set);
      }
      setIdsByIndices.set(indices, set);
    }
    sampleLabels[sample] = set;
  }
  return { sampleStack, sampleLabels, sampleValues, labelSets };
}

/** Adds the label's strings; a numeric one has none. */
function readLabel(reader: WireReader, labels: number[]): void {
  const end = reader.message();
  let key = 0;
  let value = 0;
  while (reader.nextField(end)) {
    if (reader.field === 1) key = reader.number();
    else if (reader.field === 2) value = reader.number();
    else reader.skip();
  }
  if (value !== 0) labels.push(key, value);
}
