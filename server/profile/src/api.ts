import type { DiffMeta } from './diff.ts';
import type { FlameJson } from './flame-encoding.ts';
import type { Labels } from './label.ts';

/**
 * Bunsen's own API, as both sides see it. Times in parameters are milliseconds since 1970, or
 * `now`, or `now-1h` and the like; a range is from inclusive to until exclusive. Parameters that a
 * route does not know are refused.
 */
export const API = {
  /** POST a gzipped pprof whose samples carry the series labels. Answers 200 when durable. */
  push: '/api/v1/profiles',
  /** GET `from`, `until` -> {@link ProfileTypesResponse} */
  profileTypes: '/api/v1/profile-types',
  /** GET `type`, `from`, `until` -> {@link ServicesResponse} */
  services: '/api/v1/services',
  /** GET `query`?, `from`, `until` -> {@link LabelNamesResponse} */
  labelNames: '/api/v1/labels',
  /** GET `query`?, `from`, `until` -> {@link LabelValuesResponse} */
  labelValues: (name: string) => `/api/v1/labels/${encodeURIComponent(name)}/values`,
  /**
   * GET `query`, `from`, `until`, `stepMs`?, `groupBy`? (comma-separated) -> {@link SeriesResponse};
   * with `function` (a name), `module`? (any, if left out): of the samples that have it in their
   * stack, as long as samples are kept. Then `stepMs` is a multiple of {@link SLOT_MS}.
   */
  series: '/api/v1/series',
  /** GET `query`, `from`, `until`, `maxNodes`? -> binary flame or {@link FlameJson} by Accept */
  flamegraph: '/api/v1/flamegraph',
  /**
   * GET as for the flame graph, and `function` (a name), `module`? (any, if left out) -> the same
   * forms: below the root stands the function, and below it what it calls, or what calls it.
   * A stack counts once: it is parted where the function occurs first, seen from the root.
   */
  callees: '/api/v1/callees',
  callers: '/api/v1/callers',
  /**
   * GET `query`, `from`, `until` -> a gzipped pprof of the selection, its stacks summed up, for any
   * tool that reads one. Frames have function, file, line, mapping and build ID as far as they were
   * sent; an inlined frame is a location of its own. Warnings are comments of the profile.
   */
  pprof: '/api/v1/pprof',
  /**
   * GET `query`, `from`, `until`, `format`, `maxNodes`? -> the selection as a file for other tools:
   * - `pprof`: as above
   * - `folded`: `main;handle;parse 12`, a line a stack, in the type's unit; `;` in a name becomes `:`
   * - `speedscope`: one sampled profile in speedscope's own format
   * - `dot`: the call graph for Graphviz, of at most `maxNodes` functions (80 by default, up to 2000)
   * - `svg`: a flame graph as a picture, of at most `maxNodes` nodes (4096 by default, up to 65536)
   */
  export: '/api/v1/export',
  /**
   * GET `left`, `leftFrom`, `leftUntil`, `right`, `rightFrom`, `rightUntil` (two queries of one
   * profile type, each with its range), `maxNodes`? -> binary flame of two sides or
   * {@link DiffResponse} by Accept
   */
  diff: '/api/v1/diff',
  /**
   * GET `query`, `from`, `until`, `name`? (RE2, found anywhere in a name), `orderBy`? (`self` or
   * `total`, the default), `limit`? -> {@link FunctionsResponse}
   */
  functions: '/api/v1/functions',
  /**
   * GET `query`, `from`, `until`, `function` (a name), `module`? (any, if left out) ->
   * {@link FunctionCostsResponse}
   */
  functionCosts: '/api/v1/function-costs',
  /**
   * GET `query`, `from`, `until`, `label`, `limit`? -> {@link LabelDifferencesResponse}: what of the
   * label is least like the rest, as long as samples are kept
   */
  labelDifferences: '/api/v1/label-differences',
  /**
   * DELETE `query` (without a type: all types), `from`, `until` on the path of `push` -> {@link Deletion},
   * 200 when done and 202 while it goes on; GET -> {@link DeletionsResponse}. Range: whole slots, and
   * whole hours or days where only those are left; `now` and `now-1h` are widened to that.
   */
  deletions: '/api/v1/deletions',
  /**
   * POST `name` with a profile as the body (pprof, JFR, speedscope, `perf script` or folded text,
   * gzipped or not) -> {@link SharedFile}: it is kept for whoever can reach the server, and is no
   * part of any service's profiles.
   */
  files: '/api/v1/files',
  /** GET -> the file as it came, its name in Content-Disposition and when it goes in Sunset */
  file: (id: string) => `/api/v1/files/${id}`,
  /** POST an {@link AgentReport}, answered 204; GET `from`, `until` -> {@link AgentsResponse} */
  agents: '/api/v1/agents',
} as const;

/** Header of a push: a request that is sent again with the same key counts once. */
export const IDEMPOTENCY_KEY = 'idempotency-key';

/** Width of the store's time slots: what is asked about flame graphs is widened to whole slots. */
export const SLOT_MS = 15_000;

export interface PushResponse {
  /** Samples of the request that are now durable: those that were new, or all of a repeated one. */
  samples: number;
  /** The key had been seen before: nothing was counted again. */
  duplicate: boolean;
}

export interface ProfileTypesResponse {
  profileTypes: { id: string; sampleType: string; sampleUnit: string }[];
}

export interface ServicesResponse {
  /** By total, largest first. */
  services: { service: string; total: number; series: number; lastSeenMs: number }[];
  unit: string;
}

export interface LabelNamesResponse {
  /** In byte order, with the number of distinct values. */
  labels: { name: string; values: number }[];
}

export interface LabelValuesResponse {
  /** In byte order. */
  values: string[];
  /** Such as that there are more values than one answer holds. */
  warnings: string[];
}

export interface SeriesResponse {
  unit: string;
  fromMs: number;
  untilMs: number;
  stepMs: number;
  /** By sum, largest first. `values[i]` is the sum over [fromMs + i * stepMs, + stepMs); null = no data. */
  series: { labels: Labels; values: (number | null)[] }[];
  warnings: string[];
}

export interface FunctionsResponse {
  profileType: string;
  unit: string;
  /** What was summed: the range that was asked for, widened to whole minutes or hours. */
  fromMs: number;
  untilMs: number;
  /** Of the whole selection: what shares are of. */
  total: number;
  /**
   * By what was asked for, largest first. `self` is of samples that end in the function, `total` of
   * those whose stack has it, each counted once.
   */
  functions: { name: string; module: string; self: number; total: number }[];
  warnings: string[];
}

export interface FunctionCostsResponse {
  profileType: string;
  unit: string;
  /** What was summed: the range that was asked for, widened to whole minutes or hours. */
  fromMs: number;
  untilMs: number;
  /**
   * Every version of the services that have the function: the service with the largest total first,
   * and in it the version. `version` is empty where the series have no label of that kind; `whole` is
   * of all functions: what shares are of. At most 10 000, with a warning if there are more.
   */
  costs: { service: string; version: string; self: number; total: number; whole: number }[];
  warnings: string[];
}

export interface LabelDifferencesResponse {
  profileType: string;
  label: string;
  unit: string;
  /** What was summed: the range that was asked for, widened to whole slots. */
  fromMs: number;
  untilMs: number;
  /** Of the whole selection. */
  total: number;
  /**
   * The largest `distance - chance` first. Shares are of self values by function: of the value's own
   * total, and of that of all other values together.
   */
  values: {
    /** Empty for series without the label. */
    value: string;
    total: number;
    /**
     * Half the sum of all differences between its shares and those of the rest (total variation), 0
     * to 1: the part of its total that it spends in other functions than the rest does.
     */
    distance: number;
    /**
     * About what `distance` would be of as many samples drawn from one and the same profile; more
     * than that where most functions of the rest are missing. Samples of a process follow each
     * other, which independent ones do not.
     */
    chance: number;
    /** The three with the largest differences among the functions that it has. */
    functions: { name: string; module: string; share: number; restShare: number }[];
  }[];
  warnings: string[];
}

/** A file that somebody shared. */
export interface SharedFile {
  id: string;
  name: string;
  uploadedMs: number;
  /** Until then it is kept. */
  expiresMs: number;
}

export type DeletionState = 'running' | 'done';

/** What is asked to be deleted. It goes on when the client or the server is gone. */
export interface Deletion {
  id: string;
  /** `type{matchers}` as it was given. */
  query: string;
  /** The range that was taken. */
  fromMs: number;
  untilMs: number;
  requestedMs: number;
  state: DeletionState;
}

export interface DeletionsResponse {
  /** The latest first, at most 1000. */
  deletions: Deletion[];
}

/** What an agent says of itself, once a minute. */
export interface AgentReport {
  host: string;
  /** Of this run of the agent: a UUID. */
  instance: string;
  version: string;
  /** Release of the host's kernel. */
  kernel: string;
  uptimeMs: number;
  /** CPUs that it samples. */
  cpus: number;
  /** Samples a second and CPU. */
  frequencyHz: number;
  /**
   * Since it started, by name: `samples_taken`, `shipped`; with the reason behind it, `filtered_…`
   * and `lost_…`; with how walks of user stacks ended, `unwind_…`; CPU time of the agent itself, `cpu_us`, and of
   * its program in the kernel, `sampler_us`.
   */
  counters: Record<string, number>;
  /** At that moment: `resident_bytes` of the agent, `spool_bytes` and `spool_samples` that wait. */
  gauges: Record<string, number>;
}

export interface AgentsResponse {
  fromMs: number;
  untilMs: number;
  /** The server's clock, by which `lastSeenMs` is. */
  nowMs: number;
  /** By host; of those of one host, which was started anew, the latest first. */
  agents: (AgentReport & {
    lastSeenMs: number;
    /** How long `recent` is about; 0 if it was heard of only once since it was running. */
    recentMs: number;
    /** What its counters grew by in the range. */
    recent: Record<string, number>;
  })[];
}

/** One tree with the values of both sides: nodes as columns, in preorder. */
export interface DiffResponse extends DiffMeta {
  frames: { name: string; module: string }[];
  nodes: {
    depth: number[];
    /** Index into `frames`; -1 for the root. */
    frame: number[];
    leftSelf: number[];
    leftTotal: number[];
    rightSelf: number[];
    rightTotal: number[];
  };
}

/** Every error of every route has this body. */
export interface ErrorResponse {
  /** Stable, upper case: `RANGE_EMPTY`, `SELECTOR_MALFORMED`. */
  code: string;
  /** Names the field, the value and the limit, and says what to do. */
  message: string;
}
