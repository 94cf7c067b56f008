import { ProfileError } from './errors.ts';
import { MAX_HASHED_LENGTH, StackColumnsBuilder } from './folded.ts';
import { formatLabels, type Labels } from './label.ts';
import { FILE_LIMITS, LABELS_PER_VALUE, type ProfileLimits, tooMany } from './limits.ts';
import { framesOfLocations, type LocationFrames } from './pprof-frames.ts';
import { type PprofMessage, readMessage } from './pprof-message.ts';
import type { PprofStrings } from './pprof-strings.ts';
import type { Profile } from './profile.ts';
import type { WireReader } from './wire-reader.ts';

/**
 * Decodes an uncompressed pprof message, whoever produced it. Inlined frames become frames of their
 * own; a location without a function is named `module+0xaddress` and keeps its build ID.
 * Numeric labels (bytes, span ids as numbers) do not become series labels.
 *
 * Reads the bytes straight into columns: an object per sample, location and line, as a protobuf
 * library makes them, costs several times as much, most of it in garbage collection.
 * @throws ProfileError `PPROF_MALFORMED`, `PPROF_INDEX_OUT_OF_RANGE`, `PPROF_LIMIT`
 */
export function decodePprof(bytes: Uint8Array, limits: ProfileLimits = FILE_LIMITS): Profile {
  const message = readMessage(bytes, limits);
  const { sampleTypes, periodType, period, timeNs, durationNs } = message;
  if (sampleTypes.length === 0) {
    throw new ProfileError('PPROF_MALFORMED', 'not a pprof profile: it has no sample_type');
  }
  const builder = new StackColumnsBuilder(limits);
  const samples = readSamples(message, framesOfLocations(message, builder), builder);
  return { ...builder.build(), ...samples, timeNs, durationNs, sampleTypes, periodType, period };
}

function readSamples(
  { reader, limits, samples, sampleTypes, strings }: PprofMessage,
  locations: LocationFrames,
  builder: StackColumnsBuilder,
): Pick<Profile, 'sampleStack' | 'sampleLabels' | 'sampleValues' | 'labelSets'> {
  const types = sampleTypes.length;
  const count = samples.starts.length;
  if (count * types > limits.values) {
    throw tooMany('values', 'values', limits, { count: count * types });
  }
  const sampleStack = new Uint32Array(count);
  const sampleLabels = new Uint32Array(count);
  const sampleValues = new BigInt64Array(count * types);
  // Written by halves: a bigint for each would be garbage.
  const halves = new Int32Array(sampleValues.buffer);
  const labels = new LabelSets(strings, limits);
  for (let sample = 0; sample < count; sample++) {
    const end = reader.enter(samples.starts[sample] as number, samples.ends[sample] as number);
    let values = 0;
    while (reader.nextField(end)) {
      if (reader.field === 1) readStack(reader, sample, locations, builder);
      else if (reader.field === 2) {
        const listEnd = reader.list();
        while (reader.at < listEnd) {
          reader.int64();
          if (values < types) {
            const at = (sample * types + values) * 2;
            halves[at] = reader.low;
            halves[at + 1] = reader.high;
          }
          values++;
        }
        reader.endList(listEnd);
      } else if (reader.field === 3) labels.read(reader);
      else reader.skip();
    }
    if (values !== types) {
      throw new ProfileError(
        'PPROF_MALFORMED',
        `sample ${sample} has ${values} values; the profile has ${types} sample types`,
      );
    }
    sampleStack[sample] = builder.endReversedStack();
    sampleLabels[sample] = labels.end(sample);
  }
  return { sampleStack, sampleLabels, sampleValues, labelSets: labels.sets };
}

/** Pushes the frames of a list of location ids, leaf first. */
function readStack(
  reader: WireReader,
  sample: number,
  { ids, offsets, frames }: LocationFrames,
  builder: StackColumnsBuilder,
): void {
  const end = reader.list();
  while (reader.at < end) {
    const id = reader.unsignedId();
    const location = ids.find(id);
    if (location < 0) {
      throw new ProfileError(
        'PPROF_INDEX_OUT_OF_RANGE',
        `sample ${sample} refers to location ${id}, which the profile does not have`,
      );
    }
    const last = offsets[location + 1] as number;
    for (let at = offsets[location] as number; at < last; at++) builder.push(frames[at] as number);
  }
  reader.endList(end);
}

/** Collects the distinct label sets. Numeric labels are left out. */
class LabelSets {
  readonly sets: Labels[] = [];
  readonly #strings: PprofStrings;
  readonly #limits: ProfileLimits;
  readonly #byText = new Map<string, number>();
  /** Most samples repeat the labels of another, string for string: known by the indices alone. */
  readonly #byIndices = new Map<string, number>();
  /** Of the sample that is being read: key, value, key, value …, as indices of strings. */
  #indices: number[] = [];
  /** Of the sample before. */
  #lastIndices: number[] = [];
  #last = -1;
  #labels = 0;
  #textLength = 0;

  constructor(strings: PprofStrings, limits: ProfileLimits) {
    this.#strings = strings;
    this.#limits = limits;
  }

  read(reader: WireReader): void {
    const end = reader.message();
    let key = 0;
    let value = 0;
    while (reader.nextField(end)) {
      if (reader.field === 1) key = reader.number();
      else if (reader.field === 2) value = reader.number();
      else reader.skip();
    }
    if (value === 0) return;
    const limits = this.#limits;
    const most = limits.values * LABELS_PER_VALUE;
    if (++this.#labels > most) throw tooMany('labels of samples', 'values', limits, { most });
    if (this.#indices.push(key, value) > limits.sentLabels * 2) {
      throw tooMany('labels on a sample', 'sentLabels', limits);
    }
  }

  /** @returns the index of the label set of what was read since the last end */
  end(sample: number): number {
    const indices = this.#indices;
    const last = this.#lastIndices;
    if (this.#last < 0 || !isEqual(indices, last)) this.#last = this.#find(indices, sample);
    this.#lastIndices = indices;
    this.#indices = last;
    last.length = 0;
    return this.#last;
  }

  #find(indices: number[], sample: number): number {
    const key = indices.join();
    let set = this.#byIndices.get(key);
    if (set === undefined) {
      set = this.#add(indices, sample);
      this.#byIndices.set(key, set);
    }
    return set;
  }

  #add(indices: number[], sample: number): number {
    const own: [name: string, value: string][] = [];
    for (let i = 0; i < indices.length; i += 2) {
      const name = this.#strings.text(indices[i] as number, `sample ${sample}: label key`);
      const value = this.#strings.text(indices[i + 1] as number, `sample ${sample}: label value`);
      this.#textLength += name.length + value.length;
      own.push([name, value]);
    }
    if (this.#textLength > this.#limits.textChars) {
      throw tooMany('characters of labels', 'textChars', this.#limits);
    }
    const labels: Labels = Object.fromEntries(own);
    const text = formatLabels(labels);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const set = this.sets.push(labels) - 1;
    if (text.length <= MAX_HASHED_LENGTH) this.#byText.set(text, set);
    return set;
  }
}

function isEqual(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
