import { create, type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
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
  onRefused?: (code: ErrorCode) => void;
}

/**
 * Serves protobuf services over Connect (protobuf and JSON), gRPC and gRPC-web on Fastify's routes.
 */
export function rpc(app: FastifyInstance, options: RpcOptions): void {
  const toError = (error: unknown): ConnectError => {
    if (error instanceof ConnectError) return error;
    const known = asBunsenError(error);
    options.onRefused?.(known?.code ?? 'INTERNAL');
    if (known) return connectErrorOf(known);
    app.log.error(error, 'a call failed');
    return new ConnectError('the server failed at this request; its log says why', Code.Internal);
  };
  const answerErrors: Interceptor = (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      // The client is gone, or has no more time: nobody needs to hear that its query was stopped.
      const { signal } = request;
      throw signal.aborted ? ConnectError.from(signal.reason, Code.Canceled) : toError(error);
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
      const json = contextValues.get(JSON_ANSWER);
      if (json && response.status === 200) {
        const headers = Object.fromEntries(response.header ?? []);
        delete headers['content-length'];
        return reply.headers(headers).send(json);
      }
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

/** An answer that is JSON already; it goes out as it is, and is compressed as other replies are. */
const JSON_ANSWER = createContextKey<Buffer | undefined>(undefined);

/** How a worker is to encode a message that {@link encodedAnswer} passes on. */
export type AnswerEncoding = 'protobuf' | 'json';

/** JSON for who asks over Connect in JSON, protobuf otherwise. */
export function answerEncoding({ requestHeader }: HandlerContext): AnswerEncoding {
  return requestHeader.get('content-type')?.startsWith('application/json') ? 'json' : 'protobuf';
}

/**
 * An answer that a worker has encoded, for a handler to return: large ones are neither decoded nor
 * encoded on the main thread.
 * @param bytes in the {@link answerEncoding} of the call
 */
export function encodedAnswer<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array<ArrayBuffer>,
  context: HandlerContext,
): MessageShape<Schema> {
  const message = create(schema);
  if (answerEncoding(context) === 'json') {
    context.values.set(JSON_ANSWER, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return message;
  }
  // gRPC with JSON, which hardly anybody speaks, has its own frames around a message of Connect's.
  if (context.requestHeader.get('content-type')?.includes('json')) return fromBinary(schema, bytes);
  if (bytes.length === 0) return message;
  // Fields that a message does not know are written as they came: the first tag, and all behind it.
  const reader = new BinaryReader(bytes);
  const [no, wireType] = reader.tag();
  message.$unknown = [{ no, wireType, data: bytes.subarray(reader.pos) }];
  return message;
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
  501: Code.Unimplemented,
  503: Code.Unavailable,
  504: Code.DeadlineExceeded,
};
