import type { Compression } from '@connectrpc/connect/protocol';
import { BunsenError } from './errors.ts';

/** The message of a call as it came, inflated. */
export interface RawMessage {
  bytes: Uint8Array;
  encoding: 'protobuf' | 'json';
  /** Memory that it takes beside the body: none if it is a part of that. */
  ownBytes: number;
}

/** Flags of an envelope of gRPC, and the length of what follows it. */
const ENVELOPE_BYTES = 5;
const COMPRESSED = 1;

/**
 * Takes the message out of the body of a unary call, and puts an empty one there: a large message is
 * read in a worker, with limits. As objects, of which two bytes can make one, those of a body of some
 * megabytes are more than a process may hold.
 * @throws BunsenError `BODY_MALFORMED`, and what `decompress` throws
 */
export async function takeMessage(
  body: Uint8Array,
  headers: Headers,
  { name, compress, decompress }: Compression,
  readMaxBytes: number,
): Promise<{ message: RawMessage; emptied: Uint8Array }> {
  const type = (headers.get('content-type') ?? '').toLowerCase();
  const encoding = type.includes('json') ? 'json' : 'protobuf';
  const empty = Buffer.from(encoding === 'json' ? '{}' : '');
  const isEnveloped = type.startsWith('application/grpc');
  const declared = headers.get(isEnveloped ? 'grpc-encoding' : 'content-encoding');
  const inflate = async (bytes: Uint8Array) => {
    if (declared === name) return decompress(bytes as Uint8Array<ArrayBuffer>, readMaxBytes);
    throw malformed(
      `it is compressed by ${declared ?? 'nothing that is named'}, and not by ${name}`,
    );
  };
  if (!isEnveloped) {
    if (declared === null || declared === 'identity') {
      return { message: { bytes: body, encoding, ownBytes: 0 }, emptied: empty };
    }
    const bytes = await inflate(body);
    const message = { bytes, encoding, ownBytes: bytes.length } as const;
    return { message, emptied: await compress(empty) };
  }
  const flags = body[0] ?? 0;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const isWhole =
    body.length >= ENVELOPE_BYTES && view.getUint32(1) === body.length - ENVELOPE_BYTES;
  if (!isWhole || flags > COMPRESSED) {
    throw malformed(`${body.length} bytes are not one message of gRPC with its length in front`);
  }
  const sent = body.subarray(ENVELOPE_BYTES);
  const isCompressed = flags === COMPRESSED && sent.length > 0;
  const bytes = isCompressed ? await inflate(sent) : sent;
  const emptied = Buffer.concat([Buffer.from([0, 0, 0, 0, empty.length]), empty]);
  return { message: { bytes, encoding, ownBytes: isCompressed ? bytes.length : 0 }, emptied };
}

function malformed(what: string): BunsenError {
  return new BunsenError('BODY_MALFORMED', `the message cannot be read: ${what}`);
}
