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
import { type Compression, createAsyncIterable } from '@connectrpc/connect/protocol';
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asBunsenError, BunsenError, type ErrorCode, internalError } from './errors.ts';
import { type RawMessage, takeMessage } from './rpc-message.ts';

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
  /** Methods are given an empty message, and read {@link rawMessageOf} the call themselves. */
  takesRawMessages?: boolean;
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
    return connectErrorOf(internalError());
  };
  const answerErrors: Interceptor = (next) => async (request) => {
    request.contextValues.set(MESSAGE_READ, true);
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
    requestGate({ values, signal }) {
      const refusal = values.get(REFUSAL);
      if (refusal) throw refusal;
      values.set(CALL_SIGNAL, signal);
    },
  });
  options.routes(router);
  const contentTypes = [
    ...(options.connect ? ['application/proto', 'application/json'] : []),
    'application/grpc',
    'application/grpc-web',
  ];
  for (const handler of router.handlers) {
    const config = { method: handler.method };
    app.post(handler.requestPath, { config }, async (request, reply) => {
      const contextValues = createContextValues();
      async function* body() {
        try {
          const bytes = await options.readBody(request, reply, contextValues);
          if (!options.takesRawMessages) {
            yield bytes;
            return;
          }
          const { header } = universal;
          const taken = await takeMessage(bytes, header, compression, options.messageBytes);
          contextValues.set(RAW_MESSAGE, taken.message);
          yield taken.emptied;
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
      // The body that Connect reads may be another one than was sent.
      if (options.takesRawMessages) universal.header.delete('content-length');
      let response = await handler({ ...universal, body: body() });
      if (response.status === 415) {
        throw new BunsenError(
          'CONTENT_TYPE_UNSUPPORTED',
          `Content-Type ${request.headers['content-type']} is none of ${contentTypes.join(', ')}`,
        );
      }
      const refused = refusedMessage(contextValues, options.messageBytes);
      if (refused) {
        // Asked once more, each protocol says it in its own way.
        contextValues.set(REFUSAL, toError(refused));
        response = await handler({ ...universal, body: createAsyncIterable([]) });
      }
      const json = contextValues.get(JSON_ANSWER);
      if (json && response.status === 200) {
        const headers = Object.fromEntries(response.header ?? []);
        delete headers['content-length'];
        return reply.headers(headers).send(json);
      }
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value); // what hooks have set
      }
      reply.hijack();
      // What is not wanted of the body is let through so that the client reads the reply.
      reply.raw.once('finish', () => request.raw.resume());
      const { body: answered } = response;
      async function* readable() {
        if (answered) yield* answered;
        encodeMessage(response.trailer);
      }
      encodeMessage(response.header);
      universalResponseToNodeResponse({ ...response, body: readable() }, reply.raw).catch(
        (error: unknown) => request.log.debug(error, `${handler.requestPath}: the client is gone`),
      );
      return reply;
    });
  }
}

/**
 * The message of a status as gRPC has it, with escapes for what cannot be in a header alone. Connect escapes
 * `=` and `:` as well, which Node.js' client of gRPC shows as they come.
 */
function encodeMessage(headers: unknown): void {
  if (!(headers instanceof Headers)) return;
  const message = headers.get('grpc-message');
  if (message === null) return;
  const text = decodeURIComponent(message);
  headers.set('grpc-message', text.replace(/[^ -$&-~]/gu, encodeURIComponent));
}

const RAW_MESSAGE = createContextKey<RawMessage | undefined>(undefined);

/** The message of a call to a service that takes raw ones. */
export function rawMessageOf({ values }: HandlerContext): RawMessage {
  return values.get(RAW_MESSAGE) as RawMessage;
}

/** What a call is answered with instead of being read. */
const REFUSAL = createContextKey<ConnectError | undefined>(undefined);
/** Aborted with the error that a call ends with. */
const CALL_SIGNAL = createContextKey<AbortSignal | undefined>(undefined);
/** The message could be read, so that errors after it are of the method. */
const MESSAGE_READ = createContextKey(false);

/**
 * What is wrong with a message that did not become a call. Connect says that protobuf which cannot be
 * parsed is a defect of the server, and one that is too large may come again; and it has no codes of
 * ours. Before a method is called nothing else comes to these codes but what has ours already.
 */
function refusedMessage(values: ContextValues, messageBytes: number): BunsenError | undefined {
  const error: unknown = values.get(CALL_SIGNAL)?.reason;
  if (values.get(MESSAGE_READ) || !(error instanceof ConnectError)) return undefined;
  if (error.metadata.has('bunsen-code')) return undefined;
  switch (error.code) {
    case Code.Internal:
    case Code.InvalidArgument:
      return new BunsenError('BODY_MALFORMED', `the message cannot be read: ${error.rawMessage}`);
    case Code.ResourceExhausted:
      return new BunsenError(
        'BODY_TOO_LARGE',
        `the message has more than ${messageBytes} bytes (${error.rawMessage})`,
      );
    default:
      return undefined;
  }
}

/** An answer that is JSON already; it goes out as it is, and is compressed as other replies are. */
const JSON_ANSWER = createContextKey<Buffer | undefined>(undefined);

/** How a worker is to encode a message that {@link encodedAnswer} passes on. */
export type AnswerEncoding = 'protobuf' | 'json';

/** JSON for who asks over Connect in JSON, protobuf otherwise. */
export function answerEncoding({ requestHeader }: HandlerContext): AnswerEncoding {
  return requestHeader.get('content-type')?.toLowerCase().startsWith('application/json')
    ? 'json'
    : 'protobuf';
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
  if (context.requestHeader.get('content-type')?.toLowerCase().includes('json'))
    return fromBinary(schema, bytes);
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
  404: Code.NotFound,
  429: Code.ResourceExhausted,
  500: Code.Internal,
  501: Code.Unimplemented,
  503: Code.Unavailable,
  504: Code.DeadlineExceeded,
};
