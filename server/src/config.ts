import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { ConfigError } from './errors.ts';
import { type IngestLimits, LIMITS, type LimitName } from './ingest/limits.ts';
import type { Retention } from './store/retention.ts';
import { DAY_MS } from './time.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** A hundred years: the times of the tables end in 2106. */
const LONGEST_DAYS = 36_500;

interface Option {
  /** Environment variable. */
  name: string;
  default: string | number;
  /** For people: what it does, with its unit, and why the default is what it is. */
  help: string;
}

/** Every option there is. The table in the README is made of this, and a test compares the two. */
export const OPTIONS = {
  host: {
    name: 'BUNSEN_HOST',
    default: '127.0.0.1',
    help: 'Address to listen on. Only this machine by default, as there is no log-in yet.',
  },
  port: { name: 'BUNSEN_PORT', default: 4040, help: 'TCP port; 0 takes a free one.' },
  corsOrigins: {
    name: 'BUNSEN_CORS_ORIGINS',
    default: '',
    help: 'Origins whose pages may call the API from a browser, separated by commas, such as https://grafana.example:3000; * = any. None by default: there is no log-in, and any page that is open could read everything.',
  },
  dataDir: {
    name: 'BUNSEN_DATA_DIR',
    default: './data',
    help: 'Directory of the embedded store. One server at a time.',
  },
  clickhouseUrl: {
    name: 'CLICKHOUSE_URL',
    default: '',
    help: 'A ClickHouse to use instead of the embedded store: http://user:password@host:8123/database.',
  },
  clickhouseCluster: {
    name: 'BUNSEN_CLICKHOUSE_CLUSTER',
    default: '',
    help: 'Cluster of that ClickHouse (system.clusters) over which the tables are spread. Needs CLICKHOUSE_URL.',
  },
  clickhouseQuorum: {
    name: 'BUNSEN_CLICKHOUSE_QUORUM',
    default: 1,
    help: 'Replicas of a shard that have a push before it is acknowledged. With 2, one may be lost right after; but both must be there.',
  },
  retentionRawDays: {
    name: 'BUNSEN_RETENTION_RAW_DAYS',
    default: 14,
    help: 'Days that samples are kept one by one, which filters by label or span and parts of an hour are read from; and reports of agents.',
  },
  retentionHourlyDays: {
    name: 'BUNSEN_RETENTION_HOURLY_DAYS',
    default: 90,
    help: 'Days that sums by the hour, totals of profiles and uploaded files are kept. At least as long as samples.',
  },
  retentionDailyDays: {
    name: 'BUNSEN_RETENTION_DAILY_DAYS',
    default: 400,
    help: 'Days that sums by the day, and the names of what they are about, are kept. At least as long as hours.',
  },
  logLevel: {
    name: 'BUNSEN_LOG_LEVEL',
    default: 'info',
    help: 'debug (with every request), info, warn, error or silent.',
  },
  storeListen: {
    name: 'BUNSEN_STORE_LISTEN',
    default: '',
    help: 'host:port at which the embedded store answers other ClickHouse tools as well. No log-in: keep it local.',
  },
  storeMemoryBytes: {
    name: 'BUNSEN_STORE_MEMORY_BYTES',
    default: Math.min(4 * GIB, Math.floor(totalmem() / 2)),
    help: 'Memory of the embedded store, all queries and merges together. Default: 4 GiB, at most half of the machine.',
  },
  queryTimeMs: {
    name: 'BUNSEN_QUERY_TIME_MS',
    default: 30_000,
    help: 'Longest time of a query. Longer ones are seldom still waited for.',
  },
  queryMemoryBytes: {
    name: 'BUNSEN_QUERY_MEMORY_BYTES',
    default: 2 * GIB,
    help: 'Memory of one query; a merge of 1.2 million stacks needs less than 1 GiB.',
  },
  queryRows: {
    name: 'BUNSEN_QUERY_ROWS',
    default: 1_000_000_000,
    help: 'Rows that one query may read from tables: about what a store on two cores reads in the time of a query.',
  },
  ...LIMITS,
  maxInFlightBytes: {
    name: 'BUNSEN_MAX_IN_FLIGHT_BYTES',
    default: 128 * MIB,
    help: 'Bodies, and what they become, in memory at once; further pushes are answered 429 and come again.',
  },
} as const satisfies Record<string, Option>;

export interface Config {
  host: string;
  port: number;
  corsOrigins: string[];
  dataDir: string;
  clickhouseUrl: string;
  /** Empty = one server. */
  clickhouseCluster: string;
  clickhouseQuorum: number;
  retention: Retention;
  logLevel: string;
  storeListen: string;
  storeMemoryBytes: number;
  queryTimeMs: number;
  queryMemoryBytes: number;
  queryRows: number;
  ingest: IngestLimits;
  inFlightBytes: number;
  /** Threads that decode pushes, and as many that build trees. */
  workerThreads: number;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

/**
 * @param env variables; those that begin with BUNSEN_ and are no option of anything are left alone,
 *   as other programs of Bunsen have theirs
 * @throws ConfigError that names the variable, its value, and what it must be
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const text = (option: Option) => env[option.name] || String(option.default);
  const number = (option: Option, min: number, max = Number.MAX_SAFE_INTEGER): number => {
    const value = text(option);
    if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max) {
      throw new ConfigError(`${option.name}=${value} must be a whole number from ${min} to ${max}`);
    }
    return Number(value);
  };
  const logLevel = text(OPTIONS.logLevel);
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new ConfigError(`BUNSEN_LOG_LEVEL=${logLevel} must be one of ${LOG_LEVELS.join(', ')}`);
  }
  const clickhouseUrl = text(OPTIONS.clickhouseUrl);
  if (clickhouseUrl !== '' && !/^https?:\/\//.test(clickhouseUrl)) {
    throw new ConfigError('CLICKHOUSE_URL must look like http://user:password@host:8123/database');
  }
  const clickhouseCluster = text(OPTIONS.clickhouseCluster);
  if (clickhouseCluster !== '' && clickhouseUrl === '') {
    throw new ConfigError(
      `BUNSEN_CLICKHOUSE_CLUSTER=${clickhouseCluster} needs CLICKHOUSE_URL: the embedded store is one server, and no cluster`,
    );
  }
  const clickhouseQuorum = number(OPTIONS.clickhouseQuorum, 1, 9);
  if (clickhouseQuorum > 1 && clickhouseCluster === '') {
    throw new ConfigError(
      `BUNSEN_CLICKHOUSE_QUORUM=${clickhouseQuorum} needs BUNSEN_CLICKHOUSE_CLUSTER: without it there is one replica`,
    );
  }
  const storeListen = text(OPTIONS.storeListen);
  if (storeListen !== '' && !/^.+:\d+$/.test(storeListen)) {
    throw new ConfigError(`BUNSEN_STORE_LISTEN=${storeListen} must look like 127.0.0.1:8123`);
  }
  const limitOf = (name: LimitName) => {
    const limit: Option & { min: number; max?: number } = LIMITS[name];
    return number(limit, limit.min, limit.max);
  };
  const names = Object.keys(LIMITS) as LimitName[];
  const limits = Object.fromEntries(names.map((name) => [name, limitOf(name)])) as IngestLimits;
  const cumulativeIsSet = clickhouseUrl === '' || env[LIMITS.cumulativeBytes.name];
  const ingest = { ...limits, ...(!cumulativeIsSet && { cumulativeBytes: 0 }) };
  const retention = {
    rawDays: number(OPTIONS.retentionRawDays, 1, LONGEST_DAYS),
    hourlyDays: number(OPTIONS.retentionHourlyDays, 1, LONGEST_DAYS),
    dailyDays: number(OPTIONS.retentionDailyDays, 1, LONGEST_DAYS),
  };
  checkRetention(retention, ingest.ageMs);
  return {
    host: text(OPTIONS.host),
    port: number(OPTIONS.port, 0, 65_535),
    corsOrigins: originsOf(text(OPTIONS.corsOrigins)),
    dataDir: resolve(text(OPTIONS.dataDir)),
    clickhouseUrl,
    clickhouseCluster,
    clickhouseQuorum,
    retention,
    logLevel,
    storeListen,
    storeMemoryBytes: number(OPTIONS.storeMemoryBytes, 256 * MIB),
    // The server's own start takes some, too.
    queryTimeMs: number(OPTIONS.queryTimeMs, 100),
    queryMemoryBytes: number(OPTIONS.queryMemoryBytes, MIB),
    queryRows: number(OPTIONS.queryRows, 1),
    ingest,
    inFlightBytes: number(OPTIONS.maxInFlightBytes, 1),
    workerThreads: Math.max(1, Math.min(4, Math.floor(availableParallelism() / 2))),
  };
}

/** @throws ConfigError that shows the origin */
function originsOf(list: string): string[] {
  const origins = list.split(',').map((origin) => origin.trim());
  for (const origin of origins) {
    if (origin === '' || origin === '*') continue;
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue;
    throw new ConfigError(
      `${OPTIONS.corsOrigins.name}: ${origin} must look like https://grafana.example:3000, or be *`,
    );
  }
  return origins.filter((origin) => origin !== '');
}

/** What is counted by the hour must outlive its samples, and a push must never come after its mark. */
function checkRetention({ rawDays, hourlyDays, dailyDays }: Retention, ageMs: number): void {
  const raw = `${OPTIONS.retentionRawDays.name}=${rawDays}`;
  const hourly = `${OPTIONS.retentionHourlyDays.name}=${hourlyDays}`;
  const daily = `${OPTIONS.retentionDailyDays.name}=${dailyDays}`;
  if (rawDays > hourlyDays) {
    throw new ConfigError(`${raw} must not be more than ${hourly}: raise that, or lower this`);
  }
  if (hourlyDays > dailyDays) {
    throw new ConfigError(`${hourly} must not be more than ${daily}: raise that, or lower this`);
  }
  if (rawDays * DAY_MS < ageMs + DAY_MS) {
    throw new ConfigError(
      `${raw} must be a day more than ${LIMITS.ageMs.name}=${ageMs} allows profiles to be old: make it ${Math.ceil(ageMs / DAY_MS) + 1} or more, or lower that`,
    );
  }
}
