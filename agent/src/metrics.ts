import http from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Governor } from './govern/governor.ts';
import type { Sampler } from './sample/native.ts';
import type { Spool } from './ship/spool.ts';

/**
 * What became of every sample that the kernel took. At any moment
 * taken = filtered + lost + shipped + what is on its way (in the kernel, the open window, the spool);
 * once the agent has stopped, nothing is on its way but what the spool holds.
 */
export class Accounting {
  /** Samples of earlier agents that were found in the spool: shipped by this one, taken by them. */
  inheritedSamples = 0;
  shippedSamples = 0;
  shippedWindows = 0;
  /** Lost in user space, by reason; the kernel's own losses are counters of the sampler. */
  readonly lost = { spool_full: 0, spool_write_failed: 0, rejected: 0 };

  /** Every figure by name, as one flat record: for the log at the end, and for tests. */
  summary(kernel: Record<string, number>, spool: Spool): Record<string, number> {
    return {
      ...kernel,
      ...Object.fromEntries(Object.entries(this.lost).map(([reason, n]) => [`lost_${reason}`, n])),
      inherited: this.inheritedSamples,
      shipped: this.shippedSamples,
      spooled: spool.samples,
    };
  }
}

/** Prometheus metrics of the agent itself, read when they are asked for. */
export function agentMetrics(
  sampler: Sampler,
  spool: Spool,
  accounting: Accounting,
  governor: Governor,
): Registry {
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
  const withPrefix = (prefix: string) =>
    Object.fromEntries(
      Object.entries(sampler.counters())
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );

  counter('bunsen_agent_samples_taken_total', 'Samples taken in the kernel.', () => {
    return sampler.counters()['samples_taken'] ?? 0;
  });
  byReason('bunsen_agent_samples_filtered_total', 'Samples that were not asked for.', () =>
    withPrefix('filtered_'),
  );
  byReason('bunsen_agent_samples_lost_total', 'Samples that were lost.', () => ({
    ...withPrefix('lost_'),
    ...accounting.lost,
  }));
  counter(
    'bunsen_agent_samples_shipped_total',
    'Samples that the server has acknowledged as durable.',
    () => accounting.shippedSamples,
  );
  new Counter({
    name: 'bunsen_agent_user_stacks_total',
    help: 'User stacks that were walked, by how the walk ended.',
    labelNames: ['end'],
    registers,
    collect() {
      this.reset();
      const { requests_lost: _, ...ends } = withPrefix('unwind_');
      for (const [end, value] of Object.entries(ends)) this.inc({ end }, value);
      this.inc({ end: 'failed' }, sampler.counters()['user_stack_failed'] ?? 0);
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
  counter('bunsen_agent_cpu_seconds_total', 'CPU time of the agent itself.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
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

/** Serves `/metrics` and `/healthz`; never fails the agent: a taken port is reported to `onError`. */
export function serveMetrics(
  registry: Registry,
  address: { host: string; port: number },
  onError: (error: Error) => void,
): http.Server {
  const server = http.createServer(async (request, response) => {
    if (request.url === '/metrics') {
      response.setHeader('content-type', registry.contentType);
      response.end(await registry.metrics());
    } else if (request.url === '/healthz') {
      response.end('ok\n');
    } else {
      response.statusCode = 404;
      response.end('There are /metrics and /healthz here.\n');
    }
  });
  server.on('error', onError);
  server.listen(address.port, address.host);
  server.unref();
  return server;
}
