/** Worker: an uploaded file in, the message with its flame graph out. */
import { create } from '@bufbuild/protobuf';
import {
  CallTreeBuilder,
  callTreeOf,
  functionOfFrame,
  parseProfileType,
  toFlamebearer,
} from '@bunsen/profile';
import { AdHocProfilesGetResponseSchema } from '@bunsen/proto/adhocprofiles/v1/adhocprofiles';
import { asBunsenError, BunsenError } from '../errors.ts';
import type { IngestLimits } from '../ingest/limits.ts';
import { encodeMessage } from '../query/pyroscope-messages.ts';
import { renderMetadata } from '../query/render-metadata.ts';
import { type WorkerResult, workerResult } from '../query/worker-result.ts';
import type { AnswerEncoding } from '../rpc.ts';
import { decodeUpload, type UploadedType } from './uploaded-file.ts';

export interface AdHocTask {
  id: string;
  name: string;
  /** Milliseconds since 1970. */
  uploadedMs: number;
  /** The file in base64. */
  file: string;
  /** Empty = the first. */
  profileType: string;
  maxNodes: number;
  limits: IngestLimits;
  encoding: AnswerEncoding;
}

export default function showUpload(task: AdHocTask): Promise<WorkerResult> {
  return workerResult(() => {
    try {
      return encodeUpload(task);
    } catch (error) {
      throw asBunsenError(error) ?? error;
    }
  });
}

function encodeUpload({ id, name, uploadedMs, maxNodes, ...task }: AdHocTask): Uint8Array {
  const types = decodeUpload(bytesOf(task.file), task.limits);
  const type =
    task.profileType === '' ? types[0] : types.find(({ name }) => name === task.profileType);
  const names = types.map(({ name }) => name);
  if (!type) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `profile_type=${task.profileType} is none of ${names.join(', ')}`,
    );
  }
  const flamebearerProfile = JSON.stringify({
    version: 1,
    flamebearer: toFlamebearer(treeOf(type, maxNodes)),
    metadata: renderMetadata(parseProfileType(type.profileType), 'single'),
    timeline: null,
    groups: null,
    heatmap: null,
  });
  const schema = AdHocProfilesGetResponseSchema;
  const message = create(schema, {
    id,
    name,
    uploadedAt: BigInt(uploadedMs),
    profileType: type.name,
    profileTypes: names,
    flamebearerProfile,
  });
  return encodeMessage(schema, message, task.encoding);
}

/** Lines and files of one function are one frame, as in every flame graph. */
function treeOf({ columns }: UploadedType, maxNodes: number) {
  const builder = new CallTreeBuilder();
  for (const { profile, index } of columns) {
    const { stackOffsets, sampleStack, sampleValues, sampleTypes } = profile;
    const values = new Float64Array(stackOffsets.length - 1);
    sampleStack.forEach((stack, sample) => {
      const value = sampleValues[sample * sampleTypes.length + index] as bigint;
      values[stack] = (values[stack] as number) + Number(value);
    });
    builder.add({ ...profile, frames: profile.frames.map(functionOfFrame) }, values);
  }
  return callTreeOf(builder.cut(maxNodes));
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
