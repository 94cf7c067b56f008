import { ProfileError } from './errors.ts';
import type { StackColumnsBuilder } from './folded.ts';
import { type Frame, formatFrame, isUnnamedFrame } from './frame.ts';
import { type ProfileLimits, tooMany } from './limits.ts';
import type { PprofMessage } from './pprof-message.ts';
import type { Id, WireReader } from './wire-reader.ts';

/** Frame ids of the locations: those of location `i` are `frames[offsets[i] .. offsets[i + 1]]`, leaf first. */
export interface LocationFrames {
  ids: IdIndex;
  offsets: Uint32Array;
  frames: number[];
}

/**
 * Reads locations, functions and mappings, and makes the frames of each location: one a line.
 * @throws ProfileError `PPROF_MALFORMED`, `PPROF_INDEX_OUT_OF_RANGE`, `PPROF_LIMIT`
 */
export function framesOfLocations(
  message: PprofMessage,
  builder: StackColumnsBuilder,
): LocationFrames {
  const { reader, limits, strings, locations } = message;
  const functions = readFunctions(message);
  const mappings = readMappings(message);
  const count = locations.starts.length;
  const ids: Id[] = new Array(count);
  const offsets = new Uint32Array(count + 1);
  const frames: number[] = [];
  const lineFunctions: Id[] = [];
  const lineNumbers: number[] = [];
  const byLocation = functions.areNumbered ? undefined : new IdIndex(readIds(message));
  const known = new FrameTable(builder, functions.names.length, limits);
  for (let i = 0; i < count; i++) {
    const end = reader.enter(locations.starts[i] as number, locations.ends[i] as number);
    let id: Id = 0;
    let mappingId: Id = 0;
    let [addressLow, addressHigh] = [0, 0];
    let lines = 0;
    while (reader.nextField(end)) {
      if (reader.field === 1) id = reader.id();
      else if (reader.field === 2) mappingId = reader.id();
      else if (reader.field === 3) {
        reader.int64();
        addressLow = reader.low;
        addressHigh = reader.high;
      } else if (reader.field === 4) readLine(reader, lineFunctions, lineNumbers, lines++);
      else reader.skip();
      if (frames.length + lines > limits.tableEntries) {
        throw tooMany('lines of locations', 'tableEntries', limits);
      }
    }
    const mapping = mappingId === 0 ? NO_MAPPING : mappings.rows[mappings.ids.find(mappingId)];
    if (!mapping) {
      throw new ProfileError(
        'PPROF_INDEX_OUT_OF_RANGE',
        `location ${id} refers to mapping ${mappingId}, which the profile does not have`,
      );
    }
    const { module, buildId } = mapping;
    for (let at = 0; at < lines; at++) {
      const functionId = lineFunctions[at] as Id;
      const fn = byLocation?.find(functionId) ?? functions.ids.find(functionId);
      if (fn < 0) {
        throw new ProfileError(
          'PPROF_INDEX_OUT_OF_RANGE',
          `location ${id} refers to function ${functionId}, which the profile does not have`,
        );
      }
      const line = lineNumbers[at] as number;
      let frame = known.find(fn, mapping, line);
      if (frame < 0) {
        const name =
          strings.text(functions.names[fn] as number, 'a function: name') ||
          strings.text(functions.systemNames[fn] as number, 'a function: system_name');
        const file = strings.text(functions.files[fn] as number, 'a function: filename');
        // What can name a frame later is kept.
        const kept = isUnnamedFrame(name, module) ? buildId : '';
        frame = known.add({ name, module, file, line, buildId: kept }, fn, mapping);
      }
      frames.push(frame);
    }
    if (lines === 0) {
      const address = (BigInt(addressHigh >>> 0) << 32n) | BigInt(addressLow >>> 0);
      const hex = `0x${address.toString(16)}`;
      const name = module ? `${module}+${hex}` : hex;
      frames.push(known.add({ name, module, file: '', line: 0, buildId }));
    }
    ids[i] = id;
    offsets[i + 1] = frames.length;
  }
  return { ids: new IdIndex(ids), offsets, frames };
}

/**
 * The frames of functions. Most functions occur in one mapping and with one line, if any, and such a
 * frame is found by its numbers: to find all by their text takes a third of all the time of decoding.
 */
class FrameTable {
  readonly #builder: StackColumnsBuilder;
  /** Per function, its first frame, and the mapping and line of that. */
  readonly #first: Uint32Array;
  readonly #mappings: Mapping[];
  readonly #lines: Float64Array;
  readonly #limits: ProfileLimits;
  #textLength = 0;

  constructor(builder: StackColumnsBuilder, functions: number, limits: ProfileLimits) {
    this.#builder = builder;
    this.#limits = limits;
    this.#first = new Uint32Array(functions);
    this.#mappings = new Array(functions);
    this.#lines = new Float64Array(functions);
  }

  /** @returns -1 unless this is the function's first frame */
  find(fn: number, mapping: Mapping, line: number): number {
    const isFirst = this.#lines[fn] === line && this.#mappings[fn] === mapping;
    return isFirst ? (this.#first[fn] as number) : -1;
  }

  /** @param fn the function of which it is with such a mapping and its line; none if it has no name */
  add(frame: Frame, fn?: number, mapping?: Mapping): number {
    const { name, module, file, line, buildId } = frame;
    this.#textLength += name.length + module.length + file.length + buildId.length;
    if (this.#textLength > this.#limits.textChars) {
      throw tooMany('characters of frames', 'textChars', this.#limits);
    }
    const text = formatFrame(frame);
    if (fn === undefined || !mapping || this.#mappings[fn]) return this.#builder.frameId(text);
    this.#mappings[fn] = mapping;
    this.#lines[fn] = line;
    const id = this.#builder.addFrame(text);
    this.#first[fn] = id;
    return id;
  }
}

/** Finds things by their id. Nearly all producers count, from 1 or so, which makes it a table. */
class IdIndex {
  /** By id: index + 1, 0 if there is none. */
  readonly #table: Uint32Array;
  /** Keys are texts, as a Map's hash of a text has a secret, and numbers can be made to collide. */
  readonly #sparse: Map<string, number> | undefined;

  constructor(ids: Id[]) {
    const slots = ids.length * 4 + 1024;
    this.#table = new Uint32Array(slots);
    if (ids.some((id) => id >= slots)) this.#sparse = new Map(ids.map((id, i) => [`${id}`, i]));
    else for (let i = 0; i < ids.length; i++) this.#table[ids[i] as number] = i + 1;
  }

  /** @returns -1 if there is none */
  find(id: Id): number {
    if (this.#sparse) return this.#sparse.get(`${id}`) ?? -1;
    return typeof id === 'number' ? (this.#table[id] ?? 0) - 1 : -1;
  }
}

function readLine(reader: WireReader, functions: Id[], numbers: number[], at: number): void {
  const end = reader.message();
  functions[at] = 0;
  numbers[at] = 0;
  while (reader.nextField(end)) {
    if (reader.field === 1) functions[at] = reader.id();
    else if (reader.field === 2) numbers[at] = reader.number();
    else reader.skip();
  }
}

/** Columns of indices of strings. */
interface Functions {
  ids: IdIndex;
  /**
   * Else they are as many as locations, and each has the id of its location: Pyroscope's client for
   * .NET leaves it out.
   */
  areNumbered: boolean;
  names: Float64Array;
  systemNames: Float64Array;
  files: Float64Array;
}

function readFunctions({ reader, functions, locations }: PprofMessage): Functions {
  const count = functions.starts.length;
  const ids: Id[] = new Array(count);
  const names = new Float64Array(count);
  const systemNames = new Float64Array(count);
  const files = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const end = reader.enter(functions.starts[i] as number, functions.ends[i] as number);
    ids[i] = 0;
    while (reader.nextField(end)) {
      if (reader.field === 1) ids[i] = reader.id();
      else if (reader.field === 2) names[i] = reader.number();
      else if (reader.field === 3) systemNames[i] = reader.number();
      else if (reader.field === 4) files[i] = reader.number();
      else reader.skip();
    }
  }
  const areNumbered = count !== locations.starts.length || ids.some((id) => id !== 0);
  return { ids: new IdIndex(ids), areNumbered, names, systemNames, files };
}

/** The ids of the locations. */
function readIds({ reader, locations }: PprofMessage): Id[] {
  return locations.starts.map((start, i) => {
    const end = reader.enter(start, locations.ends[i] as number);
    let id: Id = 0;
    while (reader.nextField(end)) {
      if (reader.field === 1) id = reader.id();
      else reader.skip();
    }
    return id;
  });
}

interface Mapping {
  /** Base name of the file. */
  module: string;
  buildId: string;
}

const NO_MAPPING: Mapping = { module: '', buildId: '' };

function readMappings({ reader, mappings, strings }: PprofMessage): {
  ids: IdIndex;
  rows: Mapping[];
} {
  const ids: Id[] = [];
  const rows: Mapping[] = [];
  for (let i = 0; i < mappings.starts.length; i++) {
    const end = reader.enter(mappings.starts[i] as number, mappings.ends[i] as number);
    let id: Id = 0;
    let [file, buildId] = [0, 0];
    while (reader.nextField(end)) {
      if (reader.field === 1) id = reader.id();
      else if (reader.field === 5) file = reader.number();
      else if (reader.field === 6) buildId = reader.number();
      else reader.skip();
    }
    const path = strings.text(file, `mapping ${id}: filename`);
    ids.push(id);
    rows.push({
      module: path.slice(path.lastIndexOf('/') + 1),
      buildId: strings.text(buildId, `mapping ${id}: build_id`),
    });
  }
  return { ids: new IdIndex(ids), rows };
}
