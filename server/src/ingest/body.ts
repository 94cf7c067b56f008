import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BunsenError } from '../errors.ts';
import { collectBody } from '../request-body.ts';
import type { Ingester, Room } from './ingester.ts';

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
  return withRoom(request, reply, ingester, async (room) => {
    const bytes = await collect(request.raw, ingester.limits.bodyBytes, room);
    return use({ bytes, gzipped: encoding === 'gzip' });
  });
}

/**
 * Gives `use` room for the request's body, and takes it back when that is done. A body that is too
 * large, or that would not find room now, is refused before a byte is read; but room is only taken
 * by what has arrived, or a few clients that announce much and send nothing would keep out all others.
 */
export async function withRoom<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  ingester: Ingester,
  use: (room: Room) => Promise<T>,
): Promise<T> {
  const room = ingester.room();
  try {
    checkDeclared(request, ingester.limits.bodyBytes, room);
    return await use(room);
  } catch (error) {
    if (!request.raw.readableEnded) {
      // The rest of the body is not wanted; it is let through so that the client reads the reply.
      if (request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
      request.raw.resume();
    }
    throw error;
  } finally {
    room.release();
  }
}

/** Reads a body within the limits; what has arrived takes room. */
export async function readBody(
  request: FastifyRequest,
  ingester: Ingester,
  room: Room,
): Promise<Buffer> {
  checkDeclared(request, ingester.limits.bodyBytes, room);
  return collect(request.raw, ingester.limits.bodyBytes, room);
}

function checkDeclared(request: FastifyRequest, limit: number, room: Room): void {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw bodyTooLarge(limit, declared);
  room.check(declared);
}

function collect(request: IncomingMessage, limit: number, room: Room): Promise<Buffer> {
  const tooLarge = (sent?: number) => bodyTooLarge(limit, sent);
  return collectBody(request, { bytes: limit, tooLarge, onBytes: (length) => room.grow(length) });
}

export function bodyTooLarge(limit: number, sent?: number): BunsenError {
  return new BunsenError(
    'BODY_TOO_LARGE',
    `the body has ${sent === undefined ? '' : `${sent} bytes, `}more than ${limit} bytes (BUNSEN_MAX_BODY_BYTES): send shorter windows, compress them, or raise the limit`,
  );
}
