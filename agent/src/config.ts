import os from 'node:os';
import path from 'node:path';
import { checkLabels, type Labels } from '@bunsen/profile';
import { AgentError } from './errors.ts';
import type { Budget } from './govern/governor.ts';

/** Which processes or control groups are sampled; everything if undefined. */
export interface Filter<T> {
  mode: 'include' | 'exclude';
  values: T[];
}

export interface AgentConfig {
  serverUrl: string;
  host: string;
  frequencyHz: number;
  includeIdle: boolean;
  excludeKernelThreads: boolean;
  pids: Filter<number> | undefined;
  cgroupIds: Filter<bigint> | undefined;
  btfPath: string | undefined;
  labels: Labels;
  labelPid: boolean;
  spoolDir: string;
  spoolMaxBytes: number;
  metricsAddress: { host: string; port: number } | undefined;
  budget: Budget;
}

/** Windows begin at multiples of this since 1970, on every host: equal to the store's time slots. */
export const WINDOW_MS = 15_000;

/**
 * How often the kernel's maps are emptied. Short, since a process that is gone by then cannot be
 * named any more; a drain costs about a millisecond.
 */
export const DRAIN_INTERVAL_MS = 1000;

interface Option<T> {
  env: string;
  about: string;
  fallback: string;
  parse: (text: string) => T;
}

function option<T>(env: string, fallback: string, about: string, parse: (text: string) => T) {
  return { env, about, fallback, parse } satisfies Option<T>;
}

const text = (value: string) => value;
const flag = (value: string) => {
  if (value !== '0' && value !== '1') throw new Error('must be 0 or 1');
  return value === '1';
};
const integer = (least: number, most: number) => (value: string) => {
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new Error(`must be a whole number from ${least} to ${most}`);
  }
  return number;
};
const percent = (value: string) => {
  const number = Number(value);
  if (!(number > 0 && number <= 100)) throw new Error('must be a number above 0, at most 100');
  return number;
};
const httpUrl = (value: string) => {
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) {
    throw new Error('must be a URL such as http://bunsen.internal:4040');
  }
  if (new URL(value).username) throw new Error('must not carry a user name or password');
  return value.replace(/\/+$/, '');
};
/** Labels that the agent gives itself, and what sets them. */
const OWN_LABELS: Record<string, string> = {
  host: 'BUNSEN_HOSTNAME sets it',
  pid: 'BUNSEN_LABEL_PID sets it',
  service_name: 'it is told by unit, container or executable',
  comm: 'it is the name of the thread',
  container_id: 'it is told by the control group',
};
const labelList = (value: string): Labels => {
  const labels: Labels = {};
  for (const pair of value.split(',').filter((part) => part !== '')) {
    const at = pair.indexOf('=');
    if (at < 1) throw new Error(`must be a list such as env=prod,zone=a; ${pair} has no =`);
    const name = pair.slice(0, at).trim();
    if (OWN_LABELS[name]) throw new Error(`must not have ${name}: ${OWN_LABELS[name]}`);
    labels[name] = pair.slice(at + 1).trim();
  }
  checkLabels(labels);
  return labels;
};
const filter =
  <T>(parse: (item: string) => T) =>
  (value: string): Filter<T> | undefined => {
    if (value === '') return undefined;
    const exclude = value.startsWith('!');
    const items = (exclude ? value.slice(1) : value).split(',');
    return {
      mode: exclude ? 'exclude' : 'include',
      values: items.map((item) => parse(item.trim())),
    };
  };
const address = (value: string) => {
  if (value === 'off') return undefined;
  const at = value.lastIndexOf(':');
  if (at < 1) throw new Error('must be host:port, or off');
  return {
    host: value.slice(0, at).replace(/^\[(.*)\]$/, '$1'),
    port: integer(0, 65535)(value.slice(at + 1)),
  };
};
const cgroupId = (item: string) => {
  if (!/^\d+$/.test(item)) throw new Error('must be a list of cgroup ids (inode numbers)');
  return BigInt(item);
};

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
    (value) => value || undefined,
  ),
  labels: option('BUNSEN_LABELS', '', 'Labels for every series: `env=prod,zone=a`.', labelList),
  labelPid: option('BUNSEN_LABEL_PID', '0', '1: a `pid` label. A series for each process.', flag),
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
  return {
    serverUrl: read(OPTIONS.serverUrl),
    host: read(OPTIONS.host),
    frequencyHz: read(OPTIONS.frequencyHz),
    includeIdle: read(OPTIONS.includeIdle),
    excludeKernelThreads: read(OPTIONS.excludeKernelThreads),
    pids: read(OPTIONS.pids),
    cgroupIds: read(OPTIONS.cgroupIds),
    btfPath: read(OPTIONS.btfPath),
    labels: read(OPTIONS.labels),
    labelPid: read(OPTIONS.labelPid),
    spoolDir: read(OPTIONS.spoolDir),
    spoolMaxBytes: read(OPTIONS.spoolMaxBytes),
    metricsAddress: read(OPTIONS.metricsAddress),
    budget: {
      cpuShare: read(OPTIONS.cpuBudgetPercent) / 100,
      memoryBytes: read(OPTIONS.memoryBudgetBytes),
    },
  };
}
