import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AgentError } from '../errors.ts';
import type { Feature, Started } from './features.ts';

/** What the addon is opened with. */
export interface SamplerOptions {
  objectPath: string;
  frequencyHz: number;
  /** Sizes the kernel's maps: they must hold what is sampled between two drains. */
  drainIntervalMs: number;
  includeIdle: boolean;
  excludeKernelThreads: boolean;
  pidFilter?: { mode: 'include' | 'exclude'; pids: number[] };
  cgroupFilter?: { mode: 'include' | 'exclude'; cgroupIds: bigint[] };
  btfPath?: string;
  /** Features of the kernel that are not used, as if it had not got them. */
  without?: Feature[];
  /** Read the arguments of each process. */
  commandLines?: boolean;
  /** Read these variables of each process' environment; no other leaves the addon. */
  environmentVariables?: string[];
}

/**
 * One window, folded: columns whose entries are indices into each other. A function is what remains
 * of a frame after folding: a name in a mapping.
 */
export interface WindowColumns {
  /** String `i` is `strings[stringOffsets[i] .. stringOffsets[i + 1]]`, UTF-8. */
  strings: Buffer;
  stringOffsets: Uint32Array;
  /** Demangled; `module+0xoffset` where there is no name. */
  functionName: Uint32Array;
  /** As in the symbol table. */
  functionSystemName: Uint32Array;
  functionMapping: Uint32Array;
  functionAddress: BigUint64Array;
  /** Source file; the empty string if it is not known, or not yet. */
  functionFile: Uint32Array;
  /** Line of the code, of callers that of the call; 0 if unknown. Each line is a function here. */
  functionLine: Uint32Array;
  mappingFile: Uint32Array;
  /** Hex, or the empty string. */
  mappingBuildId: Uint32Array;
  /** See {@link MAPPING_KIND}. */
  mappingKind: Uint8Array;
  stackOffsets: Uint32Array;
  /** Leaf first: the kernel's frames, then the user's. */
  stackFunctions: Uint32Array;
  sampleStack: Uint32Array;
  sampleProcess: Uint32Array;
  /** The thread's name. */
  sampleComm: Uint32Array;
  sampleCount: BigUint64Array;
  sampleCgroupId: BigUint64Array;
  processPid: Uint32Array;
  processStartTicks: BigUint64Array;
  /** Target of /proc/PID/exe; empty for kernel threads and what was gone too soon. */
  processExe: Uint32Array;
  processComm: Uint32Array;
  /** Text of /proc/PID/cgroup. */
  processCgroup: Uint32Array;
  /** Arguments, joined by spaces; empty unless asked for. */
  processCommandLine: Uint32Array;
  /** NAME=VALUE of the variables that were asked for, joined by NUL. */
  processEnvironment: Uint32Array;
  /** See {@link PROCESS_FLAG}. */
  processFlags: Uint8Array;
  /** How many walks of user stacks ended how: a process, the name of the counter, how many. */
  walkProcess: Uint32Array;
  walkEnd: Uint32Array;
  walkCount: BigUint64Array;
}

export const MAPPING_KIND = { elf: 0, kernel: 1, kernelModule: 2, jit: 3, other: 4 } as const;
export const PROCESS_FLAG = { kernelThread: 1, gone: 2 } as const;

/** The sampler of the addon. Calls are queued; all but `counters` run off the event loop. */
export interface Sampler {
  /** Loads and attaches. @throws an error with `code`, such as `BUNSEN_NO_PERMISSION` */
  start(): Promise<Started>;
  /** Empties the kernel's maps into the current window and follows CPUs that come and go. */
  drain(): Promise<{ samples: number; newProcesses: number }>;
  /**
   * Hands out the current window and begins an empty one.
   * @param trim gives up names and symbols, which are read again when they are needed
   */
  takeWindow(trim?: boolean): Promise<WindowColumns>;
  /**
   * Samples at another frequency from now on. What was sampled before is in the current window when
   * this is done, and nothing else: take it first thing. Rejected, the frequency is what it was.
   */
  setFrequency(frequencyHz: number): Promise<void>;
  /** Sums over all CPUs by name; `samples_taken`, `filtered_*` and `lost_*` obey the identity. */
  counters(): Record<string, number>;
  /** Detaches, then drains for the last time: the counters are final from here on. */
  stop(): Promise<void>;
  close(): void;
}

const here = path.dirname(fileURLToPath(import.meta.url));
const agentRoot = path.resolve(here, '../..');

/** Only this function loads the addon. @throws AgentError `ADDON_MISSING` */
export function openSampler(options: Omit<SamplerOptions, 'objectPath'>): Sampler {
  const addonPath = path.join(agentRoot, 'addon/.output/bunsen.node');
  const objectPath = path.resolve(agentRoot, '../bpf/.output/cpu.bpf.o');
  let addon: { Sampler: new (options: SamplerOptions) => Sampler };
  try {
    addon = createRequire(import.meta.url)(addonPath);
  } catch (cause) {
    throw new AgentError(
      'ADDON_MISSING',
      `The native addon does not load (${String(cause)}). Build it with npm run build; at run time it needs libbpf1, libelf1 and liblzma5, and libdw1 for inlined functions.`,
      { cause },
    );
  }
  return new addon.Sampler({ ...options, objectPath });
}
