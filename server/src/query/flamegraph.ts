import type { MessagePort, TransferListItem } from 'node:worker_threads';
import { NO_STACK_FRAME, parseProfileType, SLOT_MS } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { rawMsOf } from '../store/retention.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import { WorkerPool } from '../worker-pool.ts';
import { Admission } from './admission.ts';
import type { ExportTask } from './export-worker.ts';
import type { ExportForm } from './exports/export-form.ts';
import type { Focus } from './focus.ts';
import { type MergePlan, mergeParams, planMerge, STACK_ROLLUPS, stacksSql } from './merge-plan.ts';
import { type StackPart, sendParts } from './part-channel.ts';
import { isAny, type SampleSelector } from './sample-selector.ts';
import { checkSelection, type Selection, selectionOf } from './selection.ts';
import { PART_STACKS, type ServiceParts, serviceParts } from './service-parts.ts';
import {
  regexesOf,
  type StackSelector,
  selectedStacksSql,
  stackConditionParams,
} from './stack-selector.ts';
import type { DiffForm, DiffTask, TreeForm, TreeTask } from './tree-worker.ts';
import type { WorkerResult } from './worker-result.ts';

/** Told what the reader should know, for forms that have no place for it. */
type OnWarnings = (warnings: string[]) => void;

/** Which stacks are merged. */
export interface StackSelection {
  /** `type{matchers}`. */
  query: string;
  range: TimeRange;
  /** Only some stacks. */
  stacks?: StackSelector | undefined;
  /** Only some samples. */
  samples?: SampleSelector | undefined;
}

export interface FlamegraphRequest extends StackSelection {
  /** Nodes of the answer; what is cut is summed up in nodes named `other`. */
  maxNodes: number;
  form: TreeForm;
  /** Only the callers or callees of a function. */
  focus?: Focus;
  onWarnings?: OnWarnings;
  signal?: AbortSignal;
}

export interface DiffRequest {
  left: StackSelection;
  right: StackSelection;
  maxNodes: number;
  form: DiffForm;
  onWarnings?: OnWarnings;
  signal?: AbortSignal;
}

export interface ExportRequest extends StackSelection {
  form: ExportForm;
  onWarnings?: OnWarnings;
  signal?: AbortSignal;
}

const EXPORT_WORKER = new URL('./export-worker.js', import.meta.url).href;

/** What is wanted of the stacks of a selection; undefined = all. */
interface Narrowing {
  focus?: Focus | undefined;
  stacks?: StackSelector | undefined;
  /** Sums to the last unit as well: they are rounded beyond 2^53. */
  exact?: boolean;
}

/** A selection over the range of its plan. */
interface Side extends Narrowing {
  selection: Selection;
  plan: MergePlan;
  nowMs: number;
}

/** Merged flame graphs: stacks are summed in SQL, and become a tree in a worker. */
export class FlamegraphQuery {
  readonly #store: Store;
  readonly #status: RollupStatus;
  readonly #workers: WorkerPool<TreeTask | DiffTask | ExportTask, WorkerResult>;
  readonly #admission: Admission;
  readonly #partStacks: number;

  /** @param options.partStacks stacks that are fetched at once, about */
  constructor(
    store: Store,
    status: RollupStatus,
    options: { threads: number; partStacks?: number },
  ) {
    this.#store = store;
    this.#status = status;
    this.#partStacks = options.partStacks ?? PART_STACKS;
    // One more than there are workers: its stacks are fetched while the others' trees are built.
    this.#admission = new Admission({ running: options.threads + 1, waiting: 32 });
    this.#workers = new WorkerPool({
      filename: new URL('./tree-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: options.threads,
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
      const sides = [left, right].map((side) => this.#plan(side, nowMs));
      const [{ selection }, { selection: other }] = sides as [Side, Side];
      if (selection.profileType !== other.profileType) {
        throw new BunsenError(
          'PARAMETER_INVALID',
          `left is of ${selection.profileType} and right of ${other.profileType}: only profiles of one type can be compared`,
        );
      }
      const meta: DiffTask['meta'] = {
        profileType: selection.profileType,
        unit: parseProfileType(selection.profileType).sampleUnit,
        left: selection.range,
        right: other.range,
        warnings: await this.#warnings(sides, signal),
      };
      onWarnings?.(meta.warnings);
      return this.#build(
        sides,
        (port, stacks): DiffTask => ({ port, stacks, meta, maxNodes, form }),
        { name: 'buildDiff', signal },
      );
    }, signal);
  }

  /**
   * A selection as a file for other tools.
   * @throws ProfileError or BunsenError as {@link run}, `QUERY_MEMORY_LIMIT` also if it is too large
   */
  async export(request: ExportRequest): Promise<Uint8Array<ArrayBuffer>> {
    const { query, form, signal } = request;
    return this.#admission.run(async () => {
      const side = this.#plan(request, Date.now());
      // Not in parts: a stack that two services have is one sample of the file.
      const [warnings, native] = await Promise.all([
        this.#warnings([side], signal),
        this.#stacks({ ...side, exact: form.format === 'pprof' }, side.selection, signal),
      ]);
      request.onWarnings?.(warnings);
      const profileType = parseProfileType(side.selection.profileType);
      const task: ExportTask = {
        native,
        subject: { query, profileType, range: side.plan.range, warnings },
        form,
      };
      const transferList = native.map(({ buffer }) => buffer);
      return this.#work(task, { filename: EXPORT_WORKER, transferList, signal });
    }, signal);
  }

  async #tree(request: FlamegraphRequest): Promise<Uint8Array<ArrayBuffer>> {
    const { maxNodes, form, focus, signal } = request;
    const side: Side = { ...this.#plan(request, Date.now()), focus };
    const { profileType } = side.selection;
    const meta: TreeTask['meta'] = {
      profileType,
      unit: parseProfileType(profileType).sampleUnit,
      ...side.plan.range,
      warnings: await this.#warnings([side], signal),
    };
    request.onWarnings?.(meta.warnings);
    return this.#build(
      [side],
      (port, stacks): TreeTask => ({ port, stacks, meta, maxNodes, form, focus }),
      { signal },
    );
  }

  /** A tree of all sides, whose stacks are handed to a worker part by part. */
  async #build(
    sides: Side[],
    taskOf: (port: MessagePort, stacks: number) => TreeTask | DiffTask,
    { signal, ...worker }: { name?: string; signal: AbortSignal | undefined },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const read = { signal };
    const parts = await Promise.all(
      sides.map(({ selection }) => serviceParts(this.#store, selection, this.#partStacks, read)),
    );
    const stacks = parts.reduce((sum, part) => sum + part.stacks, 0);
    return sendParts(this.#fetch(sides, parts, signal), (port) =>
      this.#work(taskOf(port, stacks), { ...worker, transferList: [port], signal }),
    );
  }

  /** One part after the other: a comparison is to take no more of the store than a flame graph. */
  async *#fetch(
    sides: Side[],
    parts: ServiceParts[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<StackPart> {
    for (const [side, { selections }] of parts.entries()) {
      for (const selection of selections) {
        yield { side, native: await this.#stacks(sides[side] as Side, selection, signal) };
      }
    }
  }

  async #work(
    task: TreeTask | DiffTask | ExportTask,
    options: {
      filename?: string;
      name?: string;
      transferList: TransferListItem[];
      signal: AbortSignal | undefined;
    },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { signal, ...worker } = options;
    const result: WorkerResult = await this.#workers.run(task, {
      ...worker,
      ...(signal && { signal }),
    });
    if ('error' in result) throw new BunsenError(result.error.code, result.error.message);
    return result;
  }

  #plan({ query, range, stacks, samples = {} }: StackSelection, nowMs: number): Side {
    const asked = selectionOf(query, range, true);
    const rollups = asked.labels === '' && isAny(samples) ? STACK_ROLLUPS : [];
    const plan = planMerge(range, {
      rollups,
      slotMs: SLOT_MS,
      status: this.#status,
      nowMs,
      rawMs: rawMsOf(this.#store.retention),
    });
    const regexes = [...asked.regexes, ...(stacks ? regexesOf(stacks) : [])];
    return { selection: { ...asked, range: plan.range, samples, regexes }, plan, nowMs, stacks };
  }

  /** What the reader should know about the selections, each once. */
  async #warnings(sides: Side[], signal: AbortSignal | undefined): Promise<string[]> {
    const { retention } = this.#store;
    const warnings = await Promise.all(
      sides.map(async ({ selection, plan, nowMs }) => {
        const found = await checkSelection(this.#store, selection, { signal });
        const bySample = selection.labels !== '' || !isAny(selection.samples);
        if (bySample && plan.range.fromMs < nowMs - rawMsOf(retention)) {
          found.push(
            `samples by label, span and profile are kept for ${retention.rawDays} days: what is older is missing here, and is there without matchers other than service_name`,
          );
        }
        return found;
      }),
    );
    return [...new Set(warnings.flat())];
  }

  /**
   * @param selection the side's, or a part of it
   * @returns (frames, v[, exact]) in Native format, in pieces that can be handed to a worker without a copy
   */
  async #stacks(
    { plan, ...narrowing }: Side,
    selection: Selection,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    const { focus, stacks } = narrowing;
    return this.#store.native(valuedSql(stacksSql(plan, selection), narrowing), {
      params: {
        ...mergeParams(selection),
        ...(focus && { function: focus.name }),
        ...(stacks && stackConditionParams(stacks)),
      },
      signal,
    });
  }

  async close(): Promise<void> {
    await this.#workers.end();
  }
}

/**
 * SELECT of (frames, v) for the worker. Leaves out most stacks without the function that is asked
 * for; the worker leaves out the rest.
 */
function valuedSql(merged: string, { focus, stacks: selector, exact }: Narrowing): string {
  const sum = exact ? 'toFloat64(s) AS v, toInt64(s) AS exact' : 'toFloat64(s) AS v';
  const columns = `SELECT frames, ${sum}`;
  const selected = selector ? selectedStacksSql(merged, selector) : merged;
  const stacks = `SELECT frames, v AS s FROM (${selected})`;
  if (!focus) return `${columns} FROM (${stacks})`;
  const may = 'arrayExists(frame -> startsWith(frame, {function:String}), frames)';
  // A stack that is missing is the function of that name.
  const missing = focus.name === NO_STACK_FRAME ? 'empty(frames)' : 'false';
  return `${columns} FROM (${stacks}) WHERE ${may} OR ${missing}`;
}
