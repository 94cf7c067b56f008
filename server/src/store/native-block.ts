/**
 * Blocks of ClickHouse's Native format: columns as they lie in memory, so that 64-bit ids never
 * become text. Only the types that Bunsen's tables and queries have. The numbers are little-endian,
 * like every machine that Node and ClickHouse run on.
 */

import type { Indices } from '@bunsen/profile';

/** Types with a fixed width, and the array that holds them. */
interface FixedTypes {
  UInt64: BigUint64Array;
  Int64: BigInt64Array;
  UInt32: Uint32Array;
  UInt16: Uint16Array;
  Float64: Float64Array;
  /** Seconds since 1970. */
  DateTime: Uint32Array;
  /** Milliseconds since 1970. */
  "DateTime64(3, 'UTC')": BigInt64Array;
}
type FixedType = keyof FixedTypes;

const FIXED = {
  UInt64: BigUint64Array,
  Int64: BigInt64Array,
  UInt32: Uint32Array,
  UInt16: Uint16Array,
  Float64: Float64Array,
  DateTime: Uint32Array,
  "DateTime64(3, 'UTC')": BigInt64Array,
} as const;

export type FixedColumn = {
  [T in FixedType]: { name: string; type: T; values: FixedTypes[T] };
}[FixedType];

/** Days since 1970. */
export interface DateColumn {
  name: string;
  type: 'Date';
  values: Uint16Array;
}

/** 16 bytes a row; only written. */
export interface BytesColumn {
  name: string;
  type: 'FixedString(16)';
  values: Uint8Array;
}

/** Strings of which few are distinct: row i is `dictionary[codes[i]]`. */
export interface DictionaryColumn {
  name: string;
  type: 'LowCardinality(String)';
  dictionary: string[];
  codes: Indices;
}

/** Row i is `codes[offsets[i] .. offsets[i + 1]]`, each an index into the dictionary. */
export interface DictionaryArrayColumn {
  name: string;
  type: 'Array(LowCardinality(String))';
  dictionary: string[];
  /** One entry more than there are rows; starts with 0. */
  offsets: Uint32Array;
  codes: Indices;
}

export type Column =
  | FixedColumn
  | DateColumn
  | BytesColumn
  | DictionaryColumn
  | DictionaryArrayColumn;

/** A shared dictionary with additional keys: the version of LowCardinality's layout. */
const LOW_CARDINALITY_VERSION = 1n;
/** The keys come with the block; the index type stands in the low byte. */
const HAS_ADDITIONAL_KEYS = 0x200n;
const NEED_UPDATE_DICTIONARY = 0x400n;

/** @param columns all of the same length */
export function encodeBlock(rows: number, columns: Column[]): Uint8Array<ArrayBuffer> {
  const out = new BlockWriter();
  out.varint(columns.length);
  out.varint(rows);
  for (const column of columns) {
    out.string(column.name);
    out.string(column.type);
    if (rows === 0) continue;
    if (column.type === 'LowCardinality(String)') {
      out.uint64(LOW_CARDINALITY_VERSION);
      out.dictionary(column.dictionary, column.codes);
    } else if (column.type === 'Array(LowCardinality(String))') {
      out.uint64(LOW_CARDINALITY_VERSION);
      out.bytes(bytesOf(BigUint64Array.from(column.offsets.subarray(1), BigInt)));
      if (column.codes.length > 0) out.dictionary(column.dictionary, column.codes);
    } else {
      out.bytes(bytesOf(column.values));
    }
  }
  return out.finish();
}

/** Some rows of a column, of numbers or of strings. */
export function rowsOf(column: Column, rows: number[]): Column {
  if (column.type === 'Array(LowCardinality(String))' || column.type === 'FixedString(16)') {
    throw new Error(`column ${column.name}: rows of ${column.type} are not taken`);
  }
  if (column.type === 'LowCardinality(String)') {
    return { ...column, codes: Uint32Array.from(rows, (row) => column.codes[row] as number) };
  }
  const { values } = column;
  const taken = new (values.constructor as typeof Uint32Array)(rows.length);
  rows.forEach((row, i) => {
    taken[i] = values[row] as number;
  });
  return { ...column, values: taken } as Column;
}

export interface Block {
  rows: number;
  columns: Column[];
}

/**
 * Reads the blocks of a result one after the other.
 * @throws Error if a column has a type that is not known here, or the bytes end too early
 */
export function* decodeBlocks(bytes: Uint8Array): Generator<Block> {
  const reader = new BlockReader(bytes);
  while (!reader.atEnd) {
    const columnCount = reader.varint();
    const rows = reader.varint();
    const columns: Column[] = [];
    for (let i = 0; i < columnCount; i++) {
      columns.push(readColumn(reader, reader.string(), reader.string(), rows));
    }
    yield { rows, columns };
  }
}

function readColumn(reader: BlockReader, name: string, type: string, rows: number): Column {
  if (type === 'LowCardinality(String)') {
    if (rows === 0) return { name, type, dictionary: [], codes: new Uint32Array() };
    reader.skip(8);
    return { name, type, ...reader.dictionary() };
  }
  if (type === 'Array(LowCardinality(String))') {
    const offsets = new Uint32Array(rows + 1);
    if (rows === 0) return { name, type, dictionary: [], offsets, codes: new Uint32Array() };
    reader.skip(8);
    const ends = new BigUint64Array(reader.copy(rows * 8));
    for (let i = 0; i < rows; i++) offsets[i + 1] = Number(ends[i]);
    const content =
      offsets[rows] === 0 ? { dictionary: [], codes: new Uint32Array() } : reader.dictionary();
    return { name, type, offsets, ...content };
  }
  const array = FIXED[type as FixedType];
  if (array === undefined) throw new Error(`column ${name}: type ${type} is not supported`);
  const values = new array(reader.copy(rows * array.BYTES_PER_ELEMENT));
  return { name, type, values } as FixedColumn;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

class BlockWriter {
  #buffer = Buffer.allocUnsafeSlow(1 << 16);
  #at = 0;

  #reserve(length: number): void {
    if (this.#at + length <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + length));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }

  varint(value: number): void {
    this.#reserve(8);
    while (value >= 0x80) {
      this.#buffer[this.#at++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    this.#buffer[this.#at++] = value;
  }

  string(text: string): void {
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.#reserve(length);
    this.#at += this.#buffer.write(text, this.#at);
  }

  uint64(value: bigint): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeBigUInt64LE(value, this.#at);
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  dictionary(dictionary: string[], codes: Indices): void {
    // The index type: 0 = UInt8, 1 = UInt16, 2 = UInt32.
    const width = dictionary.length <= 0x100 ? 0 : dictionary.length <= 0x10000 ? 1 : 2;
    this.uint64(BigInt(width) | HAS_ADDITIONAL_KEYS | NEED_UPDATE_DICTIONARY);
    this.uint64(BigInt(dictionary.length));
    for (const key of dictionary) this.string(key);
    this.uint64(BigInt(codes.length));
    this.bytes(
      bytesOf(width === 0 ? Uint8Array.from(codes) : width === 1 ? Uint16Array.from(codes) : codes),
    );
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, this.#at);
  }
}

class BlockReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at >= this.#buffer.length;
  }

  skip(length: number): number {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#buffer.length) throw new Error(`the block ends at byte ${start}`);
    return start;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#buffer[this.skip(1)] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  string(): string {
    const length = this.varint();
    const start = this.skip(length);
    return this.#buffer.toString('utf8', start, start + length);
  }

  uint64(): bigint {
    return this.#buffer.readBigUInt64LE(this.skip(8));
  }

  /** A copy, since arrays of numbers must begin at a multiple of their width. */
  copy(length: number): ArrayBuffer {
    const start = this.skip(length);
    const copy = new ArrayBuffer(length);
    new Uint8Array(copy).set(this.#buffer.subarray(start, start + length));
    return copy;
  }

  dictionary(): { dictionary: string[]; codes: Indices } {
    const flags = this.uint64();
    if ((flags & ~0xffn) !== (HAS_ADDITIONAL_KEYS | NEED_UPDATE_DICTIONARY)) {
      throw new Error(`LowCardinality with flags ${flags} is not supported`);
    }
    const dictionary = Array.from({ length: Number(this.uint64()) }, () => this.string());
    const count = Number(this.uint64());
    const width = Number(flags & 0xffn);
    // As they are: a million stacks have so many that widening them would take a quarter of a second.
    if (width === 0) return { dictionary, codes: new Uint8Array(this.copy(count)) };
    if (width === 1) return { dictionary, codes: new Uint16Array(this.copy(count * 2)) };
    return { dictionary, codes: new Uint32Array(this.copy(count * 4)) };
  }
}
