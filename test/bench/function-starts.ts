import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const startsOfFiles = new Map<string, Set<number>>();

/** Where the functions of a file start, as the list in it says by which exceptions are thrown. */
export function functionStarts(file: string): Set<number> {
  let starts = startsOfFiles.get(file);
  if (!starts) {
    starts = existsSync(file) ? readFunctionStarts(file) : new Set();
    startsOfFiles.set(file, starts);
  }
  return starts;
}

function readFunctionStarts(file: string): Set<number> {
  const sections = execFileSync('readelf', ['-SW', file], { encoding: 'utf8' });
  const place = /\.eh_frame_hdr +PROGBITS +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)/.exec(sections);
  if (!place) return new Set();
  const [address, offset, bytes] = place.slice(1).map((hex) => Number.parseInt(hex, 16)) as [
    number,
    number,
    number,
  ];
  // Behind twelve bytes pairs of numbers, relative to the section: where the function is, and its entry.
  const list = readFileSync(file).subarray(offset, offset + bytes);
  return new Set(
    Array.from({ length: list.readUInt32LE(8) }, (_, i) => address + list.readInt32LE(12 + 8 * i)),
  );
}
