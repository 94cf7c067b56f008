import { type FlameMeta, NO_STACK_FRAME, parseProfileType } from '@bunsen/profile';
import { Piscina } from 'piscina';
import type { Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import { Admission } from './admission.ts';
import type { Focus } from './focus.ts';
import { mergeParams, planMerge, RAW_MS, stacksSql } from './merge-plan.ts';
import { checkSelection, selectionOf } from './selection.ts';
import type { TreeForm, TreeTask } from './tree-worker.ts';

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

/** Merged flame graphs: stacks are summed in SQL, and become a tree in a worker. */
export class FlamegraphQuery {
  readonly #store: Store;
  readonly #workers: Piscina<TreeTask, Uint8Array>;
  readonly #admission: Admission;

  constructor(store: Store, options: { threads: number }) {
    this.#store = store;
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
    return this.#admission.run(() => this.#merge(request), request.signal);
  }

  async #merge(request: FlamegraphRequest): Promise<Uint8Array> {
    const { query, range, maxNodes, form, focus, signal } = request;
    const nowMs = Date.now();
    const asked = selectionOf(query, range, true);
    const bySeries = asked.labels !== '';
    const plan = planMerge(range, bySeries, nowMs);
    const selection = { ...asked, range: plan.range };
    const [warnings, blocks] = await Promise.all([
      checkSelection(this.#store, selection, { signal }),
      this.#store.native(focusSql(stacksSql(plan, selection), focus), {
        params: { ...mergeParams(selection), ...(focus && { function: focus.name }) },
        signal,
      }),
    ]);
    if (bySeries && plan.range.fromMs < nowMs - RAW_MS) {
      warnings.push(
        `samples by label are kept for ${RAW_MS / 86_400_000} days: what is older is missing here, and is there without matchers other than service_name`,
      );
    }
    const meta: Omit<FlameMeta, 'foldedNodes' | 'foldedValue'> = {
      profileType: selection.profileType,
      unit: parseProfileType(selection.profileType).sampleUnit,
      ...plan.range,
      warnings,
    };
    const bytes = transferable(blocks);
    return this.#workers.run(
      { blocks: bytes, meta, maxNodes, form, focus },
      { transferList: [bytes.buffer], ...(signal && { signal }) },
    );
  }

  async close(): Promise<void> {
    await this.#workers.close({ force: true });
  }
}

/** Leaves out most stacks without the function; the worker leaves out the rest. */
function focusSql(stacks: string, focus: Focus | undefined): string {
  if (!focus) return stacks;
  const may = 'arrayExists(frame -> startsWith(frame, {function:String}), frames)';
  // A stack that is missing is the function of that name.
  const missing = focus.name === NO_STACK_FRAME ? 'empty(frames)' : 'false';
  return `SELECT frames, v FROM (${stacks}) WHERE ${may} OR ${missing}`;
}

/** A buffer of its own, which can be handed to a worker without a copy where it has one already. */
function transferable(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength) {
    return new Uint8Array(buffer);
  }
  return new Uint8Array(bytes);
}
