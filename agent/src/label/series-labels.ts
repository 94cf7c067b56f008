import type { Labels } from '@bunsen/profile';
import { type ContainerNames, parseCgroup } from './cgroup.ts';

/** What is known of a sampled process. */
export interface ProcessFacts {
  pid: number;
  /** Target of /proc/PID/exe, or the empty string. */
  exe: string;
  /** Text of /proc/PID/cgroup, or the empty string. */
  cgroup: string;
  kernelThread: boolean;
}

export interface LabelOptions {
  host: string;
  labels: Labels;
  labelPid: boolean;
  containers: ContainerNames;
}

/** As many hex digits as `docker ps` shows. */
const CONTAINER_ID_DIGITS = 12;

/**
 * The labels that all threads of a process share; `comm` comes on top. The service is the container
 * or the systemd unit, else the executable, else (a process that was gone too soon) undefined.
 */
export async function processLabels(
  process: ProcessFacts,
  { host, labels, labelPid, containers }: LabelOptions,
): Promise<Labels> {
  const { unit, containerId } = parseCgroup(process.cgroup);
  const service = process.kernelThread
    ? 'kernel'
    : (containerId && (await containers.nameOf(containerId))) ||
      unit ||
      executableName(process.exe);
  return {
    ...labels,
    host,
    ...(service && { service_name: service }),
    ...(containerId && { container_id: containerId.slice(0, CONTAINER_ID_DIGITS) }),
    ...(labelPid && { pid: String(process.pid) }),
  };
}

/** A thread's labels: its process's and its name, which also stands in for a missing service. */
export function threadLabels(process: Labels, comm: string, kernelThread: boolean): Labels {
  const name = (kernelThread ? comm.replace(/\/.*/, '') : comm) || 'unknown';
  return { service_name: name, ...process, comm: name };
}

/** A file in memory (memfd) has a name that says nothing, and often a new one each time. */
function executableName(exe: string): string {
  if (exe.startsWith('/memfd:')) return '';
  const file = exe.replace(/ \(deleted\)$/, '');
  return file.slice(file.lastIndexOf('/') + 1);
}
