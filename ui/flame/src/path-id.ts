import { NO_FRAME } from '@bunsen/profile';
import type { FlameLayout } from './layout.ts';

/**
 * Names of nodes that hold in every tree which has the same stack: 16 hex digits, hashed from the
 * frames on the way from the root. Short enough for a URL, where the frames of a deep stack are not.
 */
export interface PathIds {
  idOf(node: number): string;
  /** The node of that name, or -1. */
  find(id: string): number;
}

/** Hashes every path once; 4 + 4 bytes a node. */
export function pathIds({ tree, parent }: FlameLayout): PathIds {
  const frameHash = tree.frames.map((frame) => [hash(frame, 0x811c9dc5), hash(frame, 0x9747b28c)]);
  const high = new Uint32Array(parent.length);
  const low = new Uint32Array(parent.length);
  for (let node = 1; node < parent.length; node++) {
    const frame = tree.frame[node] as number;
    const [a, b] = frame === NO_FRAME ? [0, 0] : (frameHash[frame] as [number, number]);
    const above = parent[node] as number;
    high[node] = mix(high[above] as number, a as number);
    low[node] = mix(low[above] as number, b as number);
  }
  const hex = (value: number) => value.toString(16).padStart(8, '0');
  return {
    idOf: (node) => hex(high[node] as number) + hex(low[node] as number),
    find: (id) => {
      if (!/^[0-9a-f]{16}$/.test(id)) return -1;
      const wantedHigh = Number.parseInt(id.slice(0, 8), 16);
      const wantedLow = Number.parseInt(id.slice(8), 16);
      for (let node = 0; node < high.length; node++) {
        if (high[node] === wantedHigh && low[node] === wantedLow) return node;
      }
      return -1;
    },
  };
}

function hash(text: string, seed: number): number {
  let value = seed;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}

function mix(above: number, own: number): number {
  let value = Math.imul(above ^ 0x5bd1e995, 0x9e3779b1) ^ own;
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}
