import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { BunsenError } from './errors.ts';

/** What a body is held to while it is read. */
export interface BodyLimit {
  /** Bytes as sent. */
  bytes: number;
  /** @param sent as far as it is known */
  tooLarge: (sent?: number) => BunsenError;
  /** Called with the length of what arrives; what it throws ends the reading. */
  onBytes?: (length: number) => void;
}

/** Routes of this scope read their bodies themselves, within their limits, and Fastify does not. */
export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
}

/**
 * A whole body within the limit; one that announces more is refused before a byte is read. Not `for
 * await`: leaving such a loop early closes the connection, and the reply with it.
 * @throws BunsenError as `tooLarge` makes it, or `BODY_MALFORMED` if it is cut off
 */
export async function collectBody(
  request: IncomingMessage,
  { bytes, tooLarge, onBytes }: BodyLimit,
): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > bytes) throw tooLarge(declared);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let refused = false;
    request.on('data', (chunk: Buffer) => {
      if (refused) return;
      try {
        length += chunk.length;
        if (length > bytes) throw tooLarge();
        onBytes?.(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        refused = true;
        chunks.length = 0;
        reject(error);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => {
      reject(new BunsenError('BODY_MALFORMED', 'the connection ended before the body did'));
    });
  });
}
