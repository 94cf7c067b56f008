import { hash } from 'node:crypto';
import type { StackColumns } from '@bunsen/profile';

/**
 * A 64-bit content hash of a list of texts: the first bytes of a SHA-1, each text with its length in
 * front, so that `["ab", "c"]` and `["a", "bc"]` differ. Never 0, which stands for "none".
 */
export function hashTexts(texts: Iterable<string>): bigint {
  let joined = '';
  for (const text of texts) joined += `${text.length}:${text}`;
  return firstWord(joined);
}

/**
 * 64-bit content hashes of stacks, never 0, over their frames' hashes: each frame is hashed once.
 * MurmurHash3's mixing in two lanes of 32 bits, as there are ten thousand frames in a window and a
 * SHA-1 for each took as long as everything else about it. A collision that somebody makes on
 * purpose mixes up two stacks of the one service that it is in.
 */
export function hashStacks({ frames, stackOffsets, stackFrames }: StackColumns): BigUint64Array {
  const words = new Int32Array(frames.length * 2);
  frames.forEach((frame, i) => {
    let low = SEED_LOW;
    let high = SEED_HIGH;
    const { length } = frame;
    for (let at = 0; at < length; at += 2) {
      const word = frame.charCodeAt(at) | (at + 1 < length ? frame.charCodeAt(at + 1) << 16 : 0);
      low = mixLow(low, high, word);
      high = mixHigh(low, high, word);
    }
    finish(words, i * 2, low, high, length);
  });
  const hashes = new BigUint64Array(stackOffsets.length - 1);
  const halves = new Int32Array(hashes.buffer);
  for (let stack = 0; stack < hashes.length; stack++) {
    const start = stackOffsets[stack] as number;
    const end = stackOffsets[stack + 1] as number;
    let low = SEED_LOW;
    let high = SEED_HIGH;
    for (let at = start; at < end; at++) {
      const frame = (stackFrames[at] as number) * 2;
      low = mixLow(low, high, words[frame] as number);
      high = mixHigh(low, high, words[frame] as number);
      low = mixLow(low, high, words[frame + 1] as number);
      high = mixHigh(low, high, words[frame + 1] as number);
    }
    finish(halves, stack * 2, low, high, end - start);
    halves[stack * 2] ||= 1;
  }
  return hashes;
}

// Two lanes of 32 bits that take the same words by different constants, and mix at each. They are
// numbers of the caller, not fields of an object, which takes half as long.
const SEED_LOW = 0x243f6a88;
const SEED_HIGH = 0x85a308d3 | 0;

function mixLow(low: number, high: number, word: number): number {
  const mixed = low ^ Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
  return (Math.imul((rotate(mixed, 19) + high) | 0, 5) + 0x561ccd1b) | 0;
}

/** @param low the lane that has mixed the word already */
function mixHigh(low: number, high: number, word: number): number {
  const mixed = high ^ Math.imul(rotate(Math.imul(word, 0x239b961b), 16), 0xab0e9789);
  return (Math.imul((rotate(mixed, 17) + low) | 0, 5) + 0x0bcaa747) | 0;
}

/** Writes the low word, then the high one. */
function finish(to: Int32Array, at: number, low: number, high: number, length: number): void {
  let a = low ^ length;
  let b = high ^ length;
  a = (a + b) | 0;
  b = (b + a) | 0;
  a = avalanche(a);
  b = avalanche(b);
  a = (a + b) | 0;
  to[at] = a;
  to[at + 1] = (b + a) | 0;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function avalanche(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function firstWord(content: string): bigint {
  return hash('sha1', content, 'buffer').readBigUInt64LE(0) || 1n;
}
