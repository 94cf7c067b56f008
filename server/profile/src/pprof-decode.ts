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
  const locationFrames = framesOfLocations(message, builder);
  const samples = readSamples(message, locationFrames, builder);
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

/** Frame ids of the locations: those of location `i` from `offsets[i]` on, root first. */
interface LocationFrames {
  ids: IdIndex;
  offsets: Uint32Array;
  frames: number[];
}

function framesOfLocations(message: Message, builder: StackColumnsBuilder): LocationFrames {
  const { reader, text, locations } = message;
  const functions = readFunctions(message);
  const mappings = readMappings(message);
  const count = locations.starts.length;
  const ids = new Float64Array(count);
  const offsets = new Uint32Array(count + 1);
  const result: number[] = [];
  const lines: number[] = []; // function id, line, function id, line …: innermost first
  for (let i = 0; i < count; i++) {
    const end = reader.enter(locations.starts[i] as number, locations.ends[i] as number);
    let id = 0;
    let mappingId = 0;
    let address = 0n;
    lines.length = 0;
    while (reader.nextField(end)) {
      if (reader.field === 1) id = reader.number();
      else if (reader.field === 2) mappingId = reader.number();
      else if (reader.field === 3) address = reader.int64();
      else if (reader.field === 4) readLine(reader, lines);
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
    for (let at = lines.length - 2; at >= 0; at -= 2) {
      const functionId = lines[at] as number;
      const fn = functions.ids.find(functionId);
      if (fn < 0) {
        throw new ProfileError(
          'PPROF_INDEX_OUT_OF_RANGE',
          `location ${id} refers to function ${functionId}, which the profile does not have`,
        );
      }
      const name =
        text(functions.names[fn] as number, 'a function: name') ||
        text(functions.systemNames[fn] as number, 'a function: system_name');
      const frame = {
        name,
        module,
        file: text(functions.files[fn] as number, 'a function: filename'),
        line: lines[at + 1] as number,
        // An agent that could not name a frame says `module+0x…`: keep what can name it later.
        buildId: isUnnamed(name, module) ? buildId : '',
      };
      result.push(builder.frameId(formatFrame(frame)));
    }
    if (lines.length === 0) {
      const hex = `0x${BigInt.asUintN(64, address).toString(16)}`;
      const name = module ? `${module}+${hex}` : hex;
      result.push(builder.frameId(formatFrame({ name, module, buildId })));
    }
    ids[i] = id;
    offsets[i + 1] = result.length;
  }
  return { ids: new IdIndex(ids), offsets, frames: result };
}

function isUnnamed(name: string, module: string): boolean {
  return module !== '' && name.startsWith(module) && name.startsWith('+0x', module.length);
}

/** Finds things by their id. Most producers count from 1, which needs no map. */
class IdIndex {
  readonly #count: number;
  readonly #indices: Map<number, number> | undefined;

  constructor(ids: Float64Array) {
    this.#count = ids.length;
    if (ids.some((id, i) => id !== i + 1)) {
      this.#indices = new Map();
      for (let i = 0; i < ids.length; i++) this.#indices.set(ids[i] as number, i);
    }
  }

  /** @returns -1 if there is none */
  find(id: number): number {
    if (this.#indices) return this.#indices.get(id) ?? -1;
    return id >= 1 && id <= this.#count ? id - 1 : -1;
  }
}

function readLine(reader: WireReader, lines: number[]): void {
  const end = reader.message();
  let functionId = 0;
  let line = 0;
  while (reader.nextField(end)) {
    if (reader.field === 1) functionId = reader.number();
    else if (reader.field === 2) line = reader.number();
    else reader.skip();
  }
  lines.push(functionId, line);
}

/** Columns of indices of strings. */
interface Functions {
  ids: IdIndex;
  names: Float64Array;
  systemNames: Float64Array;
  files: Float64Array;
}

function readFunctions({ reader, functions }: Message): Functions {
  const count = functions.starts.length;
  const ids = new Float64Array(count);
  const names = new Float64Array(count);
  const systemNames = new Float64Array(count);
  const files = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const end = reader.enter(functions.starts[i] as number, functions.ends[i] as number);
    while (reader.nextField(end)) {
      if (reader.field === 1) ids[i] = reader.number();
      else if (reader.field === 2) names[i] = reader.number();
      else if (reader.field === 3) systemNames[i] = reader.number();
      else if (reader.field === 4) files[i] = reader.number();
      else reader.skip();
    }
  }
  return { ids: new IdIndex(ids), names, systemNames, files };
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
  locationFrames: LocationFrames,
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
  const stack: number[] = [];
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
      if (reader.field === 1) reader.numbers(locations);
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
    stack.length = 0;
    for (let i = locations.length - 1; i >= 0; i--) {
      const location = locationFrames.ids.find(locations[i] as number);
      if (location < 0) {
        throw new ProfileError(
          'PPROF_INDEX_OUT_OF_RANGE',
          `sample ${sample} refers to location ${locations[i]}, which the profile does not have`,
        );
      }
      const { offsets, frames } = locationFrames;
      const first = offsets[location] as number;
      const last = offsets[location + 1] as number;
      builder.checkRoom(stack.length + last - first);
      for (let at = first; at < last; at++) stack.push(frames[at] as number);
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
