/** Worker: merged stacks in, the bytes of an answer out. */
import {
  CallTreeBuilder,
  callTreeOf,
  type DiffMeta,
  diffToJson,
  diffTreeOf,
  encodeFlame,
  encodeFlameDiff,
  type FlameMeta,
  flameToJson,
  toDiffFlamebearer,
  toFlamebearer,
} from '@bunsen/profile';
import { type Focus, focusStacks } from './focus.ts';
import { readStacks, roundingWarnings, stacksIn } from './merged-stacks.ts';
import {
  type DiffMessage,
  encodeDiffMessage,
  encodeTreeMessage,
  type TreeMessage,
} from './pyroscope-messages.ts';
import { type WorkerResult, workerResult } from './worker-result.ts';

/** Of Bunsen's own API. */
export type OwnForm = { kind: 'binary' } | { kind: 'json' };

/** `render` is Pyroscope's answer over HTTP: what stands beside the flamebearer comes from the asker. */
export type TreeForm =
  | OwnForm
  | { kind: 'render'; envelope: Record<string, unknown> }
  | TreeMessage;

export interface TreeTask {
  /** (frames, v) in Native format, in pieces that were cut anywhere. */
  native: Uint8Array[];
  meta: Omit<FlameMeta, 'foldedNodes' | 'foldedValue'>;
  maxNodes: number;
  form: TreeForm;
  /** Only what is around a function, instead of everything. */
  focus: Focus | undefined;
}

export default function buildTree(task: TreeTask): WorkerResult {
  return workerResult(() => encodeTree(task));
}

function encodeTree({ native, meta, maxNodes, form, focus }: TreeTask): Uint8Array {
  const builder = new CallTreeBuilder({ stacks: stacksIn([native]) });
  for (const merged of readStacks(native)) {
    const { stacks, values } = focus ? focusStacks(merged, focus) : merged;
    builder.add(stacks, values);
  }
  const cut = builder.cut(maxNodes);
  const tree = callTreeOf(cut);
  const { foldedNodes, foldedValue } = cut;
  const warnings = [...meta.warnings, ...roundingWarnings(tree.total)];
  const flame = { meta: { ...meta, foldedNodes, foldedValue, warnings }, tree };
  switch (form.kind) {
    case 'binary':
      return encodeFlame(flame);
    case 'json':
      return bytesOfJson(flameToJson(flame));
    case 'render':
      return bytesOfJson({ version: 1, flamebearer: toFlamebearer(tree), ...form.envelope });
    case 'message':
      return encodeTreeMessage(tree, form);
  }
}

export interface DiffTask {
  /** Of each side: (frames, v) in Native format, in pieces. */
  native: [left: Uint8Array[], right: Uint8Array[]];
  meta: Omit<DiffMeta, 'foldedNodes' | 'foldedValue'>;
  maxNodes: number;
  form: DiffForm;
}

export type DiffForm = Exclude<TreeForm, TreeMessage> | DiffMessage;

/** The second entry of this worker: two sides in, one tree out. Equal stacks make equal nodes. */
export function buildDiff(task: DiffTask): WorkerResult {
  return workerResult(() => encodeDiff(task));
}

function encodeDiff({ native, meta, maxNodes, form }: DiffTask): Uint8Array {
  const builder = new CallTreeBuilder({ sides: 2, stacks: stacksIn(native) });
  native.forEach((bytes, side) => {
    for (const { stacks, values } of readStacks(bytes)) builder.add(stacks, values, side);
  });
  const cut = builder.cut(maxNodes);
  const tree = diffTreeOf(cut);
  const { foldedNodes, foldedValue } = cut;
  const warnings = [...meta.warnings, ...roundingWarnings(tree.left.total, tree.right.total)];
  const diff = { ...meta, foldedNodes, foldedValue, warnings };
  switch (form.kind) {
    case 'binary':
      return encodeFlameDiff({ meta: diff, tree });
    case 'json':
      return bytesOfJson({ ...diff, ...diffToJson(tree) });
    case 'render': {
      const { leftTicks, rightTicks, ...flamebearer } = toDiffFlamebearer(tree);
      return bytesOfJson({ version: 1, flamebearer, ...form.envelope, leftTicks, rightTicks });
    }
    case 'message':
      return encodeDiffMessage(tree, form);
  }
}

function bytesOfJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
