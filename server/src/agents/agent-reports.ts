import type { AgentReport, AgentsResponse } from '@bunsen/profile';
import { DEFAULT_TENANT } from '../store/profile-batch.ts';
import type { ReadOptions, Store } from '../store/store.ts';
import { dateTimeText } from '../store/time-sql.ts';
import type { TimeRange } from '../time.ts';

/** Reports wait for others so long: an insert costs the same for one row as for hundreds. */
const GATHER_MS = 1000;
/** Agents of an answer: those that were heard of last. */
export const MAX_AGENTS = 10_000;

interface Waiting {
  row: Record<string, unknown>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

interface AgentRow {
  host: string;
  id: string;
  last_ms: string;
  first_ms: string;
  last: [string, string, number, number, string, Figures, Figures];
  first: Figures;
}

type Figures = Record<string, number>;

/** Keeps what agents say of themselves. */
export class AgentReports {
  readonly #store: Store;
  #waiting: Waiting[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves when it is durable: the server waits for its requests before it closes the store. */
  add(report: AgentReport): Promise<void> {
    const row = {
      tenant: DEFAULT_TENANT,
      host: report.host,
      instance: report.instance,
      ts: dateTimeText(Date.now()),
      uptime_ms: report.uptimeMs,
      version: report.version,
      kernel: report.kernel,
      cpus: report.cpus,
      frequency_hz: report.frequencyHz,
      counters: report.counters,
      gauges: report.gauges,
    };
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject });
      if (this.#waiting.length === 1) setTimeout(() => void this.#write(), GATHER_MS);
    });
  }

  async #write(): Promise<void> {
    const reports = this.#waiting;
    this.#waiting = [];
    try {
      await this.#store.insertJson(
        'agent_reports',
        reports.map(({ row }) => row),
      );
      for (const { resolve } of reports) resolve();
    } catch (error) {
      for (const { reject } of reports) reject(error);
    }
  }

  /** Agents that were heard of in a range, by host; of those of one host the latest first. */
  async list(range: TimeRange, read: ReadOptions): Promise<AgentsResponse> {
    const rows = await this.#store.rows<AgentRow>(
      `SELECT host, toString(instance) AS id,
         toUnixTimestamp64Milli(max(ts)) AS last_ms, toUnixTimestamp64Milli(min(ts)) AS first_ms,
         argMax((version, kernel, cpus, frequency_hz, toString(uptime_ms), counters, gauges), ts) AS last,
         argMin(counters, ts) AS first
       FROM agent_reports
       WHERE tenant = {tenant:String} AND ts >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC')
         AND ts < fromUnixTimestamp64Milli({untilMs:Int64}, 'UTC')
       GROUP BY host, instance ORDER BY max(ts) DESC LIMIT ${MAX_AGENTS}`,
      { ...read, params: { tenant: DEFAULT_TENANT, ...range } },
    );
    const agents = rows.map((row) => agentOf(row, range));
    agents.sort((a, b) => compare(a.host, b.host) || b.lastSeenMs - a.lastSeenMs);
    return { ...range, nowMs: Date.now(), agents };
  }
}

function agentOf(row: AgentRow, range: TimeRange): AgentsResponse['agents'][number] {
  const [version, kernel, cpus, frequencyHz, uptime, counters, gauges] = row.last;
  const [lastSeenMs, firstMs, uptimeMs] = [row.last_ms, row.first_ms, uptime].map(Number) as [
    number,
    number,
    number,
  ];
  // Who began in the range has counted nothing before it.
  const isNew = lastSeenMs - uptimeMs >= range.fromMs;
  const recent = Object.entries(counters).map(([name, value]) => [
    name,
    Math.max(0, value - (isNew ? 0 : (row.first[name] ?? 0))),
  ]);
  return {
    host: row.host,
    instance: row.id,
    version,
    kernel,
    cpus,
    frequencyHz,
    uptimeMs,
    counters,
    gauges,
    lastSeenMs,
    recentMs: isNew ? uptimeMs : lastSeenMs - firstMs,
    recent: Object.fromEntries(recent),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
