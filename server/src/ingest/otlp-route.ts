import { IDEMPOTENCY_KEY } from '@bunsen/profile';
import type { FastifyInstance } from 'fastify';
import { BunsenError } from '../errors.ts';
import { route } from '../operation.ts';
import { withBody } from './body.ts';
import { OTLP_PUSH, OTLP_TYPES } from './ingest-operations.ts';
import type { Ingester } from './ingester.ts';
import { idempotencyKey } from './push-route.ts';

/** `POST /v1development/profiles`: OpenTelemetry's profiles over HTTP, protobuf or JSON. */
export function otlpRoute(app: FastifyInstance, ingester: Ingester): void {
  route(app, 'POST', '/v1development/profiles', OTLP_PUSH, async (_params, request, reply) => {
    const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    const encoding = Object.hasOwn(OTLP_TYPES, type)
      ? OTLP_TYPES[type as keyof typeof OTLP_TYPES]
      : undefined;
    if (!encoding) {
      throw new BunsenError(
        'CONTENT_TYPE_UNSUPPORTED',
        `Content-Type ${type} is not one of OTLP's: send one of ${Object.keys(OTLP_TYPES).join(', ')}`,
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
