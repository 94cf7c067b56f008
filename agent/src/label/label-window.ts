import { formatLabels, type Labels } from '@bunsen/profile';
import { PROCESS_FLAG, type WindowColumns } from '../sample/native.ts';
import { parseCgroup } from './cgroup.ts';
import {
  type LabelOptions,
  type ProcessFacts,
  processLabels,
  threadSeries,
} from './series-labels.ts';

/** How long a window waits for the pods of new containers: nothing is drained meanwhile. */
const PODS_PATIENCE_MS = 1000;

/** In {@link LabelledWindow.sampleLabels}: a rule drops the sample. */
export const DROPPED = -1;

/** The series of a window's samples. */
export interface LabelledWindow {
  /** Per sample: index into `labelSets`, or {@link DROPPED}. */
  sampleLabels: Int32Array;
  /** Each once. */
  labelSets: Labels[];
  /** How many samples each rule drops, by its name. */
  dropped: Map<string, number>;
  /** Per process: what its threads have in common, before any rule. */
  processLabels: Labels[];
}

/** Gives each sample of a window its series: that of its process and of its thread's name. */
export async function labelWindow(
  columns: WindowColumns,
  string: (index: number) => string,
  options: LabelOptions,
): Promise<LabelledWindow> {
  const facts = Array.from(columns.processPid, (_, process) => factsOf(columns, string, process));
  if (options.pods) {
    const containerIds = facts.map(({ cgroup }) => parseCgroup(cgroup).containerId);
    await options.pods.prepare(new Set(containerIds.filter(Boolean)), PODS_PATIENCE_MS);
  }
  const ofProcess = await Promise.all(facts.map((process) => processLabels(process, options)));
  const labelSets: Labels[] = [];
  const byText = new Map<string, number>();
  const dropped = new Map<string, number>();
  const byThread = new Map<number, number | string>();
  const seriesOf = (process: number, comm: number) => {
    const labels = ofProcess[process] as (typeof ofProcess)[number];
    const series = threadSeries(labels, string(comm), options.relabeler);
    if ('droppedBy' in series) return series.droppedBy.name;
    const text = formatLabels(series.labels);
    let set = byText.get(text);
    if (set === undefined) {
      set = labelSets.push(series.labels) - 1;
      byText.set(text, set);
    }
    return set;
  };
  const sampleLabels = Int32Array.from(columns.sampleProcess, (process, sample) => {
    const comm = columns.sampleComm[sample] as number;
    const thread = process * columns.stringOffsets.length + comm;
    let series = byThread.get(thread);
    if (series === undefined) {
      series = seriesOf(process, comm);
      byThread.set(thread, series);
    }
    if (typeof series === 'number') return series;
    dropped.set(series, (dropped.get(series) ?? 0) + Number(columns.sampleCount[sample]));
    return DROPPED;
  });
  options.relabeler.endWindow();
  return { sampleLabels, labelSets, dropped, processLabels: ofProcess.map(({ labels }) => labels) };
}

function factsOf(
  columns: WindowColumns,
  string: (index: number) => string,
  process: number,
): ProcessFacts {
  const text = (column: Uint32Array) => string(column[process] as number);
  const variables = text(columns.processEnvironment).split('\0').filter(Boolean);
  return {
    pid: columns.processPid[process] as number,
    exe: text(columns.processExe),
    cgroup: text(columns.processCgroup),
    commandLine: text(columns.processCommandLine),
    environment: new Map(
      variables.map((variable) => {
        const at = variable.indexOf('=');
        return [variable.slice(0, at), variable.slice(at + 1)];
      }),
    ),
    kernelThread: ((columns.processFlags[process] as number) & PROCESS_FLAG.kernelThread) !== 0,
  };
}
