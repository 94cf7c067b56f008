import { gunzipSync } from 'node:zlib';
import { BunsenError } from '../../errors.ts';

/** How many bytes of a request there may still be after decompression. */
export class ByteBudget {
  readonly #limit: number;
  #left: number;

  /** @param limit bytes (BUNSEN_MAX_PROFILE_BYTES) */
  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** @throws BunsenError `PROFILE_TOO_LARGE` */
  take(bytes: number): void {
    if (bytes > this.#left) throw profileTooLarge(this.#limit);
    this.#left -= bytes;
  }

  /**
   * Inflates gzip, and stops where the budget does.
   * @throws BunsenError `PROFILE_TOO_LARGE`, `BODY_MALFORMED`
   */
  gunzip(bytes: Uint8Array): Uint8Array {
    try {
      return gunzipSync(bytes, { maxOutputLength: Math.max(1, this.#left) });
    } catch (cause) {
      throw gunzipError(cause, this.#limit);
    }
  }
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** What zlib's error means to the client. */
export function gunzipError(cause: unknown, limit: number): BunsenError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_BUFFER_TOO_LARGE') return profileTooLarge(limit);
  return new BunsenError('BODY_MALFORMED', `the body is not valid gzip: ${message}`, { cause });
}

export function profileTooLarge(limit: number): BunsenError {
  return new BunsenError(
    'PROFILE_TOO_LARGE',
    `the profile has more than ${limit} bytes after decompression (BUNSEN_MAX_PROFILE_BYTES): send a shorter window, or raise the limit`,
  );
}
