import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BunsenError } from '../errors.ts';
import type { Ingester } from './ingester.ts';

export interface Body {
  /** As sent. */
  bytes: Buffer;
  /** By its Content-Encoding; a pprof may be gzipped besides. */
  gzipped: boolean;
}

/**
 * Reads a body within the limits and hands it to `use`; a Content-Length beyond them is refused
 * before a byte is read. The room that it takes counts until `use` is done.
 * @throws BunsenError `BODY_TOO_LARGE`, `INGEST_BUSY`, `CONTENT_TYPE_UNSUPPORTED`, `BODY_MALFORMED`
 */
export async function withBody<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  ingester: Ingester,
  use: (body: Body) => Promise<T>,
): Promise<T> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new BunsenError(
      'CONTENT_TYPE_UNSUPPORTED',
      `Content-Encoding ${encoding} is not supported: send gzip, or none`,
    );
  }
  return withRoom(request, reply, ingester, async () => {
    const bytes = await collect(request.raw, ingester.limits.bodyBytes);
    return use({ bytes, gzipped: encoding === 'gzip' });
  });
}

/** Holds the room that the request's body takes, for as long as `use` runs. */
export async function withRoom<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  ingester: Ingester,
  use: () => Promise<T>,
): Promise<T> {
  const limit = ingester.limits.bodyBytes;
  const declared = Number(request.headers['content-length'] ?? 0);
  let release = () => {};
  try {
    if (declared > limit) throw bodyTooLarge(limit, declared);
    // Without a length, room for the largest: it is not known how much will come.
    release = ingester.reserve(declared || limit);
    return await use();
  } catch (error) {
    if (!request.raw.readableEnded) {
      // The rest of the body is not wanted; it is let through so that the client reads the reply.
      reply.header('connection', 'close');
      request.raw.resume();
    }
    throw error;
  } finally {
    release();
  }
}

/** Not `for await`: leaving such a loop early closes the connection, and the reply with it. */
function collect(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(bodyTooLarge(limit));
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => {
      reject(new BunsenError('BODY_MALFORMED', 'the connection ended before the body did'));
    });
  });
}

export function bodyTooLarge(limit: number, sent?: number): BunsenError {
  return new BunsenError(
    'BODY_TOO_LARGE',
    `the body has ${sent === undefined ? '' : `${sent} bytes, `}more than ${limit} bytes (BUNSEN_MAX_BODY_BYTES): send shorter windows, compress them, or raise the limit`,
  );
}
