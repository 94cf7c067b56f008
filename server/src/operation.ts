import type { DescMethod } from '@bufbuild/protobuf';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Params, readParams, type Values } from './params.ts';
import type { JsonSchema } from './reference/json-schema.ts';

/** A kind of routes, as the reference groups them. */
export type Group =
  | 'Profiles'
  | 'Queries'
  | 'Files'
  | 'Agents'
  | 'Pyroscope'
  | 'Prometheus'
  | 'Server';

export interface Answer {
  help: string;
  /** By content type; what is not JSON has no schema. None: an empty body. */
  content?: Readonly<Record<string, JsonSchema | undefined>>;
}

/** One route over HTTP, as it reads its requests and as the reference shows it. */
export interface Operation<P extends Params = Params> {
  group: Group;
  summary: string;
  help?: string;
  params: P;
  /** Parts of the path, by name: what they are. */
  path?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** Bodies that it takes, by content type: what they are. */
  body?: Readonly<Record<string, string>>;
  /** By status. Every route may besides answer with an error. */
  answers: Readonly<Record<number, Answer>>;
  /** Of errors that are about the body, where others than 400 and 413 are known to clients. */
  bodyErrorStatus?: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation;
    /** The method of a protobuf service that the route is. */
    method?: DescMethod;
  }
}

export type Handler<P extends Params> = (
  params: Values<P>,
  request: FastifyRequest,
  reply: FastifyReply,
) => unknown;

/** Registers a route that reads its parameters from the address, and refuses others. */
export function route<const P extends Params>(
  app: FastifyInstance,
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  operation: Operation<P>,
  handler: Handler<P>,
): void {
  app.route({
    method,
    url,
    config: { operation },
    handler: (request, reply) =>
      handler(readParams(request.query, operation.params), request, reply),
  });
}

/** An operation, with the types of its parameters as narrow as they are written. */
export function operation<const P extends Params>(operation: Operation<P>): Operation<P> {
  return operation;
}
