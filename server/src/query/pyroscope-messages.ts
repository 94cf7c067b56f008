import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
  toJsonString,
} from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type CallTree,
  type DiffTree,
  NO_FRAME,
  nameOfFrame,
  toDiffFlamebearer,
  toFlamebearer,
} from '@bunsen/profile';
import { ProfileSchema } from '@bunsen/proto/google/v1/profile';
import {
  DiffResponseSchema,
  SelectMergeStacktracesResponseSchema,
} from '@bunsen/proto/querier/v1/querier';
import { BunsenError } from '../errors.ts';
import type { AnswerEncoding } from '../rpc.ts';

/** Answers of `querier.v1.QuerierService` as bytes, for workers to make. */

/** A SelectMergeStacktracesResponse. */
export interface TreeMessage {
  kind: 'message';
  format: 'flamegraph' | 'tree';
  encoding: AnswerEncoding;
}

/** A DiffResponse. */
export interface DiffMessage {
  kind: 'message';
  encoding: AnswerEncoding;
}

/** A google.v1.Profile, or a SelectMergeStacktracesResponse around it. */
export interface PprofMessage {
  kind: 'profile' | 'stacktraces';
  encoding: AnswerEncoding;
}

/** @throws BunsenError `PPROF_LIMIT` if a sum does not fit */
export function encodeTreeMessage(tree: CallTree, { format, encoding }: TreeMessage): Uint8Array {
  checkFits(tree.total[0] ?? 0);
  const schema = SelectMergeStacktracesResponseSchema;
  if (format === 'tree') {
    return encodeMessage(schema, create(schema, { tree: treeBytes(tree) }), encoding);
  }
  const { names, levels, numTicks, maxSelf } = toFlamebearer(tree);
  const flamegraph = {
    names,
    levels: levels.map(toLevel),
    total: BigInt(numTicks),
    maxSelf: BigInt(maxSelf),
  };
  return encodeMessage(schema, create(schema, { flamegraph }), encoding);
}

/** @throws BunsenError `PPROF_LIMIT` if a sum does not fit */
export function encodeDiffMessage(tree: DiffTree, { encoding }: DiffMessage): Uint8Array {
  const { names, levels, numTicks, maxSelf, leftTicks, rightTicks } = toDiffFlamebearer(tree);
  checkFits(numTicks);
  const flamegraph = {
    names,
    levels: levels.map(toLevel),
    total: BigInt(numTicks),
    maxSelf: BigInt(maxSelf),
    leftTicks: BigInt(leftTicks),
    rightTicks: BigInt(rightTicks),
  };
  return encodeMessage(DiffResponseSchema, create(DiffResponseSchema, { flamegraph }), encoding);
}

/** @param pprof not gzipped: it is a google.v1.Profile already */
export function encodePprofMessage(
  pprof: Uint8Array,
  { kind, encoding }: PprofMessage,
): Uint8Array {
  if (kind === 'profile') {
    if (encoding === 'protobuf') return pprof;
    return encodeMessage(ProfileSchema, fromBinary(ProfileSchema, pprof), encoding);
  }
  const { field } = SelectMergeStacktracesResponseSchema;
  const wrapped = new BinaryWriter()
    .tag(field.pprof.number, WireType.LengthDelimited)
    .bytes(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(pprof).finish())
    .finish();
  if (encoding === 'protobuf') return wrapped;
  const schema = SelectMergeStacktracesResponseSchema;
  return encodeMessage(schema, fromBinary(schema, wrapped), encoding);
}

/**
 * Pyroscope's tree: in preorder from a root without a name, the last child first, each node its
 * name, self and number of children. Numbers are varints, and so is the length of a name before it.
 */
export function treeBytes({ frames, frame, depth, self }: CallTree): Uint8Array {
  const nodes = depth.length;
  const lastChild = new Int32Array(nodes).fill(-1);
  const previous = new Int32Array(nodes).fill(-1);
  const children = new Uint32Array(nodes);
  const path: number[] = [];
  for (let node = 0; node < nodes; node++) {
    const at = depth[node] as number;
    path[at] = node;
    if (at === 0) continue;
    const parent = path[at - 1] as number;
    previous[node] = lastChild[parent] as number;
    lastChild[parent] = node;
    children[parent] = (children[parent] as number) + 1;
  }
  const writer = new BinaryWriter();
  const open = nodes > 0 ? [0] : [];
  while (open.length > 0) {
    const node = open.pop() as number;
    const code = frame[node] as number;
    writer
      .string(code === NO_FRAME ? '' : nameOfFrame(frames[code] as string))
      .uint64(BigInt.asUintN(64, BigInt(self[node] as number)))
      .uint32(children[node] as number);
    // What is below a node comes before what stands beside it.
    for (const next of [previous[node] as number, lastChild[node] as number]) {
      if (next >= 0) open.push(next);
    }
  }
  return writer.finish();
}

function toLevel(values: number[]): { values: bigint[] } {
  return { values: values.map(BigInt) };
}

function checkFits(total: number): void {
  if (Math.abs(total) < 2 ** 63) return;
  throw new BunsenError(
    'PPROF_LIMIT',
    `the sum of the selection is ${total}; Pyroscope's messages hold less than 2^63: ask for a shorter range`,
  );
}

/** As protobuf or JSON. */
export function encodeMessage<Schema extends DescMessage>(
  schema: Schema,
  message: MessageShape<Schema>,
  encoding: AnswerEncoding,
): Uint8Array {
  return encoding === 'protobuf'
    ? toBinary(schema, message)
    : new TextEncoder().encode(toJsonString(schema, message));
}
