import os from 'node:os';
import path from 'node:path';
import type { Labels } from '@bunsen/profile';
import {
  address,
  cgroupId,
  environmentLabelList,
  type Filter,
  featureList,
  filter,
  flag,
  httpUrl,
  integer,
  labelList,
  optional,
  pathOr,
  percent,
  podLabelList,
  text,
} from './config-values.ts';
import { AgentError } from './errors.ts';
import type { Budget } from './govern/governor.ts';
import type { KubernetesOptions } from './label/kubernetes.ts';
import type { EnvironmentLabel } from './label/series-labels.ts';
import { FEATURES, type Feature } from './sample/features.ts';

export interface AgentConfig {
  serverUrl: string;
  host: string;
  frequencyHz: number;
  includeIdle: boolean;
  excludeKernelThreads: boolean;
  pids: Filter<number> | undefined;
  cgroupIds: Filter<bigint> | undefined;
  btfPath: string | undefined;
  without: Feature[];
  labels: Labels;
  labelPid: boolean;
  spoolDir: string;
  spoolMaxBytes: number;
  metricsAddress: { host: string; port: number } | undefined;
  budget: Budget;
  environmentLabels: EnvironmentLabel[];
  relabelFile: string | undefined;
  /** Undefined if Kubernetes is not to be asked. */
  kubernetes: KubernetesOptions | undefined;
}

/** Windows begin at multiples of this since 1970, on every host: equal to the store's time slots. */
export const WINDOW_MS = 15_000;

/**
 * How often the kernel's maps are emptied. Short, since a process that is gone by then cannot be
 * named any more; a drain costs about a millisecond.
 */
export const DRAIN_INTERVAL_MS = 1000;

/** Where Kubernetes puts the credentials of a pod. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

interface Option<T> {
  env: string;
  about: string;
  fallback: string;
  parse: (text: string) => T;
}

function option<T>(env: string, fallback: string, about: string, parse: (text: string) => T) {
  return { env, about, fallback, parse } satisfies Option<T>;
}

/** Every option: environment variable, default, what it does. The README's table is made of this. */
export const OPTIONS = {
  serverUrl: option(
    'BUNSEN_SERVER_URL',
    'http://127.0.0.1:4040',
    'Where the profiles go.',
    httpUrl,
  ),
  host: option(
    'BUNSEN_HOSTNAME',
    os.hostname(),
    'The `host` label; the host name by default.',
    text,
  ),
  frequencyHz: option(
    'BUNSEN_FREQUENCY_HZ',
    '99',
    'Samples a second and CPU. Not a round number, so that it does not beat with timers.',
    integer(1, 4999),
  ),
  cpuBudgetPercent: option(
    'BUNSEN_CPU_BUDGET_PERCENT',
    '1',
    "What the agent may take of the host's CPU time. It samples less often when it needs more.",
    percent,
  ),
  memoryBudgetBytes: option(
    'BUNSEN_MEMORY_BUDGET_BYTES',
    String(256 * 2 ** 20),
    'Memory of the agent, with its tables in the kernel. The same when it needs more.',
    integer(64 * 2 ** 20, 2 ** 40),
  ),
  includeIdle: option('BUNSEN_INCLUDE_IDLE', '0', '1: sample the idle task, too.', flag),
  excludeKernelThreads: option(
    'BUNSEN_EXCLUDE_KERNEL_THREADS',
    '0',
    '1: leave kernel threads out; their stacks carry `service_name="kernel"` otherwise.',
    flag,
  ),
  pids: option(
    'BUNSEN_PIDS',
    '',
    'Sample these process ids alone, `12,34`; or all others, `!12,34`.',
    filter(integer(1, 2 ** 22)),
  ),
  cgroupIds: option(
    'BUNSEN_CGROUP_IDS',
    '',
    'Sample these cgroup-v2 ids alone, or all others with a leading `!`.',
    filter(cgroupId),
  ),
  btfPath: option(
    'BUNSEN_BTF',
    '',
    'A BTF file of this kernel, where the kernel does not carry its own.',
    optional,
  ),
  labels: option('BUNSEN_LABELS', '', 'Labels for every series: `env=prod,zone=a`.', labelList),
  labelPid: option('BUNSEN_LABEL_PID', '0', '1: a `pid` label. A series for each process.', flag),
  environmentLabels: option(
    'BUNSEN_ENV_LABELS',
    '',
    "Variables of each process' environment that become labels: `VERSION,DD_VERSION:version`. No other is read out.",
    environmentLabelList,
  ),
  relabelFile: option(
    'BUNSEN_RELABEL_FILE',
    '',
    "Rules for labels, and for what is kept, in Prometheus' syntax; YAML or JSON.",
    optional,
  ),
  kubernetesPodsUrl: option(
    'BUNSEN_KUBERNETES_PODS_URL',
    '',
    "Where Kubernetes lists the pods of this node: the kubelet's `https://NODE:10250/pods`, or the API's `/api/v1/pods?fieldSelector=spec.nodeName=NODE`. Not asked by default.",
    (value) => (value === '' ? undefined : httpUrl(value)),
  ),
  kubernetesTokenFile: option(
    'BUNSEN_KUBERNETES_TOKEN_FILE',
    `${SERVICE_ACCOUNT}/token`,
    'The token for it, read anew each time; sent over https alone. `off`: none.',
    pathOr('off'),
  ),
  kubernetesCaFile: option(
    'BUNSEN_KUBERNETES_CA_FILE',
    `${SERVICE_ACCOUNT}/ca.crt`,
    'Whose certificates it may have. `system`: those that Node.js trusts.',
    pathOr('system'),
  ),
  kubernetesInsecureTls: option(
    'BUNSEN_KUBERNETES_INSECURE_TLS',
    '0',
    '1: any certificate. Kubelets often sign their own; whoever is on the way then gets the token.',
    flag,
  ),
  kubernetesPodLabels: option(
    'BUNSEN_KUBERNETES_POD_LABELS',
    '',
    'Labels of pods that become labels: `team,app.kubernetes.io/name:app`.',
    podLabelList,
  ),
  without: option(
    'BUNSEN_AGENT_WITHOUT',
    '',
    `Features of the kernel to do without, as if it had not got them: ${FEATURES.map((name) => `\`${name}\``).join(', ')}. For tests, and where one makes trouble.`,
    featureList,
  ),
  spoolDir: option(
    'BUNSEN_AGENT_DATA_DIR',
    path.join('data', 'agent'),
    'Where windows wait until the server has acknowledged them.',
    (value) => path.resolve(value),
  ),
  spoolMaxBytes: option(
    'BUNSEN_SPOOL_MAX_BYTES',
    String(64 * 2 ** 20),
    'Bytes in that folder at most; the oldest windows are given up first, and counted.',
    integer(2 ** 20, 2 ** 40),
  ),
  metricsAddress: option(
    'BUNSEN_AGENT_METRICS',
    '127.0.0.1:4041',
    'Where the agent serves its status page, `/metrics` and `/healthz`, or `off`.',
    address,
  ),
} as const;

/** @throws AgentError `CONFIG_INVALID` that names the variable, its value and what it must be */
export function readConfig(env: NodeJS.ProcessEnv): AgentConfig {
  const read = <T>({ env: name, fallback, parse }: Option<T>): T => {
    const value = env[name] || fallback; // empty is not set, as in the server
    try {
      return parse(value);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AgentError('CONFIG_INVALID', `${name}=${JSON.stringify(value)}: ${reason}`, {
        cause,
      });
    }
  };
  const podsUrl = read(OPTIONS.kubernetesPodsUrl);
  return {
    serverUrl: read(OPTIONS.serverUrl),
    host: read(OPTIONS.host),
    frequencyHz: read(OPTIONS.frequencyHz),
    includeIdle: read(OPTIONS.includeIdle),
    excludeKernelThreads: read(OPTIONS.excludeKernelThreads),
    pids: read(OPTIONS.pids),
    cgroupIds: read(OPTIONS.cgroupIds),
    btfPath: read(OPTIONS.btfPath),
    without: read(OPTIONS.without),
    labels: read(OPTIONS.labels),
    labelPid: read(OPTIONS.labelPid),
    spoolDir: read(OPTIONS.spoolDir),
    spoolMaxBytes: read(OPTIONS.spoolMaxBytes),
    metricsAddress: read(OPTIONS.metricsAddress),
    budget: {
      cpuShare: read(OPTIONS.cpuBudgetPercent) / 100,
      memoryBytes: read(OPTIONS.memoryBudgetBytes),
    },
    environmentLabels: read(OPTIONS.environmentLabels),
    relabelFile: read(OPTIONS.relabelFile),
    kubernetes:
      podsUrl === undefined
        ? undefined
        : {
            podsUrl,
            tokenFile: read(OPTIONS.kubernetesTokenFile),
            caFile: read(OPTIONS.kubernetesCaFile),
            insecureTls: read(OPTIONS.kubernetesInsecureTls),
            podLabels: read(OPTIONS.kubernetesPodLabels),
          },
  };
}
