import { ProfileError } from './errors.ts';

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH = 2;
const FIXED_32 = 5;

/**
 * Reads protobuf's wire format field by field. Unlike lenient decoders it never takes a message that
 * was cut short for a smaller one: nested lengths must fit exactly.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  at = 0;
  /** Number of the field that {@link nextField} found. */
  field = 0;
  /** The two halves of what {@link int64} read, as signed 32-bit numbers. */
  low = 0;
  high = 0;
  #wireType = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  fail(what: string): never {
    throw new ProfileError('PPROF_MALFORMED', `not a pprof profile: ${what} at byte ${this.at}`);
  }

  /** Moves on to the next field of the message that ends at `end`, and says whether there is one. */
  nextField(end: number): boolean {
    if (this.at === end) return false;
    if (this.at > end) this.fail('a field is longer than its message');
    const tag = this.unsigned();
    if (tag > 0xffff_ffff) this.fail('a tag is longer than 32 bits');
    this.field = tag >>> 3;
    this.#wireType = tag & 7;
    if (this.field === 0) this.fail('field number 0');
    return true;
  }

  /** Goes to a nested message that was found before, and returns its end. */
  enter(start: number, end: number): number {
    this.at = start;
    return end;
  }

  /** The end of the nested message or text that the field is. */
  message(): number {
    if (this.#wireType !== LENGTH) this.fail(`field ${this.field} has the wrong type`);
    const length = this.unsigned();
    const end = this.at + length;
    if (end > this.bytes.length) this.fail(`field ${this.field} is cut off`);
    return end;
  }

  /**
   * The end of the numbers that a repeated field holds: of the whole list where it is packed, of the
   * one number where it is not. They are read until `at` is there; {@link endList} checks that it is.
   */
  list(): number {
    return this.#wireType === VARINT ? this.at + 1 : this.message();
  }

  /** @param end what {@link list} returned */
  endList(end: number): void {
    if (this.at > end && this.#wireType === LENGTH) this.fail('a number is longer than its list');
  }

  /** The field as an unsigned number; exact up to 2^53. */
  number(): number {
    if (this.#wireType !== VARINT) this.fail(`field ${this.field} has the wrong type`);
    return this.unsigned();
  }

  /** The field as an id, which some producers make of all 64 bits. */
  id(): Id {
    if (this.#wireType !== VARINT) this.fail(`field ${this.field} has the wrong type`);
    return this.unsignedId();
  }

  /** The field as a signed 64-bit number. */
  bigint(): bigint {
    if (this.#wireType !== VARINT) this.fail(`field ${this.field} has the wrong type`);
    this.int64();
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }

  skip(): void {
    switch (this.#wireType) {
      case VARINT:
        this.int64();
        break;
      case FIXED_64:
        this.at += 8;
        break;
      case LENGTH:
        this.at = this.message();
        break;
      case FIXED_32:
        this.at += 4;
        break;
      default:
        this.fail(`unknown wire type ${this.#wireType}`);
    }
    if (this.at > this.bytes.length) this.fail(`field ${this.field} is cut off`);
  }

  /** The next number; exact up to 2^53. */
  unsigned(): number {
    const { bytes, at } = this;
    // Nearly all numbers are indices of one or two bytes. (Comparisons with undefined are false.)
    const byte = bytes[at] as number;
    if (byte < 0x80) {
      this.at = at + 1;
      return byte;
    }
    const next = bytes[at + 1] as number;
    if (next < 0x80) {
      this.at = at + 2;
      return (byte & 0x7f) | (next << 7);
    }
    this.int64();
    return (this.high >>> 0) * 2 ** 32 + (this.low >>> 0);
  }

  /** The next number as an id. */
  unsignedId(): Id {
    const id = this.unsigned();
    if (id <= Number.MAX_SAFE_INTEGER) return id;
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
  }

  /** Reads the next number into `low` and `high`. */
  int64(): void {
    const { bytes } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= bytes.length) this.fail('it is cut off');
      const byte = bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= bits << 31;
      if (byte < 0x80) {
        this.low = low;
        this.high = high;
        return;
      }
    }
    this.fail('a number is longer than 64 bits');
  }
}

/** An exact unsigned 64-bit number: a bigint only where it must be. */
export type Id = number | bigint;
