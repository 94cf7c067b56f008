import { ProfileError } from './errors.ts';

/** Where nested messages lie in the bytes. */
export interface Spans {
  starts: number[];
  ends: number[];
}

/**
 * The string table. What is ASCII, as nearly all of it is, is put together and decoded by one call, of
 * which the strings are slices: a call for each takes ten times as long.
 */
export class PprofStrings {
  readonly #bytes: Uint8Array;
  readonly #spans: Spans;
  readonly #ascii: string;
  /** Where a string begins in `#ascii`; -1 if it is not there. */
  readonly #offsets: Int32Array;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(bytes: Uint8Array, spans: Spans) {
    const { starts, ends } = spans;
    const length = starts.reduce((sum, start, i) => sum + (ends[i] as number) - start, 0);
    const ascii = new Uint8Array(length);
    this.#bytes = bytes;
    this.#spans = spans;
    this.#offsets = new Int32Array(starts.length);
    let at = 0;
    for (let i = 0; i < starts.length; i++) {
      const end = ends[i] as number;
      const offset = at;
      let bits = 0;
      for (let from = starts[i] as number; from < end; from++) {
        const byte = bytes[from] as number;
        bits |= byte;
        ascii[at++] = byte;
      }
      this.#offsets[i] = bits < 0x80 ? offset : -1;
      if (bits >= 0x80) at = offset;
    }
    this.#ascii = this.#decoder.decode(ascii.subarray(0, at));
  }

  /**
   * @param field what refers to the string, for the error
   * @throws ProfileError `PPROF_INDEX_OUT_OF_RANGE`
   */
  text(index: number, field: string): string {
    if (index === 0) return '';
    const { starts, ends } = this.#spans;
    if (index >= starts.length) {
      throw new ProfileError(
        'PPROF_INDEX_OUT_OF_RANGE',
        `${field} refers to string ${index}; the string table has ${starts.length}`,
      );
    }
    const start = starts[index] as number;
    const end = ends[index] as number;
    const offset = this.#offsets[index] as number;
    return offset < 0
      ? this.#decoder.decode(this.#bytes.subarray(start, end))
      : this.#ascii.slice(offset, offset + end - start);
  }
}
