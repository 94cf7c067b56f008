import os from 'node:os';
import type { Labels } from '@bunsen/profile';
import type { CgroupPlace } from './cgroup.ts';
import type { PodPlace } from './pod-list.ts';
import type { ProcessFacts } from './series-labels.ts';

/**
 * The labels that only relabelling sees, and what they hold. Those of processes and threads have
 * the names of Parca's agent, those of pods the names of Prometheus' service discovery. `*` stands
 * for the name of a variable or of a pod's label, in which all but letters and digits is `_`.
 */
export const META_LABELS = {
  __meta_process_pid: "the process' id",
  __meta_process_cmdline: 'its arguments, joined by spaces, 16 KiB at most',
  __meta_process_executable_name: 'the last part of the path of its executable',
  __meta_process_executable_path: 'the path',
  __meta_process_cgroup: 'its control group, the longest path of all hierarchies',
  __meta_process_kernel: '`true` for kernel threads, else `false`',
  __meta_thread_comm: "the thread's name",
  '__meta_env_var_*': 'a variable of its environment that is among `BUNSEN_ENV_LABELS`',
  __meta_systemd_unit: 'its service of systemd, without `.service`',
  __meta_container_id: '64 hex digits',
  __meta_container_name: 'as Kubernetes or Docker tells it',
  __meta_kubernetes_namespace: 'the namespace of its pod',
  __meta_kubernetes_pod_name: 'the name of its pod',
  __meta_kubernetes_pod_uid: 'its pod; known from the control group, too',
  __meta_kubernetes_pod_ip: 'the address of its pod',
  __meta_kubernetes_pod_node_name: 'the node of its pod',
  __meta_kubernetes_pod_controller_kind: 'what made its pod, such as `ReplicaSet`',
  __meta_kubernetes_pod_controller_name: 'the name of that',
  __meta_kubernetes_pod_container_name: 'the name of its container in the pod',
  __meta_kubernetes_pod_container_image: 'the image of its container',
  '__meta_kubernetes_pod_label_*': 'a label of the pod',
  '__meta_kubernetes_pod_labelpresent_*': '`true` if the pod has the label',
  __meta_system_kernel_release: 'such as `6.12.0`',
  __meta_system_kernel_machine: 'such as `x86_64`',
} as const;

const SYSTEM: Labels = {
  __meta_system_kernel_release: os.release(),
  __meta_system_kernel_machine: os.machine(),
};

/** Everything that is known of a process, by those names; what is empty is left out. */
export function metaLabels(
  { pid, exe, commandLine, environment, kernelThread }: ProcessFacts,
  { path, unit, containerId, podUid }: CgroupPlace,
  containerName: string,
  pod: PodPlace | undefined,
): Labels {
  const labels: Labels = {
    ...SYSTEM,
    __meta_process_pid: String(pid),
    __meta_process_cmdline: commandLine,
    __meta_process_executable_name: exe.slice(exe.lastIndexOf('/') + 1),
    __meta_process_executable_path: exe,
    __meta_process_cgroup: path,
    __meta_process_kernel: String(kernelThread),
    __meta_systemd_unit: unit,
    __meta_container_id: containerId,
    __meta_container_name: containerName,
    __meta_kubernetes_pod_uid: podUid,
  };
  for (const [name, value] of environment) labels[`__meta_env_var_${name}`] = value;
  if (pod) Object.assign(labels, pod.meta);
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

/**
 * @param variables those of the environment that are read
 * @returns why a label of this name will never be there; undefined if it may be
 */
export function whyNoMetaLabel(name: string, variables: readonly string[]): string | undefined {
  const variable = /^__meta_env_var_(.*)$/.exec(name)?.[1];
  if (variable !== undefined) {
    return variables.includes(variable) ? undefined : 'is not read: add it to BUNSEN_ENV_LABELS';
  }
  const isKnown = Object.keys(META_LABELS).some((known) =>
    known.endsWith('*') ? name.startsWith(known.slice(0, -1)) : name === known,
  );
  return isKnown || !name.startsWith('__meta_') ? undefined : 'is no meta label of the agent';
}
