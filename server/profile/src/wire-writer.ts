const VARINT = 0;
const LENGTH = 2;

/**
 * Writes protobuf's wire format, field by field. A message in another one is written by a writer of its
 * own first, since its length stands in front of it.
 */
export class WireWriter {
  #bytes = new Uint8Array(4096);
  #at = 0;

  /** What was written since the last call, as an array of its own. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#at);
    this.#at = 0;
    return taken;
  }

  /** A field that is a number from 0 to 2^53; protobuf leaves out 0. */
  number(field: number, value: number): void {
    if (value === 0) return;
    this.#tag(field, VARINT);
    this.varint(value);
  }

  /** The same for 64 bits, unsigned or in two's complement. */
  bigint(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#tag(field, VARINT);
    this.varint64(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
  }

  /** A field that is a message, a list of numbers or bytes: what `inner` has, and then has no more. */
  nested(field: number, inner: WireWriter): void {
    this.bytes(field, inner.#bytes.subarray(0, inner.#at));
    inner.#at = 0;
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, LENGTH);
    this.varint(value.length);
    this.raw(value);
  }

  /** Fields that were written before. */
  raw(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#bytes.set(fields, this.#at);
    this.#at += fields.length;
  }

  /** An element of a list of numbers, from 0 to 2^53. */
  varint(value: number): void {
    this.#reserve(10);
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128;
    for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128;
    bytes[at++] = rest;
    this.#at = at;
  }

  /** The same for 64 bits, as two unsigned halves. */
  varint64(low: number, high: number): void {
    if (high < 2 ** 21) {
      this.varint(high * 2 ** 32 + low);
      return;
    }
    this.#reserve(10);
    let [lower, upper] = [low, high];
    while (upper > 0) {
      this.#bytes[this.#at++] = (lower & 127) | 128;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    this.varint(lower);
  }

  #tag(field: number, wireType: number): void {
    this.varint((field << 3) | wireType);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
