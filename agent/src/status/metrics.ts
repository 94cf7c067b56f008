import { Counter, Gauge, Registry } from 'prom-client';
import { agentCpuUs } from '../govern/cost.ts';
import type { AgentParts } from './agent-parts.ts';
import { walkEnds } from './walks.ts';

/** Prometheus metrics of the agent itself, read when they are asked for. */
export function agentMetrics(agent: AgentParts): Registry {
  const { sampler, spool, accounting, governor, pods } = agent;
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const byReason = (name: string, help: string, read: () => Record<string, number>) =>
    new Counter({
      name,
      help,
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        for (const [reason, value] of Object.entries(read())) this.inc({ reason }, value);
      },
    });
  const balance = () => accounting.balance(sampler.counters(), spool);

  counter('bunsen_agent_samples_taken_total', 'Samples taken in the kernel.', () => {
    return sampler.counters()['samples_taken'] ?? 0;
  });
  byReason(
    'bunsen_agent_samples_filtered_total',
    'Samples that were not asked for.',
    () => balance().filtered,
  );
  new Counter({
    name: 'bunsen_agent_relabel_dropped_samples_total',
    help: 'Samples that a rule of relabelling dropped; among those filtered.',
    labelNames: ['rule'],
    registers,
    collect() {
      this.reset();
      for (const [rule, value] of Object.entries(accounting.droppedByRule))
        this.inc({ rule }, value);
    },
  });
  byReason('bunsen_agent_samples_lost_total', 'Samples that were lost.', () => balance().lost);
  counter(
    'bunsen_agent_samples_shipped_total',
    'Samples that the server has acknowledged as durable.',
    () => accounting.shippedSamples,
  );
  new Gauge({
    name: 'bunsen_agent_samples_on_the_way',
    help: 'Samples that are neither shipped nor gone, by place.',
    labelNames: ['place'],
    registers,
    collect() {
      for (const [place, value] of Object.entries(balance().onTheWay)) this.set({ place }, value);
    },
  });
  gauge(
    'bunsen_agent_samples_unaccounted',
    'Samples that no other figure explains: 0, or a bug.',
    () => balance().unaccounted,
  );
  new Counter({
    name: 'bunsen_agent_user_stacks_total',
    help: 'User stacks that were walked, by how the walk ended.',
    labelNames: ['end'],
    registers,
    collect() {
      this.reset();
      for (const [end, value] of Object.entries(walkEnds(sampler.counters()))) {
        this.inc({ end }, value);
      }
    },
  });
  byReason(
    'bunsen_agent_events_total',
    'What the sampler noticed without losing a sample, such as stacks that were cut.',
    () =>
      Object.fromEntries(
        Object.entries(sampler.counters()).filter(
          ([name]) => !/^(samples_|filtered_|lost_)/.test(name),
        ),
      ),
  );
  gauge('bunsen_agent_spool_bytes', 'Bytes of windows that wait.', () => spool.sizeBytes);
  gauge('bunsen_agent_spool_windows', 'Windows that wait.', () => spool.length);
  gauge('bunsen_agent_spool_samples', 'Samples in windows that wait.', () => spool.samples);
  if (pods) {
    gauge(
      'bunsen_agent_kubernetes_containers',
      'Containers whose pods are known.',
      () => pods.containers,
    );
    new Counter({
      name: 'bunsen_agent_kubernetes_requests_total',
      help: 'How often Kubernetes was asked for the pods of this node, by result.',
      labelNames: ['result'],
      registers,
      collect() {
        this.reset();
        for (const [result, value] of Object.entries(pods.requests)) this.inc({ result }, value);
      },
    });
  }
  counter(
    'bunsen_agent_cpu_seconds_total',
    'CPU time of the agent itself, with what it starts.',
    () => agentCpuUs(sampler.counters()) / 1e6,
  );
  counter(
    'bunsen_agent_kernel_seconds_total',
    "CPU time of the agent's program in the kernel.",
    () => (sampler.counters()['run_time_ns'] ?? 0) / 1e9,
  );
  gauge(
    'bunsen_agent_cpu_share',
    "What the agent takes of the host's CPU time, both parts, in the last windows.",
    () => governor.cost?.cpuShare ?? 0,
  );
  gauge('bunsen_agent_cpu_budget', 'What it may take of it.', () => governor.budget.cpuShare);
  gauge(
    'bunsen_agent_memory_budget_bytes',
    'What it may take of memory, with its tables in the kernel.',
    () => governor.budget.memoryBytes,
  );
  gauge(
    'bunsen_agent_frequency_hz',
    'Samples a second and CPU that are taken now.',
    () => governor.frequencyHz,
  );
  byReason(
    'bunsen_agent_frequency_changes_total',
    'How often the frequency was lowered for a budget, or raised for there was room.',
    () => governor.changes,
  );
  gauge('bunsen_agent_resident_bytes', 'Resident memory of the agent.', () =>
    process.memoryUsage.rss(),
  );
  return registry;
}
