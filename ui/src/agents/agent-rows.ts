import type { AgentsResponse } from '@bunsen/profile';
import type { AgentColumn, AgentOrder } from '../url/view-state.ts';

type Agent = AgentsResponse['agents'][number];

/** A figure with the name of what it is about. */
export interface Named {
  name: string;
  count: number;
}

/** The agent of a host as it is shown. Shares are undefined where nothing was counted. */
export interface AgentRow {
  host: string;
  agent: Agent;
  /** Times that the agent of the host was started in the range, or before it. */
  runs: number;
  state: 'reporting' | 'losing' | 'silent';
  /** How long before the end of the range it was heard of last. */
  ageMs: number;
  samplesPerSecond: number | undefined;
  /** Of the samples that were taken. */
  lostShare: number | undefined;
  /** What is not zero, the largest first. */
  lost: Named[];
  filtered: Named[];
  /** How walks of user stacks ended, the most frequent first. */
  walks: Named[];
  /** Of those walks: to the outermost frame, by tables. */
  completeShare: number | undefined;
  /** CPUs that the agent and its program in the kernel kept busy. */
  cores: number | undefined;
}

/** What an agent does in its first moments says nothing about the rest. */
const LEAST_MS = 5000;
/** Agents report once a minute: who has missed two is silent. */
const SILENT_AFTER_MS = 150_000;

/** A row a host, of the agent that was heard of last; those in trouble first, then by host. */
export function agentRows({ agents, untilMs, nowMs }: AgentsResponse): AgentRow[] {
  // The browser's clock may be ahead of the server's.
  const endMs = Math.min(untilMs, nowMs);
  const rows = new Map<string, AgentRow>();
  for (const agent of agents) {
    const row = rows.get(agent.host);
    if (row) row.runs++;
    else rows.set(agent.host, rowOf(agent, endMs));
  }
  return [...rows.values()].sort(
    (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || (a.host < b.host ? -1 : 1),
  );
}

const STATES: AgentRow['state'][] = ['silent', 'losing', 'reporting'];

const KEYS: Record<AgentColumn, (row: AgentRow) => string | number | undefined> = {
  host: ({ host }) => host,
  state: ({ state }) => STATES.indexOf(state),
  version: ({ agent }) => agent.version,
  samples: ({ samplesPerSecond }) => samplesPerSecond,
  lost: ({ lostShare }) => lostShare,
  whole: ({ completeShare }) => completeShare,
  cpu: ({ cores, agent }) => cores && cores / agent.cpus,
  memory: ({ agent }) => agent.gauges['resident_bytes'],
  waiting: ({ agent }) => agent.gauges['spool_bytes'],
  age: ({ ageMs }) => ageMs,
};
const collator = new Intl.Collator('en', { numeric: true });

/** In another order. What was not counted comes last either way, and equal rows stay as they were. */
export function sortAgents(rows: AgentRow[], { by, ascending }: AgentOrder): AgentRow[] {
  const key = KEYS[by];
  const sign = ascending ? 1 : -1;
  return rows.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === undefined || right === undefined) {
      return Number(left === undefined) - Number(right === undefined);
    }
    const isText = typeof left === 'string' && typeof right === 'string';
    return sign * (isText ? collator.compare(left, right) : Number(left) - Number(right));
  });
}

function rowOf(agent: Agent, endMs: number): AgentRow {
  const { recent, recentMs } = agent;
  const perMs = (count: number) => (recentMs >= LEAST_MS ? count / recentMs : undefined);
  const named = (prefix: string): Named[] =>
    Object.entries(recent)
      .filter(([name, count]) => name.startsWith(prefix) && count > 0)
      .map(([name, count]) => ({ name: name.slice(prefix.length), count }))
      .sort((a, b) => b.count - a.count);
  const sum = (all: Named[]) => all.reduce((total, { count }) => total + count, 0);
  const lost = named('lost_');
  // A request for tables that got lost is no end of a walk.
  const walks = named('unwind_').filter(({ name }) => name !== 'requests_lost');
  const failed = recent['user_stack_failed'] ?? 0;
  if (failed > 0) walks.push({ name: 'failed', count: failed });
  const taken = recent['samples_taken'] ?? 0;
  const complete = walks.find(({ name }) => name === 'complete')?.count ?? 0;
  const samplesPerMs = perMs(taken);
  const ageMs = Math.max(0, endMs - agent.lastSeenMs);
  return {
    host: agent.host,
    agent,
    runs: 1,
    state: ageMs > SILENT_AFTER_MS ? 'silent' : lost.length > 0 ? 'losing' : 'reporting',
    ageMs,
    samplesPerSecond: samplesPerMs === undefined ? undefined : samplesPerMs * 1000,
    lostShare: taken > 0 ? sum(lost) / taken : undefined,
    lost,
    filtered: named('filtered_'),
    walks,
    completeShare: sum(walks) > 0 ? complete / sum(walks) : undefined,
    cores: perMs(((recent['cpu_us'] ?? 0) + (recent['sampler_us'] ?? 0)) / 1000),
  };
}
