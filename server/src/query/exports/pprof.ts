import {
  encodePprof,
  isUnnamedFrame,
  NO_STACK_FRAME,
  type PprofColumns,
  parseFrame,
} from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import { type MergedStacks, readMerged } from '../merged-stacks.ts';
import type { ExportSubject } from './export-form.ts';

/** Frames of all stacks together: each is some bytes of the pprof, and some more until it is one. */
const MAX_FRAMES = 1 << 24;

/**
 * A pprof, not gzipped: each merged stack is a sample, with files, lines and addresses as stored.
 * @throws BunsenError `QUERY_MEMORY_LIMIT`, `PPROF_LIMIT`
 */
export function buildPprof(
  native: Uint8Array[],
  { query, profileType, range, warnings }: ExportSubject,
): Uint8Array {
  const merged = Array.from(readMerged(native));
  const frames = merged.reduce((sum, { stacks }) => sum + stacks.codes.length, 0);
  if (frames > MAX_FRAMES) {
    const message = `the stacks of the selection have ${frames} frames together; a pprof holds at most ${MAX_FRAMES}: ask for a shorter range or fewer series`;
    throw new BunsenError('QUERY_MEMORY_LIMIT', message);
  }
  const largest = merged.reduce(
    (most, { values }) => values.reduce((max, sum) => Math.max(max, Math.abs(sum)), most),
    0,
  );
  if (largest >= 2 ** 63) {
    const message = `a stack of the selection has the sum ${largest}; a pprof holds less than 2^63: ask for a shorter range`;
    throw new BunsenError('PPROF_LIMIT', message);
  }
  // Sums come as doubles, which never wrap around: see merge-plan.ts.
  const rounded =
    largest > Number.MAX_SAFE_INTEGER
      ? ['sums beyond 2^53 are rounded: ask for a shorter range']
      : [];
  const { sampleType, sampleUnit, periodType, periodUnit } = profileType;
  const stacks = exportStacks(merged, frames);
  const samples = stacks.sampleValues.length;
  return encodePprof({
    ...stacks,
    timeNs: BigInt(range.fromMs) * 1_000_000n,
    durationNs: BigInt(range.untilMs - range.fromMs) * 1_000_000n,
    sampleTypes: [{ type: sampleType, unit: sampleUnit }],
    periodType: { type: periodType, unit: periodUnit },
    period: 0n, // of many profiles: not known
    sampleStack: Uint32Array.from({ length: samples }, (_, sample) => sample),
    sampleLabels: new Uint32Array(samples),
    labelSets: [{}],
    comments: [query, ...warnings, ...rounded],
  });
}

type Stacks = Pick<
  PprofColumns,
  'mappings' | 'functions' | 'stackOffsets' | 'stackFunctions' | 'sampleValues'
>;

/** Every merged stack as a sample of its own, leaf first. */
function exportStacks(merged: MergedStacks[], frames: number): Stacks {
  const rows = merged.reduce((sum, { values }) => sum + values.length, 0);
  const table = new FrameTable();
  const stackOffsets = new Uint32Array(rows + 1);
  // A stack without frames gets one: hence room for one more a row.
  const stackFunctions = new Uint32Array(frames + rows);
  const sampleValues = new BigInt64Array(rows);
  let at = 0;
  let row = 0;
  for (const { stacks, values } of merged) {
    const { dictionary, codes, offsets } = stacks;
    // Only what a stack refers to: the first key of a dictionary is the empty string, unused.
    const ids = new Int32Array(dictionary.length).fill(-1);
    for (let i = 0; i < values.length; i++) {
      const start = offsets[i] as number;
      const end = offsets[i + 1] as number;
      for (let frame = end - 1; frame >= start; frame--) {
        const code = codes[frame] as number;
        if (ids[code] === -1) ids[code] = table.idOf(dictionary[code] as string);
        stackFunctions[at++] = ids[code] as number;
      }
      if (start === end) stackFunctions[at++] = table.idOf(NO_STACK_FRAME);
      sampleValues[row++] = BigInt(values[i] as number);
      stackOffsets[row] = at;
    }
  }
  const { mappings, functions } = table;
  return {
    mappings,
    functions,
    stackOffsets,
    stackFunctions: stackFunctions.subarray(0, at),
    sampleValues,
  };
}

/** Stored frames as functions and mappings, each once. */
class FrameTable {
  readonly mappings: PprofColumns['mappings'] = [];
  readonly functions: PprofColumns['functions'] = [];
  readonly #ids = new Map<string, number>();
  readonly #mappingIds = new Map<string, number>();

  idOf(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      const { name, module, file, line, buildId } = parseFrame(text);
      // `module+0x1234` says where it is, for tools that can name it.
      const hex = isUnnamedFrame(name, module) ? name.slice(name.lastIndexOf('0x')) : '';
      const address = /^0x[0-9a-f]{1,16}$/.test(hex) ? BigInt(hex) : 0n;
      const mapping = this.#mappingOf(module, buildId);
      id = this.functions.push({ name, systemName: name, mapping, address, file, line }) - 1;
      this.#ids.set(text, id);
    }
    return id;
  }

  #mappingOf(file: string, buildId: string): number {
    if (file === '' && buildId === '') return -1;
    const key = `${file}\0${buildId}`;
    let id = this.#mappingIds.get(key);
    if (id === undefined) {
      id = this.mappings.push({ file, buildId }) - 1;
      this.#mappingIds.set(key, id);
    }
    return id;
  }
}
