import { type FlameMeta, NO_STACK_FRAME, parseProfileType, SLOT_MS } from '@bunsen/profile';
import { Piscina } from 'piscina';
import { BunsenError } from '../errors.ts';
import { rawMsOf } from '../store/retention.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import { Admission } from './admission.ts';
import type { ExportTask } from './export-worker.ts';
import type { ExportForm } from './exports/export-form.ts';
import type { Focus } from './focus.ts';
import { type MergePlan, mergeParams, planMerge, STACK_ROLLUPS, stacksSql } from './merge-plan.ts';
import { checkSelection, type Selection, selectionOf } from './selection.ts';
import { type StackSelector, selectedStacksSql, stackSelectorParams } from './stack-selector.ts';
import type { DiffForm, DiffTask, TreeForm, TreeTask } from './tree-worker.ts';
import type { WorkerResult } from './worker-result.ts';

/** Told what the reader should know, for forms that have no place for it. */
type OnWarnings = (warnings: string[]) => void;

export interface FlamegraphRequest {
  /** `type{matchers}`. */
  query: string;
  range: TimeRange;
  /** Nodes of the answer; what is cut is summed up in nodes named `other`. */
  maxNodes: number;
  form: TreeForm;
  /** Only the callers or callees of a function. */
  focus?: Focus;
  /** Only some stacks. */
  stacks?: StackSelector | undefined;
  onWarnings?: OnWarnings;
  signal?: AbortSignal;
}

export interface DiffRequest {
  left: DiffSelection;
  right: DiffSelection;
  maxNodes: number;
  form: DiffForm;
  onWarnings?: OnWarnings;
  signal?: AbortSignal;
}

export interface DiffSelection {
  /** `type{matchers}`. */
  query: string;
  range: TimeRange;
  stacks?: StackSelector | undefined;
}

export interface ExportRequest {
  /** `type{matchers}`. */
  query: string;
  range: TimeRange;
  /** Only some stacks. */
  stacks?: StackSelector | undefined;
  form: ExportForm;
  onWarnings?: OnWarnings;
  signal?: AbortSignal;
}

const EXPORT_WORKER = new URL('./export-worker.js', import.meta.url).href;

/** What is wanted of the stacks of a selection; undefined = all. */
interface Narrowing {
  focus?: Focus | undefined;
  stacks?: StackSelector | undefined;
}

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
  async run(request: FlamegraphRequest): Promise<Uint8Array<ArrayBuffer>> {
    return this.#admission.run(() => this.#tree(request), request.signal);
  }

  /**
   * Two selections of one profile type as one tree.
   * @returns the answer's bytes in the form that was asked for
   */
  async diff({
    left,
    right,
    maxNodes,
    form,
    onWarnings,
    signal,
  }: DiffRequest): Promise<Uint8Array<ArrayBuffer>> {
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
      for (const [i, { stacks }] of [left, right].entries()) {
        merged.push(await this.#merge(sides[i] as Side, { stacks }, signal));
      }
      const [a, b] = merged as [Merged, Merged];
      const warnings = [...new Set([...a.warnings, ...b.warnings])];
      onWarnings?.(warnings);
      const task: DiffTask = {
        native: [a.native, b.native],
        meta: {
          profileType: selection.profileType,
          unit: parseProfileType(selection.profileType).sampleUnit,
          left: selection.range,
          right: other.range,
          warnings,
        },
        maxNodes,
        form,
      };
      return this.#work(task, [...a.native, ...b.native], { name: 'buildDiff', signal });
    }, signal);
  }

  /**
   * A selection as a file for other tools.
   * @throws ProfileError or BunsenError as {@link run}, `QUERY_MEMORY_LIMIT` also if it is too large
   */
  async export({
    query,
    range,
    stacks,
    form,
    onWarnings,
    signal,
  }: ExportRequest): Promise<Uint8Array<ArrayBuffer>> {
    return this.#admission.run(async () => {
      const side = this.#plan(query, range, Date.now());
      const { native, warnings } = await this.#merge(side, { stacks }, signal);
      onWarnings?.(warnings);
      const profileType = parseProfileType(side.selection.profileType);
      const task: ExportTask = {
        native,
        subject: { query, profileType, range: side.plan.range, warnings },
        form,
      };
      return this.#work(task, native, { filename: EXPORT_WORKER, signal });
    }, signal);
  }

  async #tree(request: FlamegraphRequest): Promise<Uint8Array<ArrayBuffer>> {
    const { query, range, maxNodes, form, focus, stacks, signal } = request;
    const side = this.#plan(query, range, Date.now());
    const { native, warnings } = await this.#merge(side, { focus, stacks }, signal);
    request.onWarnings?.(warnings);
    const { profileType } = side.selection;
    const meta: Omit<FlameMeta, 'foldedNodes' | 'foldedValue'> = {
      profileType,
      unit: parseProfileType(profileType).sampleUnit,
      ...side.plan.range,
      warnings,
    };
    const task: TreeTask = { native, meta, maxNodes, form, focus };
    return this.#work(task, native, { signal });
  }

  /** @param native is handed over, and empty afterwards */
  async #work(
    task: TreeTask | DiffTask | ExportTask,
    native: Uint8Array<ArrayBuffer>[],
    { signal, ...worker }: { filename?: string; name?: string; signal: AbortSignal | undefined },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const result: WorkerResult = await this.#workers.run(task, {
      ...worker,
      transferList: native.map(({ buffer }) => buffer),
      ...(signal && { signal }),
    });
    if ('error' in result) throw new BunsenError(result.error.code, result.error.message);
    return result;
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
    { focus, stacks }: Narrowing,
    signal: AbortSignal | undefined,
  ): Promise<Merged> {
    const [warnings, native] = await Promise.all([
      checkSelection(this.#store, selection, { signal }),
      this.#store.native(valuedSql(stacksSql(plan, selection), { focus, stacks }), {
        params: {
          ...mergeParams(selection),
          ...(focus && { function: focus.name }),
          ...(stacks && stackSelectorParams(stacks)),
        },
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
function valuedSql(merged: string, { focus, stacks: selector }: Narrowing): string {
  const columns = 'SELECT frames, toFloat64(v) AS v'; // what trees are made of
  const stacks = selector ? selectedStacksSql(merged, selector) : merged;
  if (!focus) return `${columns} FROM (${stacks})`;
  const may = 'arrayExists(frame -> startsWith(frame, {function:String}), frames)';
  // A stack that is missing is the function of that name.
  const missing = focus.name === NO_STACK_FRAME ? 'empty(frames)' : 'false';
  return `${columns} FROM (${stacks}) WHERE ${may} OR ${missing}`;
}
