import { LABEL_LIMITS, type Labels, SERVICE_NAME } from '@bunsen/profile';
import type { Relabeler } from '../relabel/relabeler.ts';
import type { RelabelRule } from '../relabel/rule.ts';
import { type ContainerNames, parseCgroup } from './cgroup.ts';
import type { KubernetesPods } from './kubernetes.ts';
import { metaLabels } from './meta-labels.ts';

/** What is known of a sampled process. */
export interface ProcessFacts {
  pid: number;
  /** Target of /proc/PID/exe, or the empty string. */
  exe: string;
  /** Text of /proc/PID/cgroup, or the empty string. */
  cgroup: string;
  /** Arguments, joined by spaces; empty unless there are rules that could use it. */
  commandLine: string;
  /** Of the variables that are read, those that it has. */
  environment: ReadonlyMap<string, string>;
  kernelThread: boolean;
}

/** A variable of a process' environment that becomes a label. */
export interface EnvironmentLabel {
  variable: string;
  label: string;
}

export interface LabelOptions {
  host: string;
  labels: Labels;
  labelPid: boolean;
  environmentLabels: readonly EnvironmentLabel[];
  containers: ContainerNames;
  /** Undefined where Kubernetes is not asked. */
  pods: KubernetesPods | undefined;
  relabeler: Relabeler;
}

/** What all threads of a process share. */
export interface ProcessLabels {
  labels: Labels;
  /** Seen by relabelling alone. */
  meta: Labels;
  kernelThread: boolean;
}

/** A series, or the rule that drops it. */
export type Series = { labels: Labels } | { droppedBy: RelabelRule };

/** As many hex digits as `docker ps` shows. */
const CONTAINER_ID_DIGITS = 12;

/**
 * The labels that all threads of a process share; `comm` comes on top. The service is the container
 * or the systemd unit, else the executable, else (a process that was gone too soon) undefined; a
 * variable of the environment goes before all of them.
 */
export async function processLabels(
  process: ProcessFacts,
  options: LabelOptions,
): Promise<ProcessLabels> {
  const { host, labels, labelPid, environmentLabels, containers, pods, relabeler } = options;
  const place = parseCgroup(process.cgroup);
  const { unit, containerId } = place;
  const pod = containerId === '' ? undefined : pods?.find(containerId);
  const containerName =
    pod?.labels['container'] ?? (containerId && (await containers.nameOf(containerId)));
  const service = process.kernelThread
    ? 'kernel'
    : containerName || unit || executableName(process.exe);
  const fromEnvironment: Labels = {};
  for (const { variable, label } of environmentLabels) {
    const value = process.environment.get(variable);
    if (value) fromEnvironment[label] ??= value;
  }
  return {
    labels: {
      ...labels,
      ...(service && { [SERVICE_NAME]: service }),
      ...fromEnvironment,
      ...pod?.labels,
      host,
      ...(containerId && { container_id: containerId.slice(0, CONTAINER_ID_DIGITS) }),
      ...(labelPid && { pid: String(process.pid) }),
    },
    meta: relabeler.rules.length > 0 ? metaLabels(process, place, containerName, pod) : {},
    kernelThread: process.kernelThread,
  };
}

/**
 * A thread's series: the labels of its process and its name, which also stands in for a missing
 * service, after the rules. Labels that begin with `__` are for the rules alone.
 */
export function threadSeries(
  { labels, meta, kernelThread }: ProcessLabels,
  comm: string,
  relabeler: Relabeler,
): Series {
  const name = (kernelThread ? comm.replace(/\/.*/, '') : comm) || 'unknown';
  const all: Labels = { [SERVICE_NAME]: name, ...labels, comm: name };
  if (relabeler.rules.length === 0) return { labels: withinLimits(all) };
  const relabelled = relabeler.apply({ ...all, ...meta, __meta_thread_comm: name });
  if ('droppedBy' in relabelled) return relabelled;
  return { labels: withinLimits({ [SERVICE_NAME]: name, ...relabelled.labels }) };
}

/**
 * What the server takes: a value that is too long is cut, labels too many are left out, the last by
 * name first. One process must not have the window of a whole host refused.
 */
function withinLimits(labels: Labels): Labels {
  const { [SERVICE_NAME]: service = '', ...others } = labels;
  const names = Object.keys(others).filter((name) => !name.startsWith('__') && others[name] !== '');
  const kept = names.length < LABEL_LIMITS.labels ? names : names.sort();
  const within: Labels = { [SERVICE_NAME]: cut(service) };
  for (const name of kept.slice(0, LABEL_LIMITS.labels - 1)) within[name] = cut(others[name] ?? '');
  return within;
}

function cut(value: string): string {
  const bytes = Buffer.from(value);
  if (bytes.length <= LABEL_LIMITS.labelValueBytes) return value;
  // Bytes of a character that was cut through become U+FFFD, which would be longer again.
  return bytes.toString('utf8', 0, LABEL_LIMITS.labelValueBytes).replace(/\uFFFD+$/, '');
}

/** A file in memory (memfd) has a name that says nothing, and often a new one each time. */
function executableName(exe: string): string {
  if (exe.startsWith('/memfd:')) return '';
  const file = exe.replace(/ \(deleted\)$/, '');
  return file.slice(file.lastIndexOf('/') + 1);
}
