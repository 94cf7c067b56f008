import { ByteWriter } from './byte-writer.ts';

const VARINT = 0;
const LENGTH = 2;

/**
 * Writes protobuf's wire format, field by field. A message in another one is written by a writer of its
 * own first, since its length stands in front of it.
 */
export class WireWriter extends ByteWriter {
  /** A field that is a whole number; protobuf leaves out 0. */
  number(field: number, value: number): void {
    if (value === 0) return;
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
      this.bigint(field, BigInt(value));
      return;
    }
    this.#tag(field, VARINT);
    this.varint(value);
  }

  /** The same, of which the lower 64 bits are written; below 0 in two's complement. */
  bigint(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#tag(field, VARINT);
    this.varint64(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
  }

  /** A field that is a message or a list of numbers: what `inner` has, and then has no more. */
  nested(field: number, inner: ByteWriter): void {
    this.#tag(field, LENGTH);
    this.moved(inner);
  }

  /** An element of a list of numbers, as its two unsigned halves. */
  varint64(low: number, high: number): void {
    let [lower, upper] = [low, high];
    while (upper >= 2 ** 21) {
      this.byte((lower & 0x7f) | 0x80);
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    this.varint(upper * 2 ** 32 + lower);
  }

  #tag(field: number, wireType: number): void {
    this.varint((field << 3) | wireType);
  }
}
