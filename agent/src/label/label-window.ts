import { formatLabels, type Labels } from '@bunsen/profile';
import { PROCESS_FLAG, type WindowColumns } from '../sample/native.ts';
import { type LabelOptions, processLabels, threadLabels } from './series-labels.ts';

/** The series of a window's samples. */
export interface LabelledWindow {
  /** Per sample: index into `labelSets`. */
  sampleLabels: Uint32Array;
  /** Each once. */
  labelSets: Labels[];
  /** Per process: what its threads have in common. */
  processLabels: Labels[];
}

/** Gives each sample of a window its series: that of its process and of its thread's name. */
export async function labelWindow(
  columns: WindowColumns,
  string: (index: number) => string,
  options: LabelOptions,
): Promise<LabelledWindow> {
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
  const seriesOf = (process: number, comm: number) => {
    const labels = threadLabels(
      ofProcess[process] as Labels,
      string(comm),
      isKernelThread(process),
    );
    const text = formatLabels(labels);
    let set = byText.get(text);
    if (set === undefined) {
      set = labelSets.push(labels) - 1;
      byText.set(text, set);
    }
    return set;
  };
  const sampleLabels = Uint32Array.from(columns.sampleProcess, (process, sample) => {
    const comm = columns.sampleComm[sample] as number;
    const thread = process * columns.stringOffsets.length + comm;
    let set = byThread.get(thread);
    if (set === undefined) {
      set = seriesOf(process, comm);
      byThread.set(thread, set);
    }
    return set;
  });
  return { sampleLabels, labelSets, processLabels: ofProcess };
}
