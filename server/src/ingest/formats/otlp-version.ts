import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { BunsenError } from '../../errors.ts';
import { type IngestLimits, tooMany } from '../limits.ts';

export type OtlpVersion = '1.10' | '1.9';

/** Tables of the dictionary: the fields 1 to 7. */
const TABLES = ['mappings', 'locations', 'functions', 'links', 'strings', 'attributes', 'stacks'];
const ATTRIBUTES = 6;
/** Wire types of a profile's fields 1 to 11. Earlier versions had others. */
const PROFILE_FIELDS = [2, 2, 1, 0, 2, 0, 2, 0, 2, 2, 2];

/**
 * Tells of which version of opentelemetry-proto a request is, and checks the sizes of its tables.
 * Decoders cannot tell: 1.10 gave the fields of a sample other numbers, and what was written by one
 * version and read by the other decodes without an error, to another profile. But single values and
 * lists changed places, and the bytes say which field is a list:
 *
 * |      | 2          | 3          | 4      |
 * |------|------------|------------|--------|
 * | 1.9  | values     | attributes | link   |
 * | 1.10 | attributes | link       | values |
 * @throws BunsenError `OTLP_VERSION_UNSUPPORTED` if it is neither, or could be both;
 *   `OTLP_MALFORMED`, `PROFILE_TOO_LARGE`
 */
export function versionOf(bytes: Uint8Array, limits: IngestLimits): OtlpVersion {
  const reader = new BinaryReader(bytes);
  const samples = new SampleEvidence(limits);
  const tables = new Array<number>(TABLES.length + 1).fill(0);
  let dictionary = false;
  forEachField(reader, reader.len, 'request', (field) => {
    if (field === 1) {
      inFields(reader, 'resource_profiles', 2, () =>
        inFields(reader, 'scope_profiles', 2, () => readProfile(reader, samples)),
      );
    } else if (field === 2) {
      dictionary = true;
      forEachField(reader, endOf(reader), 'dictionary', (table, wireType) => {
        const name = TABLES[table - 1] ?? unsupported(`its dictionary has a field ${table}`);
        tables[table] = (tables[table] as number) + 1;
        if ((tables[table] as number) > limits.tableEntries) {
          throw tooMany('more', name, limits, 'tableEntries');
        }
        reader.skip(wireType, table);
      });
    } else unsupported(`the request has a field ${field}`);
  });
  if (samples.count > 0 && !dictionary) unsupported('the request has no dictionary');
  return samples.verdict(tables[ATTRIBUTES] as number);
}

function readProfile(reader: BinaryReader, samples: SampleEvidence): void {
  forEachField(reader, endOf(reader), 'profile', (field, wireType) => {
    if (PROFILE_FIELDS[field - 1] !== wireType) {
      // A list of one may come as a single value.
      if (field !== 11 || wireType !== WireType.Varint) {
        unsupported(`a profile has a field ${field} of wire type ${wireType}`);
      }
    }
    if (field === 2) samples.read(reader);
    else reader.skip(wireType, field);
  });
}

/** Gathers from all samples of a request what only one version can have written. */
class SampleEvidence {
  count = 0;
  readonly #limits: IngestLimits;
  #for110 = false;
  #for19 = false;
  /** Samples with a list at 2, and nothing at 3, 4 and 5: of 1.9, as 1.10 needs 4 or 5. */
  #onlyList = false;
  /** Samples with a list at 2 and timestamps: values of 1.9, or attributes of 1.10. */
  #listAndTimes = false;
  /** Whether those could be values: as many as timestamps. */
  #couldBeValues = true;
  /** Those could be attributes if this is an index of the table. */
  #largest = 0;

  constructor(limits: IngestLimits) {
    this.#limits = limits;
  }

  read(reader: BinaryReader): void {
    const limits = this.#limits;
    if (++this.count > limits.values) throw tooMany('more', 'samples', limits, 'values');
    let list: number[] | undefined;
    let times = 0;
    let decided = false;
    forEachField(reader, endOf(reader), 'sample', (field, wireType) => {
      const isList = wireType === WireType.LengthDelimited;
      if (field > 5 || (field === 2 && !isList)) {
        unsupported(`a sample has a field ${field} of wire type ${wireType}`);
      }
      if (field === 2) {
        list = readList(reader);
        return;
      }
      if (field === 3 || field === 4) {
        decided = true;
        if ((field === 4) === isList) this.#for110 = true;
        else this.#for19 = true;
      }
      if (field === 5) times += isList ? listBytes(reader) / 8 : 1;
      reader.skip(wireType, field);
    });
    if (decided || list === undefined) return;
    if (times === 0) this.#onlyList = true;
    else {
      this.#listAndTimes = true;
      this.#couldBeValues &&= list.length === times;
      for (const index of list) if (index > this.#largest) this.#largest = index;
    }
  }

  /** @param attributes entries of the table of attributes */
  verdict(attributes: number): OtlpVersion {
    const for19 = this.#for19 || this.#onlyList;
    if (this.#for110 && for19) unsupported('some samples are of 1.9 and others of 1.10');
    if (this.#for110 || for19 || !this.#listAndTimes) return for19 ? '1.9' : '1.10';
    const couldBeAttributes = this.#largest < attributes;
    if (this.#couldBeValues && couldBeAttributes) {
      unsupported('field 2 of its samples may be values (1.9) or attributes (1.10)');
    }
    return couldBeAttributes ? '1.10' : '1.9';
  }
}

/** The numbers of a packed list; only the low 32 bits, which is enough to compare indices. */
function readList(reader: BinaryReader): number[] {
  const end = endOf(reader);
  const list: number[] = [];
  while (reader.pos < end) list.push(Number(reader.uint64()));
  return list;
}

/** Length of the list that is next, without moving on. */
function listBytes(reader: BinaryReader): number {
  const at = reader.pos;
  const length = reader.uint32();
  reader.pos = at;
  return length;
}

/** Calls `read` for each occurrence of a field of the message that is next; skips the others. */
function inFields(reader: BinaryReader, message: string, wanted: number, read: () => void): void {
  forEachField(reader, endOf(reader), message, (field, wireType) => {
    if (field === wanted && wireType === WireType.LengthDelimited) read();
    else reader.skip(wireType, field);
  });
}

function endOf(reader: BinaryReader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

function forEachField(
  reader: BinaryReader,
  end: number,
  message: string,
  read: (field: number, wireType: WireType) => void,
): void {
  if (end > reader.len) {
    throw new BunsenError('OTLP_MALFORMED', `the ${message} at byte ${reader.pos} is cut off`);
  }
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    read(field, wireType);
  }
  if (reader.pos > end) {
    throw new BunsenError('OTLP_MALFORMED', `a field is longer than its ${message} at byte ${end}`);
  }
}

function unsupported(what: string): never {
  throw new BunsenError(
    'OTLP_VERSION_UNSUPPORTED',
    `this is not OTLP profiles of opentelemetry-proto 1.9 or 1.10: ${what}; bring sender and server to the same version`,
  );
}
