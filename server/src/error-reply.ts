import type { ErrorResponse } from '@bunsen/profile';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { asBunsenError, BunsenError, type ErrorCode, internalError } from './errors.ts';

const BODY_STATUSES = new Set([400, 413]);
/** Of these statuses, what says nothing of what a body holds. */
const OUTSIDE_BODY = new Set<ErrorCode>([
  'PARAMETER_UNKNOWN',
  'PARAMETER_INVALID',
  'RANGE_EMPTY',
  'APP_NAME_MALFORMED',
  'BODY_TOO_LARGE',
]);

/** Every error has one shape: of Bunsen's own API. */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { code, message, status } = noteError(error, request, reply);
  const body: ErrorResponse = { code, message };
  const { bodyErrorStatus } = request.routeOptions.config.operation ?? {};
  const isOfBody = BODY_STATUSES.has(status) && !OUTSIDE_BODY.has(code);
  return reply
    .code((isOfBody && bodyErrorStatus) || status)
    .type('application/json; charset=utf-8')
    .send(body);
}

/**
 * The error as a client may see it. What is not the client's doing is logged, once, in one line, and
 * the reply says when to come again.
 */
export function noteError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): BunsenError {
  const known = asBunsenError(error) ?? fastifyError(error, request);
  const what = `${request.method} ${request.url.split('?', 1)[0]}`;
  if (reply.raw.destroyed) {
    request.log.debug(`${what}: the client is gone`);
  } else if (!known) {
    request.log.error(error, `${what} failed`);
  } else if (known.status >= 500) {
    request.log.warn(`${what}: ${known.code}: ${known.message}`);
  } else {
    request.log.debug(`${what}: ${known.code}: ${known.message}`);
  }
  if (known?.retryAfterSeconds !== undefined) reply.header('retry-after', known.retryAfterSeconds);
  return known ?? internalError();
}

/** What Fastify refuses itself, such as a malformed URL. */
function fastifyError(error: unknown, { headers }: FastifyRequest): BunsenError | undefined {
  const { statusCode, message } = error as { statusCode?: number; message: string };
  if (statusCode === 415) {
    return new BunsenError(
      'CONTENT_TYPE_UNSUPPORTED',
      `Content-Type ${headers['content-type']} cannot be read (${message}): send one of the form type/subtype`,
    );
  }
  if (statusCode === 413) return new BunsenError('BODY_TOO_LARGE', message);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new BunsenError('PARAMETER_INVALID', message);
  }
  return undefined;
}
