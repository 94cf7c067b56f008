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
  readonly #bytes: Uint8Array;
  readonly #decoder = new TextDecoder();
  at = 0;
  /** Number of the field that {@link nextField} found. */
  field = 0;
  #wireType = 0;
  /** The two halves of the last varint, as unsigned 32-bit numbers. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  fail(what: string): never {
    throw new ProfileError('PPROF_MALFORMED', `not a pprof profile: ${what} at byte ${this.at}`);
  }

  /** Moves on to the next field of the message that ends at `end`, and says whether there is one. */
  nextField(end: number): boolean {
    if (this.at === end) return false;
    if (this.at > end) this.fail('a field is longer than its message');
    const tag = this.#unsigned();
    this.field = Math.floor(tag / 8);
    this.#wireType = tag % 8;
    if (this.field === 0) this.fail('field number 0');
    return true;
  }

  /** Goes to a nested message that was found before, and returns its end. */
  enter(start: number, end: number): number {
    this.at = start;
    return end;
  }

  /** The end of the nested message, text or packed list that the field is. */
  message(): number {
    if (this.#wireType !== LENGTH) this.fail(`field ${this.field} has the wrong type`);
    const length = this.#unsigned();
    const end = this.at + length;
    if (end > this.#bytes.length) this.fail(`field ${this.field} is cut off`);
    return end;
  }

  /** The field as an unsigned number; exact up to 2^53. */
  number(): number {
    if (this.#wireType !== VARINT) this.fail(`field ${this.field} has the wrong type`);
    return this.#unsigned();
  }

  /** The field as a signed 64-bit number. */
  int64(): bigint {
    if (this.#wireType !== VARINT) this.fail(`field ${this.field} has the wrong type`);
    this.#varint();
    if (this.#high < 0x200000) return BigInt(this.#high * 2 ** 32 + this.#low);
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low));
  }

  /** Appends the numbers of a repeated field, packed or not, to a list. Exact up to 2^53. */
  numbers(list: number[]): void {
    if (this.#wireType === VARINT) {
      list.push(this.#unsigned());
      return;
    }
    const end = this.message();
    while (this.at < end) list.push(this.#unsigned());
    if (this.at > end) this.fail('a number is longer than its list');
  }

  /** Calls `read` for each number of a repeated field, packed or not. */
  repeated(read: () => void): void {
    if (this.#wireType === VARINT) {
      read();
      return;
    }
    const end = this.message();
    this.#wireType = VARINT;
    while (this.at < end) read();
    if (this.at > end) this.fail('a number is longer than its list');
  }

  skip(): void {
    switch (this.#wireType) {
      case VARINT:
        this.#varint();
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
    if (this.at > this.#bytes.length) this.fail(`field ${this.field} is cut off`);
  }

  /** The UTF-8 text between two places. Short ASCII, which most names are, is read without a call. */
  text(start: number, end: number): string {
    const bytes = this.#bytes;
    if (end - start < 24) {
      let text = '';
      for (let i = start; i < end; i++) {
        const byte = bytes[i] as number;
        if (byte >= 0x80) return this.#decoder.decode(bytes.subarray(start, end));
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return this.#decoder.decode(bytes.subarray(start, end));
  }

  #unsigned(): number {
    const bytes = this.#bytes;
    const { at } = this;
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
    this.#varint();
    return this.#high * 2 ** 32 + this.#low;
  }

  #varint(): void {
    const bytes = this.#bytes;
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
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    this.fail('a number is longer than 64 bits');
  }
}
