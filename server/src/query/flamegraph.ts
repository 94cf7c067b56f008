import { type FlameMeta, NO_STACK_FRAME, parseProfileType, SLOT_MS } from '@bunsen/profile';
import { Piscina } from 'piscina';
import { BunsenError } from '../errors.ts';
import { rawMsOf } from '../store/retention.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import { Admission } from './admission.ts';
import type { Focus } from './focus.ts';
import { type MergePlan, mergeParams, planMerge, STACK_ROLLUPS, stacksSql } from './merge-plan.ts';
import type { PprofResult, PprofTask } from './pprof-worker.ts';
import { checkSelection, type Selection, selectionOf } from './selection.ts';
import type { DiffForm, DiffTask, TreeForm, TreeTask } from './tree-worker.ts';

export interface FlamegraphRequest {
  /** `type{matchers}`. */
  query: string;
  range: TimeRange;
  /** Nodes of the answer; what is cut is summed up in nodes named `other`. */
  maxNodes: number;
  form: TreeForm;
  /** Only the callers or callees of a function. */
  focus?: Focus;
  signal?: AbortSignal;
}

export interface DiffRequest {
  left: { query: string; range: TimeRange };
  right: { query: string; range: TimeRange };
  maxNodes: number;
  form: DiffForm;
  signal?: AbortSignal;
}

export interface PprofRequest {
  /** `type{matchers}`. */
  query: string;
  range: TimeRange;
  signal?: AbortSignal;
}

const PPROF_WORKER = new URL('./pprof-worker.js', import.meta.url).href;

/** A selection over the range of its plan. */
interface Side {
  selection: Selection;
  plan: MergePlan;
  nowMs: number;
}

interface Merged {
  /** (frames, v) in Native format, in pieces that can be handed to a worker without a copy. */
  native: Uint8Array<ArrayBuffer>[];
  warnings: string[];
}

/** Merged flame graphs: stacks are summed in SQL, and become a tree in a worker. */
export class FlamegraphQuery {
  readonly #store: Store;
  readonly #status: RollupStatus;
  readonly #workers: Piscina;
  readonly #admission: Admission;

  constructor(store: Store, status: RollupStatus, options: { threads: number }) {
    this.#store = store;
    this.#status = status;
    // One more than there are workers: its stacks are fetched while the others' trees are built.
    this.#admission = new Admission({ running: options.threads + 1, waiting: 32 });
    this.#workers = new Piscina({
      filename: new URL('./tree-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: options.threads,
      idleTimeout: 30_000,
    });
  }

  /**
   * @returns the answer's bytes in the form that was asked for
   * @throws ProfileError or BunsenError if the query is wrong or passes a limit
   */
  async run(request: FlamegraphRequest): Promise<Uint8Array> {
    return this.#admission.run(() => this.#tree(request), request.signal);
  }

  /**
   * Two selections of one profile type as one tree.
   * @returns the answer's bytes in the form that was asked for
   */
  async diff({ left, right, maxNodes, form, signal }: DiffRequest): Promise<Uint8Array> {
    return this.#admission.run(async () => {
      const nowMs = Date.now();
      const sides = [left, right].map(({ query, range }) => this.#plan(query, range, nowMs));
      const [{ selection }, { selection: other }] = sides as [Side, Side];
      if (selection.profileType !== other.profileType) {
        throw new BunsenError(
          'PARAMETER_INVALID',
          `left is of ${selection.profileType} and right of ${other.profileType}: only profiles of one type can be compared`,
        );
      }
      // One after the other: a comparison is to take no more of the store than a flame graph.
      const merged: Merged[] = [];
      for (const side of sides) merged.push(await this.#merge(side, undefined, signal));
      const [a, b] = merged as [Merged, Merged];
      const task: DiffTask = {
        native: [a.native, b.native],
        meta: {
          profileType: selection.profileType,
          unit: parseProfileType(selection.profileType).sampleUnit,
          left: selection.range,
          right: other.range,
          warnings: [...new Set([...a.warnings, ...b.warnings])],
        },
        maxNodes,
        form,
      };
      return this.#workers.run(task, {
        name: 'buildDiff',
        transferList: [...a.native, ...b.native].map(({ buffer }) => buffer),
        ...(signal && { signal }),
      });
    }, signal);
  }

  /**
   * A selection as a profile for other tools.
   * @returns a gzipped pprof
   * @throws ProfileError or BunsenError as {@link run}, `QUERY_MEMORY_LIMIT` also if it is too large
   */
  async pprof({ query, range, signal }: PprofRequest): Promise<Uint8Array> {
    return this.#admission.run(async () => {
      const side = this.#plan(query, range, Date.now());
      const { native, warnings } = await this.#merge(side, undefined, signal);
      const task: PprofTask = {
        native,
        profileType: parseProfileType(side.selection.profileType),
        range: side.plan.range,
        comments: [query, ...warnings],
      };
      const result: PprofResult = await this.#workers.run(task, {
        filename: PPROF_WORKER,
        transferList: native.map(({ buffer }) => buffer),
        ...(signal && { signal }),
      });
      if ('error' in result) throw new BunsenError(result.error.code, result.error.message);
      return result.bytes;
    }, signal);
  }

  async #tree(request: FlamegraphRequest): Promise<Uint8Array> {
    const { query, range, maxNodes, form, focus, signal } = request;
    const side = this.#plan(query, range, Date.now());
    const { native, warnings } = await this.#merge(side, focus, signal);
    const { profileType } = side.selection;
    const meta: Omit<FlameMeta, 'foldedNodes' | 'foldedValue'> = {
      profileType,
      unit: parseProfileType(profileType).sampleUnit,
      ...side.plan.range,
      warnings,
    };
    const task: TreeTask = { native, meta, maxNodes, form, focus };
    return this.#workers.run(task, {
      transferList: native.map(({ buffer }) => buffer),
      ...(signal && { signal }),
    });
  }

  #plan(query: string, range: TimeRange, nowMs: number): Side {
    const asked = selectionOf(query, range, true);
    const rollups = asked.labels === '' ? STACK_ROLLUPS : [];
    const plan = planMerge(range, {
      rollups,
      slotMs: SLOT_MS,
      status: this.#status,
      nowMs,
      rawMs: rawMsOf(this.#store.retention),
    });
    return { selection: { ...asked, range: plan.range }, plan, nowMs };
  }

  async #merge(
    { selection, plan, nowMs }: Side,
    focus: Focus | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Merged> {
    const [warnings, native] = await Promise.all([
      checkSelection(this.#store, selection, { signal }),
      this.#store.native(valuedSql(stacksSql(plan, selection), focus), {
        params: { ...mergeParams(selection), ...(focus && { function: focus.name }) },
        signal,
      }),
    ]);
    const { retention } = this.#store;
    if (selection.labels !== '' && plan.range.fromMs < nowMs - rawMsOf(retention)) {
      warnings.push(
        `samples by label are kept for ${retention.rawDays} days: what is older is missing here, and is there without matchers other than service_name`,
      );
    }
    return { warnings, native };
  }

  async close(): Promise<void> {
    await this.#workers.close({ force: true });
  }
}

/**
 * SELECT of (frames, v) for the worker. Leaves out most stacks without the function that is asked
 * for; the worker leaves out the rest.
 */
function valuedSql(stacks: string, focus: Focus | undefined): string {
  const columns = 'SELECT frames, toFloat64(v) AS v'; // what trees are made of
  if (!focus) return `${columns} FROM (${stacks})`;
  const may = 'arrayExists(frame -> startsWith(frame, {function:String}), frames)';
  // A stack that is missing is the function of that name.
  const missing = focus.name === NO_STACK_FRAME ? 'empty(frames)' : 'false';
  return `${columns} FROM (${stacks}) WHERE ${may} OR ${missing}`;
}
