import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from '@connectrpc/connect';
import type { Compression } from '@connectrpc/connect/protocol';
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asBunsenError, type BunsenError, type ErrorCode } from './errors.ts';

export interface RpcOptions {
  /** The services. Errors that they throw are told to the client as its protocol has it. */
  routes: (router: ConnectRouter) => void;
  /** Connect's own protocol besides gRPC and gRPC-web. */
  connect: boolean;
  /** JSON with fields that the message does not have is taken without them. */
  ignoreUnknownFields: boolean;
  /** Reads a body within its limits; unary calls have one message. */
  readBody: (
    request: FastifyRequest,
    reply: FastifyReply,
    context: ContextValues,
  ) => Promise<Uint8Array>;
  /** Largest message after decompression, in bytes; `compression` says so in its error. */
  messageBytes: number;
  compression: Compression;
  onRefused: (code: ErrorCode) => void;
}

/**
 * Serves protobuf services over Connect (protobuf and JSON), gRPC and gRPC-web on Fastify's routes.
 */
export function rpc(app: FastifyInstance, options: RpcOptions): void {
  const toError = (error: unknown): ConnectError => {
    if (error instanceof ConnectError) return error;
    const known = asBunsenError(error);
    options.onRefused(known?.code ?? 'INTERNAL');
    if (known) return connectErrorOf(known);
    app.log.error(error, 'a call failed');
    return new ConnectError('the server failed at this request; its log says why', Code.Internal);
  };
  const answerErrors: Interceptor = (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      throw toError(error);
    }
  };
  const { compression } = options;
  const router = createConnectRouter({
    connect: options.connect,
    interceptors: [answerErrors],
    acceptCompression: [
      {
        ...compression,
        decompress: (bytes, limit) =>
          compression.decompress(bytes, limit).catch((error: unknown) => {
            throw toError(error);
          }),
      },
    ],
    readMaxBytes: options.messageBytes,
    jsonOptions: { ignoreUnknownFields: options.ignoreUnknownFields },
  });
  options.routes(router);
  for (const handler of router.handlers) {
    app.post(handler.requestPath, async (request, reply) => {
      const contextValues = createContextValues();
      async function* body() {
        try {
          yield await options.readBody(request, reply, contextValues);
        } catch (error) {
          throw toError(error);
        }
      }
      const universal = universalRequestFromNodeRequest(
        request.raw,
        reply.raw,
        undefined,
        contextValues,
      );
      const response = await handler({ ...universal, body: body() });
      reply.hijack();
      // What is not wanted of the body is let through so that the client reads the reply.
      reply.raw.once('finish', () => request.raw.resume());
      universalResponseToNodeResponse(response, reply.raw).catch((error: unknown) =>
        request.log.debug(error, `${handler.requestPath}: the client is gone`),
      );
      return reply;
    });
  }
}

/** The error's own code goes along as `bunsen-code`, a header or trailer. */
function connectErrorOf(error: BunsenError): ConnectError {
  return new ConnectError(error.message, CODES[error.status] ?? Code.InvalidArgument, {
    'bunsen-code': error.code,
    ...(error.retryAfterSeconds !== undefined && {
      'retry-after': String(error.retryAfterSeconds),
    }),
  });
}

/** By HTTP status; everything else is the request's fault. */
const CODES: Record<number, Code> = {
  429: Code.ResourceExhausted,
  500: Code.Internal,
  503: Code.Unavailable,
  504: Code.DeadlineExceeded,
};
