import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { IDEMPOTENCY_KEY } from '@bunsen/profile';
import { ProfilesService } from '@bunsen/proto/opentelemetry/proto/collector/profiles/v1development/profiles_service';
import { PusherService } from '@bunsen/proto/push/v1/push';
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Compression } from '@connectrpc/connect/protocol';
import type { FastifyInstance } from 'fastify';
import type { ErrorCode } from '../errors.ts';
import { type RpcOptions, rawMessageOf, rpc } from '../rpc.ts';
import { readBody } from './body.ts';
import { gunzipError } from './formats/inflate.ts';
import type { Ingester, Room } from './ingester.ts';
import { idempotencyKey } from './push-route.ts';

/** Room that a call takes until its reply is sent. */
const ROOM = createContextKey<Room | undefined>(undefined);

/**
 * The services that take profiles: Pyroscope's `PusherService` over Connect, gRPC and gRPC-web, and
 * OpenTelemetry's `ProfilesService` over gRPC and gRPC-web. Messages go to the worker as bytes.
 */
export function rpcRoutes(
  app: FastifyInstance,
  ingester: Ingester,
  onRefused: (code: ErrorCode) => void,
): void {
  const { bodyBytes, profileBytes } = ingester.limits;
  const push = async (kind: 'push-request' | 'otlp', context: HandlerContext) => {
    const { requestHeader, responseHeader, values } = context;
    const { bytes, encoding, ownBytes } = rawMessageOf(context);
    values.get(ROOM)?.grow(ownBytes);
    const key = idempotencyKey(requestHeader.get(IDEMPOTENCY_KEY) ?? undefined);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { warnings } = await ingester.push(body, false, { kind, encoding }, key);
    for (const warning of warnings) responseHeader.append('bunsen-warning', warning);
    return {};
  };
  const common: Omit<RpcOptions, 'routes' | 'connect' | 'ignoreUnknownFields'> = {
    async readBody(request, reply, context) {
      const room = ingester.room();
      context.set(ROOM, room);
      reply.raw.once('close', room.release);
      return readBody(request, ingester, room);
    },
    messageBytes: Math.max(bodyBytes, profileBytes),
    compression: boundedGzip(profileBytes),
    takesRawMessages: true,
    onRefused,
  };
  rpc(app, {
    ...common,
    connect: true,
    ignoreUnknownFields: true,
    routes: (router) =>
      router.service(PusherService, {
        push: (_request, context) => push('push-request', context),
      }),
  });
  rpc(app, {
    ...common,
    // Its message has no fields here, and so no JSON: HTTP has a route of its own.
    connect: false,
    ignoreUnknownFields: false,
    routes: (router) =>
      router.service(ProfilesService, {
        export: (_request, context) => push('otlp', context),
      }),
  });
}

/** Gzip that stops at the limit, and names it. */
function boundedGzip(limit: number): Compression {
  const inflate = promisify(gunzip) as (
    bytes: Uint8Array,
    options: { maxOutputLength: number },
  ) => Promise<Buffer<ArrayBuffer>>;
  const deflate = promisify(gzip) as (bytes: Uint8Array) => Promise<Buffer<ArrayBuffer>>;
  return {
    name: 'gzip',
    compress: deflate,
    async decompress(bytes) {
      if (bytes.length === 0) return new Uint8Array(0);
      try {
        return await inflate(bytes, { maxOutputLength: limit });
      } catch (error) {
        throw gunzipError(error, limit);
      }
    },
  };
}
