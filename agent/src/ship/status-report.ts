import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentReport, API } from '@bunsen/profile';
import { agentCpuUs } from '../govern/cost.ts';
import type { Accounting } from '../status/accounting.ts';
import { post } from './post.ts';
import type { Spool } from './spool.ts';

const INTERVAL_MS = 60_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** What the figures of a report are made of. */
export interface ReportSources {
  host: string;
  instance: string;
  cpus: number;
  frequencyHz: number;
  kernelCounters: () => Record<string, number>;
  accounting: Accounting;
  spool: Spool;
}

/** What the server is told: where samples went, how walks of user stacks ended, what it costs. */
export function agentReport(sources: ReportSources): AgentReport {
  const { host, instance, cpus, frequencyHz, accounting, spool } = sources;
  const kernel = sources.kernelCounters();
  const summary = accounting.summary(kernel, spool);
  const counters = Object.entries(summary).filter(([name]) =>
    /^(samples_|filtered_|lost_|unwind_|user_stack|shipped|inherited)/.test(name),
  );
  return {
    host,
    instance,
    version: VERSION,
    kernel: os.release(),
    uptimeMs: Math.round(process.uptime() * 1000),
    cpus,
    frequencyHz,
    counters: {
      ...Object.fromEntries(counters),
      cpu_us: agentCpuUs(kernel),
      sampler_us: Math.round((kernel['run_time_ns'] ?? 0) / 1000),
    },
    gauges: {
      resident_bytes: process.memoryUsage.rss(),
      spool_bytes: spool.sizeBytes,
      spool_samples: spool.samples,
    },
  };
}

/**
 * Tells the server how the agent is, at once and then every minute until it is stopped. A report that
 * fails is not sent again, as the next one says more.
 * @param onTrouble is told when reports begin to fail
 */
export async function reportStatus(
  serverUrl: string,
  read: () => AgentReport,
  signal: AbortSignal,
  onTrouble: (reason: string) => void,
): Promise<void> {
  let isFailing = false;
  while (!signal.aborted) {
    const problem = await send(serverUrl + API.agents, read(), signal);
    if (problem && !isFailing && !signal.aborted) onTrouble(problem);
    isFailing = problem !== undefined;
    // Spread out, so that a fleet that was started at once does not report at once for ever.
    const waitMs = INTERVAL_MS * (0.9 + Math.random() / 5);
    await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** @returns what went wrong */
async function send(
  url: string,
  report: AgentReport,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { ok, status, text } = await post(
      url,
      { 'content-type': 'application/json' },
      JSON.stringify(report),
      AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    );
    return ok ? undefined : `${status} ${text.slice(0, 200)}`;
  } catch (error) {
    return String(error);
  }
}

const PACKAGE = new URL('../../package.json', import.meta.url);
const VERSION = (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version;
