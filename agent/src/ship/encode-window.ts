import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pprofPieces } from '@bunsen/profile';
import { DROPPED, type LabelledWindow } from '../label/label-window.ts';
import type { SampledWindow } from '../sample/windows.ts';

const gzipAsync = promisify(gzip);

/** A window as it is sent: a gzipped pprof that any pprof tool opens. */
export interface EncodedWindow {
  startMs: number;
  /** Kernel samples in it. */
  samples: number;
  bytes: Buffer;
}

/** Encodes a window; undefined if nothing of it is kept. Values are nanoseconds of CPU. */
export async function encodeWindow(
  { startMs, endMs, frequencyHz, columns }: SampledWindow,
  string: (index: number) => string,
  { sampleLabels, labelSets }: LabelledWindow,
): Promise<EncodedWindow | undefined> {
  const isKept = (_: unknown, sample: number) => sampleLabels[sample] !== DROPPED;
  const counts = columns.sampleCount.filter(isKept);
  if (counts.length === 0) return undefined;
  // A whole number, so that the store can divide by it without a rest: counts stay exact. Cut off,
  // as the kernel does with its timer.
  const periodNs = Math.floor(1e9 / frequencyHz);
  const cpu = { type: 'cpu', unit: 'nanoseconds' };
  const pieces: Uint8Array[] = [];
  for (const piece of pprofPieces({
    timeNs: BigInt(startMs) * 1_000_000n,
    durationNs: BigInt(endMs - startMs) * 1_000_000n,
    sampleTypes: [cpu],
    periodType: cpu,
    period: BigInt(periodNs),
    mappings: Array.from(columns.mappingFile, (file, mapping) => ({
      file: string(file),
      buildId: string(columns.mappingBuildId[mapping] as number),
    })),
    functions: Array.from(columns.functionName, (name, fn) => ({
      name: string(name),
      systemName: string(columns.functionSystemName[fn] as number),
      mapping: columns.functionMapping[fn] as number,
      address: columns.functionAddress[fn] as bigint,
      file: string(columns.functionFile[fn] as number),
      line: columns.functionLine[fn] as number,
    })),
    stackOffsets: columns.stackOffsets,
    stackFunctions: columns.stackFunctions,
    sampleStack: columns.sampleStack.filter(isKept),
    sampleLabels: sampleLabels.filter(isKept),
    sampleValues: BigInt64Array.from(counts, (count) => count * BigInt(periodNs)),
    labelSets,
  })) {
    pieces.push(piece);
    await turn(); // the event loop has more to do
  }
  return {
    startMs,
    samples: Number(counts.reduce((sum, count) => sum + count, 0n)),
    bytes: await gzipAsync(Buffer.concat(pieces)),
  };
}
