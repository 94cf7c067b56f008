/** Worker: merged stacks in, the bytes of an answer out. */
import type { MessagePort } from 'node:worker_threads';
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
import { readStacks, roundingWarnings } from './merged-stacks.ts';
import { receiveParts } from './part-channel.ts';
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
  /** Where the merged stacks come from: `receiveParts`. */
  port: MessagePort;
  /** About how many; 0 = not known. */
  stacks: number;
  meta: Omit<FlameMeta, 'foldedNodes' | 'foldedValue'>;
  maxNodes: number;
  form: TreeForm;
  /** Only what is around a function, instead of everything. */
  focus: Focus | undefined;
}

export default function buildTree(task: TreeTask): Promise<WorkerResult> {
  return workerResult(() => encodeTree(task));
}

async function encodeTree(task: TreeTask): Promise<Uint8Array> {
  const { port, meta, maxNodes, form, focus } = task;
  const builder = new CallTreeBuilder({ stacks: task.stacks });
  for await (const { native } of receiveParts(port)) {
    for (const merged of readStacks(native)) {
      const { stacks, values } = focus ? focusStacks(merged, focus) : merged;
      builder.add(stacks, values);
    }
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
  /** Where the merged stacks of both sides come from: `receiveParts`. */
  port: MessagePort;
  /** About how many; 0 = not known. */
  stacks: number;
  meta: Omit<DiffMeta, 'foldedNodes' | 'foldedValue'>;
  maxNodes: number;
  form: DiffForm;
}

export type DiffForm = Exclude<TreeForm, TreeMessage> | DiffMessage;

/** The second entry of this worker: two sides in, one tree out. Equal stacks make equal nodes. */
export function buildDiff(task: DiffTask): Promise<WorkerResult> {
  return workerResult(() => encodeDiff(task));
}

async function encodeDiff({ port, stacks, meta, maxNodes, form }: DiffTask): Promise<Uint8Array> {
  const builder = new CallTreeBuilder({ sides: 2, stacks });
  for await (const { side, native } of receiveParts(port)) {
    for (const { stacks, values } of readStacks(native)) builder.add(stacks, values, side);
  }
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
