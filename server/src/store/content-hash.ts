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
  const lanes = new Lanes();
  const words = new Uint32Array(frames.length * 2);
  frames.forEach((frame, i) => {
    lanes.start();
    const pairs = frame.length & ~1;
    for (let at = 0; at < pairs; at += 2) {
      lanes.add(frame.charCodeAt(at) | (frame.charCodeAt(at + 1) << 16));
    }
    if (pairs < frame.length) lanes.add(frame.charCodeAt(pairs));
    lanes.finish(frame.length);
    words[i * 2] = lanes.low;
    words[i * 2 + 1] = lanes.high;
  });
  const hashes = new BigUint64Array(stackOffsets.length - 1);
  const halves = new Uint32Array(hashes.buffer);
  for (let stack = 0; stack < hashes.length; stack++) {
    const start = stackOffsets[stack] as number;
    const end = stackOffsets[stack + 1] as number;
    lanes.start();
    for (let at = start; at < end; at++) {
      const frame = stackFrames[at] as number;
      lanes.add(words[frame * 2] as number);
      lanes.add(words[frame * 2 + 1] as number);
    }
    lanes.finish(end - start);
    halves[stack * 2] = lanes.low || 1;
    halves[stack * 2 + 1] = lanes.high;
  }
  return hashes;
}

/** Two hashes of 32 bits that take the same words by different constants, and mix at each. */
class Lanes {
  low = 0;
  high = 0;

  start(): void {
    this.low = 0x243f6a88;
    this.high = 0x85a308d3 | 0;
  }

  add(word: number): void {
    const { low, high } = this;
    const a = low ^ Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
    const b = high ^ Math.imul(rotate(Math.imul(word, 0x239b961b), 16), 0xab0e9789);
    this.low = (Math.imul((rotate(a, 19) + high) | 0, 5) + 0x561ccd1b) | 0;
    this.high = (Math.imul((rotate(b, 17) + this.low) | 0, 5) + 0x0bcaa747) | 0;
  }

  finish(length: number): void {
    let low = this.low ^ length;
    let high = this.high ^ length;
    low = (low + high) | 0;
    high = (high + low) | 0;
    low = avalanche(low);
    high = avalanche(high);
    low = (low + high) | 0;
    this.low = low;
    this.high = (high + low) | 0;
  }
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
