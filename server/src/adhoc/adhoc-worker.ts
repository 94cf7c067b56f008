/** Worker: one uploaded file in, or two, the message with their flame graph out. */
import { create } from '@bufbuild/protobuf';
import {
  CallTreeBuilder,
  callTreeOf,
  diffTreeOf,
  functionOfFrame,
  parseProfileType,
  toDiffFlamebearer,
  toFlamebearer,
} from '@bunsen/profile';
import {
  AdHocProfilesDiffResponseSchema,
  AdHocProfilesGetResponseSchema,
} from '@bunsen/proto/adhocprofiles/v1/adhocprofiles';
import { asBunsenError, BunsenError } from '../errors.ts';
import type { IngestLimits } from '../ingest/limits.ts';
import { encodeMessage } from '../query/pyroscope-messages.ts';
import { renderMetadata } from '../query/render-metadata.ts';
import { type WorkerResult, workerResult } from '../query/worker-result.ts';
import type { AnswerEncoding } from '../rpc.ts';
import { decodeUpload, type UploadedType } from './uploaded-file.ts';

/** A file as it is kept. */
export interface AdHocFile {
  id: string;
  name: string;
  /** Milliseconds since 1970. */
  uploadedMs: number;
  /** In base64. */
  file: string;
}

/** How a file, or two beside each other, are to be shown. */
export interface AdHocView {
  /** Empty = the first. */
  profileType: string;
  maxNodes: number;
  encoding: AnswerEncoding;
}

export interface AdHocTask {
  /** One to show, or two to compare. */
  files: [AdHocFile] | [left: AdHocFile, right: AdHocFile];
  view: AdHocView;
  limits: IngestLimits;
}

/** @returns an AdHocProfilesGetResponse, or of two files an AdHocProfilesDiffResponse */
export default function showUpload({ files, view, limits }: AdHocTask): Promise<WorkerResult> {
  return workerResult(() => {
    try {
      const [file, right] = files;
      return right ? encodeDiff([file, right], view, limits) : encodeUpload(file, view, limits);
    } catch (error) {
      throw asBunsenError(error) ?? error;
    }
  });
}

function encodeUpload(file: AdHocFile, view: AdHocView, limits: IngestLimits): Uint8Array {
  const { id, name, uploadedMs } = file;
  const types = decodeUpload(bytesOf(file.file), limits);
  const type = chosen(types, view);
  const builder = new CallTreeBuilder();
  addTo(builder, type, 0);
  const flamebearer = toFlamebearer(callTreeOf(builder.cut(view.maxNodes)));
  const schema = AdHocProfilesGetResponseSchema;
  const message = create(schema, {
    id,
    name,
    uploadedAt: BigInt(uploadedMs),
    profileType: type.name,
    profileTypes: types.map(({ name }) => name),
    flamebearerProfile: rendered({ flamebearer }, type, 'single'),
  });
  return encodeMessage(schema, message, view.encoding);
}

function encodeDiff(
  files: [left: AdHocFile, right: AdHocFile],
  view: AdHocView,
  limits: IngestLimits,
): Uint8Array {
  const [left, right] = files.map(({ file }) => decodeUpload(bytesOf(file), limits)) as [
    UploadedType[],
    UploadedType[],
  ];
  const isSame = (one: UploadedType, other: UploadedType) =>
    one.name === other.name && unitOf(one) === unitOf(other);
  const common = left.filter((one) => right.some((other) => isSame(one, other)));
  if (common.length === 0) {
    const typesOf = (side: UploadedType[]) =>
      side.map((type) => `${type.name} in ${unitOf(type)}`).join(', ');
    throw new BunsenError(
      'PARAMETER_CONTRADICTION',
      `the two files have no type in common: left_id has ${typesOf(left)}, right_id has ${typesOf(right)}`,
    );
  }
  const type = chosen(common, view);
  const builder = new CallTreeBuilder({ sides: 2 });
  addTo(builder, type, 0);
  addTo(builder, right.find((other) => isSame(type, other)) as UploadedType, 1);
  const tree = diffTreeOf(builder.cut(view.maxNodes));
  const { leftTicks, rightTicks, ...flamebearer } = toDiffFlamebearer(tree);
  const schema = AdHocProfilesDiffResponseSchema;
  const message = create(schema, {
    profileTypes: common.map(({ name }) => name),
    flamebearerProfile: rendered({ flamebearer, leftTicks, rightTicks }, type, 'double'),
  });
  return encodeMessage(schema, message, view.encoding);
}

/** @throws BunsenError `PARAMETER_INVALID` with the types that there are */
function chosen(types: UploadedType[], { profileType }: AdHocView): UploadedType {
  const type = profileType === '' ? types[0] : types.find(({ name }) => name === profileType);
  if (type) return type;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `profile_type=${profileType} is none of ${types.map(({ name }) => name).join(', ')}`,
  );
}

function unitOf({ profileType }: UploadedType): string {
  return parseProfileType(profileType).sampleUnit;
}

/** What Pyroscope's viewers draw. */
function rendered(
  graph: object,
  { profileType }: UploadedType,
  format: 'single' | 'double',
): string {
  return JSON.stringify({
    version: 1,
    ...graph,
    metadata: renderMetadata(parseProfileType(profileType), format),
    timeline: null,
    groups: null,
    heatmap: null,
  });
}

/** Lines and files of one function are one frame, as in every flame graph. */
function addTo(builder: CallTreeBuilder, { columns }: UploadedType, side: number): void {
  for (const { profile, index } of columns) {
    const { stackOffsets, sampleStack, sampleValues, sampleTypes } = profile;
    const values = new Float64Array(stackOffsets.length - 1);
    sampleStack.forEach((stack, sample) => {
      const value = sampleValues[sample * sampleTypes.length + index] as bigint;
      values[stack] = (values[stack] as number) + Number(value);
    });
    builder.add({ ...profile, frames: profile.frames.map(functionOfFrame) }, values, side);
  }
}

function bytesOf(base64: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw new BunsenError(
      'BODY_MALFORMED',
      'profile is not base64, of [A-Za-z0-9+/] with = at its end',
    );
  }
  return Buffer.from(base64, 'base64');
}
