import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';

const LARGE_BYTES = 1 << 20;
const PIECE_BYTES = 1 << 16;

/**
 * Sends large replies piece by piece: what compresses them copies the first piece that it is given,
 * and with 40 MB at once the event loop would wait for that. To be called before compression is added.
 */
export function sendInPieces(fastify: FastifyInstance): void {
  fastify.addHook('onSend', async (_request, reply, payload) => {
    if (!(payload instanceof Uint8Array) || payload.length <= LARGE_BYTES) return payload;
    reply.header('content-length', payload.length);
    return Readable.from(piecesOf(payload), { objectMode: false });
  });
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}
