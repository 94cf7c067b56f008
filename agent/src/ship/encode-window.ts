import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { encodePprof, formatLabels, type Labels } from '@bunsen/profile';
import { type LabelOptions, processLabels, threadLabels } from '../label/series-labels.ts';
import { PROCESS_FLAG, type WindowColumns } from '../sample/native.ts';
import type { SampledWindow } from '../sample/windows.ts';

const gzipAsync = promisify(gzip);

/** A window as it is sent: a gzipped pprof that any pprof tool opens. */
export interface EncodedWindow {
  startMs: number;
  /** Kernel samples in it. */
  samples: number;
  bytes: Buffer;
}

/** Encodes a window; undefined if nothing was sampled in it. Values are nanoseconds of CPU. */
export async function encodeWindow(
  { startMs, endMs, columns }: SampledWindow,
  frequencyHz: number,
  labelOptions: LabelOptions,
): Promise<EncodedWindow | undefined> {
  if (columns.sampleCount.length === 0) return undefined;
  const string = stringReader(columns);
  const { sampleLabels, labelSets } = await labelSamples(columns, string, labelOptions);
  // A whole number, so that the store can divide by it without a rest: counts stay exact.
  const periodNs = Math.round(1e9 / frequencyHz);
  const cpu = { type: 'cpu', unit: 'nanoseconds' };
  const profile = encodePprof({
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
    sampleStack: columns.sampleStack,
    sampleLabels,
    sampleValues: BigInt64Array.from(columns.sampleCount, (count) => count * BigInt(periodNs)),
    labelSets,
  });
  return {
    startMs,
    samples: Number(columns.sampleCount.reduce((sum, count) => sum + count, 0n)),
    bytes: await gzipAsync(profile),
  };
}

async function labelSamples(
  columns: WindowColumns,
  string: (index: number) => string,
  options: LabelOptions,
): Promise<{ sampleLabels: Uint32Array; labelSets: Labels[] }> {
  const isKernelThread = (process: number) =>
    ((columns.processFlags[process] as number) & PROCESS_FLAG.kernelThread) !== 0;
  const ofProcess = await Promise.all(
    Array.from(columns.processPid, (pid, process) =>
      processLabels(
        {
          pid,
          exe: string(columns.processExe[process] as number),
          cgroup: string(columns.processCgroup[process] as number),
          kernelThread: isKernelThread(process),
        },
        options,
      ),
    ),
  );
  const labelSets: Labels[] = [];
  const byText = new Map<string, number>();
  const byThread = new Map<number, number>();
  const sampleLabels = Uint32Array.from(columns.sampleProcess, (process, sample) => {
    const comm = columns.sampleComm[sample] as number;
    const thread = process * columns.stringOffsets.length + comm;
    let set = byThread.get(thread);
    if (set === undefined) {
      const labels = threadLabels(
        ofProcess[process] as Labels,
        string(comm),
        isKernelThread(process),
      );
      const text = formatLabels(labels);
      set = byText.get(text);
      if (set === undefined) {
        set = labelSets.push(labels) - 1;
        byText.set(text, set);
      }
      byThread.set(thread, set);
    }
    return set;
  });
  return { sampleLabels, labelSets };
}

/** Decodes each string once. */
function stringReader({ strings, stringOffsets }: WindowColumns): (index: number) => string {
  const decoded: (string | undefined)[] = [];
  return (index) => {
    decoded[index] ??= strings.toString('utf8', stringOffsets[index], stringOffsets[index + 1]);
    return decoded[index] as string;
  };
}
