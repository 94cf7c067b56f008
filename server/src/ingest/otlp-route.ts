import { IDEMPOTENCY_KEY } from '@bunsen/profile';
import type { FastifyInstance } from 'fastify';
import { BunsenError } from '../errors.ts';
import { readParams } from '../params.ts';
import { withBody } from './body.ts';
import type { Ingester } from './ingester.ts';
import { idempotencyKey } from './push-route.ts';

const ENCODINGS: Record<string, 'protobuf' | 'json'> = {
  'application/x-protobuf': 'protobuf',
  'application/protobuf': 'protobuf',
  'application/json': 'json',
};

/** `POST /v1development/profiles`: OpenTelemetry's profiles over HTTP, protobuf or JSON. */
export function otlpRoute(app: FastifyInstance, ingester: Ingester): void {
  app.post('/v1development/profiles', async (request, reply) => {
    readParams(request.query, []);
    const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    const encoding = Object.hasOwn(ENCODINGS, type) ? ENCODINGS[type] : undefined;
    if (!encoding) {
      throw new BunsenError(
        'CONTENT_TYPE_UNSUPPORTED',
        `Content-Type ${type} is not one of OTLP's: send one of ${Object.keys(ENCODINGS).join(', ')}`,
      );
    }
    const key = idempotencyKey(request.headers[IDEMPOTENCY_KEY]);
    await withBody(request, reply, ingester, ({ bytes, gzipped }) =>
      ingester.push(bytes, gzipped, { kind: 'otlp', encoding }, key),
    );
    // An ExportProfilesServiceResponse that is empty: all was stored.
    return reply.type(type).send(encoding === 'json' ? '{}' : Buffer.alloc(0));
  });
}
