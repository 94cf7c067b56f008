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

/** Hashes every path, but not before the first question: most graphs are never zoomed. */
export function pathIds(layout: FlameLayout): PathIds {
  let hashes: { high: Uint32Array; low: Uint32Array } | undefined;
  const hashed = () => {
    hashes ??= hashPaths(layout);
    return hashes;
  };
  return {
    idOf: (node) => {
      const { high, low } = hashed();
      return hex(high[node] as number) + hex(low[node] as number);
    },
    find: (id) => {
      if (!/^[0-9a-f]{16}$/.test(id)) return -1;
      const { high, low } = hashed();
      const wantedHigh = Number.parseInt(id.slice(0, 8), 16);
      const wantedLow = Number.parseInt(id.slice(8), 16);
      for (let node = 0; node < high.length; node++) {
        if (high[node] === wantedHigh && low[node] === wantedLow) return node;
      }
      return -1;
    },
  };
}

/** Two independent hashes of 32 bits per node, each from its parent's and its frame's. */
function hashPaths({ tree, parent }: FlameLayout): { high: Uint32Array; low: Uint32Array } {
  const frameHigh = Uint32Array.from(tree.frames, (frame) => hash(frame, 0x811c9dc5));
  const frameLow = Uint32Array.from(tree.frames, (frame) => hash(frame, 0x9747b28c));
  const high = new Uint32Array(parent.length);
  const low = new Uint32Array(parent.length);
  // Node 0 is the root: it has no frame, and its hash is 0.
  for (let node = 1; node < parent.length; node++) {
    const frame = tree.frame[node] as number;
    const above = parent[node] as number;
    high[node] = mix(high[above] as number, frameHigh[frame] as number);
    low[node] = mix(low[above] as number, frameLow[frame] as number);
  }
  return { high, low };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
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
