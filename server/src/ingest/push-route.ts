import { API, IDEMPOTENCY_KEY, type PushResponse } from '@bunsen/profile';
import type { FastifyInstance } from 'fastify';
import { BunsenError } from '../errors.ts';
import { route } from '../operation.ts';
import { withBody } from './body.ts';
import { PPROF_TYPES, PUSH } from './ingest-operations.ts';
import type { Ingester } from './ingester.ts';

const KEY_BYTES = 256;

/** `POST /api/v1/profiles`: a pprof, gzipped or not, whose samples carry their series' labels. */
export function pushRoute(app: FastifyInstance, ingester: Ingester): void {
  route(app, 'POST', API.push, PUSH, async (_params, request, reply): Promise<PushResponse> => {
    const type = (request.headers['content-type'] ?? '').split(';')[0] as string;
    if (type !== '' && !PPROF_TYPES.includes(type)) {
      throw new BunsenError(
        'CONTENT_TYPE_UNSUPPORTED',
        `Content-Type ${type} is not a pprof's: send one of ${PPROF_TYPES.join(', ')}`,
      );
    }
    const key = idempotencyKey(request.headers[IDEMPOTENCY_KEY]);
    const { samples, duplicate } = await withBody(request, reply, ingester, ({ bytes, gzipped }) =>
      ingester.push(bytes, gzipped, { kind: 'labelled-pprof' }, key),
    );
    return { samples, duplicate };
  });
}

/** @throws BunsenError `PARAMETER_INVALID` */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || header === '' || header.length > KEY_BYTES) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `the header ${IDEMPOTENCY_KEY} must be one text of 1 to ${KEY_BYTES} bytes`,
    );
  }
  return header;
}
