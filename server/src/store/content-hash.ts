import { hash } from 'node:crypto';

/**
 * A 64-bit content hash of a list of texts: the first bytes of a SHA-1, each text with its length in
 * front, so that `["ab", "c"]` and `["a", "bc"]` differ. Never 0, which stands for "none".
 */
export function hashTexts(texts: Iterable<string>): bigint {
  let joined = '';
  for (const text of texts) joined += `${text.length}:${text}`;
  return firstWord(joined);
}

/** A 64-bit content hash of stacks, by way of their frames' hashes: each frame is hashed once. */
export class StackHasher {
  readonly #frameHashes: BigUint64Array;
  #words = new BigUint64Array(256);
  #bytes = new Uint8Array(this.#words.buffer);

  constructor(frames: string[]) {
    this.#frameHashes = BigUint64Array.from(frames, firstWord);
  }

  /** @param stack indices into the frames, root first */
  hash(stack: Uint32Array): bigint {
    if (stack.length > this.#words.length) {
      this.#words = new BigUint64Array(stack.length * 2);
      this.#bytes = new Uint8Array(this.#words.buffer);
    }
    for (let i = 0; i < stack.length; i++) {
      this.#words[i] = this.#frameHashes[stack[i] as number] as bigint;
    }
    return firstWord(this.#bytes.subarray(0, stack.length * 8));
  }
}

function firstWord(content: string | Uint8Array): bigint {
  return hash('sha1', content, 'buffer').readBigUInt64LE(0) || 1n;
}
