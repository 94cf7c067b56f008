import { type IngestLimits, MESSAGES_PER_VALUE, tooMany } from '../limits.ts';

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Parses JSON whose lists and objects are neither too many nor too deep in each other: the parser would
 * take fifty bytes of memory for each of their brackets, and that of depth beyond what a worker may have.
 * @throws BunsenError `PROFILE_TOO_LARGE`; Error if it is no JSON, or not in UTF-8
 */
export function parseJson(bytes: Uint8Array, limits: IngestLimits): unknown {
  checkNesting(bytes, limits);
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

function checkNesting(bytes: Uint8Array, limits: IngestLimits): void {
  let depth = 0;
  let lists = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) at = endOfText(bytes, at);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      lists++;
      if (++depth > limits.nesting) {
        throw tooMany('more', 'lists and objects in each other', limits, 'nesting');
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
  }
  if (lists > limits.values * MESSAGES_PER_VALUE) {
    throw tooMany(lists, 'lists and objects', limits, 'values', MESSAGES_PER_VALUE);
  }
}

/** @returns where the quote at its end is */
function endOfText(bytes: Uint8Array, quote: number): number {
  for (let at = bytes.indexOf(QUOTE, quote + 1); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let backslashes = 0;
    while (bytes[at - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return bytes.length;
}
