import { hash } from 'node:crypto';

/**
 * A 64-bit content hash of a list of texts: the first bytes of a SHA-1, each text with its length in
 * front, so that `["ab", "c"]` and `["a", "bc"]` differ. Never 0, which stands for "none".
 */
export function hashTexts(texts: Iterable<string>): bigint {
  let joined = '';
  for (const text of texts) joined += `${text.length}:${text}`;
  return firstWord(hash('sha1', joined, 'buffer'));
}

/** A 64-bit content hash of stacks, by way of their frames' hashes: each frame is hashed once. */
export class StackHasher {
  /** 8 bytes a frame. */
  readonly #frameHashes: Buffer;
  #scratch = Buffer.allocUnsafe(8 * 256);

  constructor(frames: string[]) {
    this.#frameHashes = Buffer.allocUnsafe(frames.length * 8);
    frames.forEach((frame, index) => {
      hash('sha1', frame, 'buffer').copy(this.#frameHashes, index * 8, 0, 8);
    });
  }

  /** @param stack indices into the frames, root first */
  hash(stack: Uint32Array): bigint {
    const length = stack.length * 8;
    if (length > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(length * 2);
    for (let i = 0; i < stack.length; i++) {
      const frame = (stack[i] as number) * 8;
      this.#frameHashes.copy(this.#scratch, i * 8, frame, frame + 8);
    }
    return firstWord(hash('sha1', this.#scratch.subarray(0, length), 'buffer'));
  }
}

function firstWord(digest: Buffer): bigint {
  return digest.readBigUInt64LE(0) || 1n;
}
