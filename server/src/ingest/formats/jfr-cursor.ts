import { BunsenError } from '../../errors.ts';

const UTF8 = new TextDecoder();
const LATIN1 = new TextDecoder('latin1');

/** A text that stands in the pool of strings. */
export class StringRef {
  readonly key: number | bigint;
  constructor(key: number | bigint) {
    this.key = key;
  }
}

/** Reads the primitive values of a JFR chunk, none beyond the end that was set. */
export class JfrCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;
  end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  fail(what: string): never {
    throw new BunsenError('JFR_MALFORMED', `not a JFR recording: ${what} at byte ${this.at}`);
  }

  /** Moves on by some bytes, and returns where they begin. */
  take(bytes: number): number {
    const { at } = this;
    if (bytes > this.end - at) this.fail('it is cut off');
    this.at = at + bytes;
    return at;
  }

  byte(): number {
    return this.#bytes[this.take(1)] as number;
  }

  /** Unsigned and big endian, as in headers. */
  fixed(bytes: 2 | 4 | 8): number {
    const at = this.take(bytes);
    if (bytes === 8) return Number(this.#view.getBigUint64(at));
    return bytes === 4 ? this.#view.getUint32(at) : this.#view.getUint16(at);
  }

  /**
   * A compressed integer: seven bits a byte, the lowest first, and all eight of the ninth.
   * @returns a bigint beyond 2^53, where numbers would fall together
   */
  long(): number | bigint {
    let value = 0;
    for (let i = 0; i < 7; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    let rest = BigInt(value);
    const eighth = this.byte();
    rest |= BigInt(eighth & 0x7f) << 49n;
    if (eighth >= 0x80) rest |= BigInt(this.byte()) << 56n;
    return rest <= Number.MAX_SAFE_INTEGER ? Number(rest) : rest;
  }

  /** A number of things to come, of which each has a byte at least. */
  count(): number {
    const count = this.long();
    if (count > this.end - this.at) this.fail(`${count} things are cut off`);
    return Number(count);
  }

  text(): string | StringRef {
    const encoding = this.byte();
    switch (encoding) {
      case 0: // null
      case 1:
        return '';
      case 2:
        return new StringRef(this.long());
      case 3:
      case 5: {
        const length = this.count();
        const at = this.take(length);
        return (encoding === 3 ? UTF8 : LATIN1).decode(this.#bytes.subarray(at, at + length));
      }
      case 4:
        return Array.from({ length: this.count() }, () =>
          String.fromCharCode(Number(this.long()) & 0xffff),
        ).join('');
      default:
        return this.fail(`unknown encoding ${encoding} of a text`);
    }
  }
}
