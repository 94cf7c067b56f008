import type { Transport } from '@connectrpc/connect';
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';

/** Every protocol, encoding and version of HTTP that clients speak. */
export const TRANSPORTS: Record<string, (url: string) => Transport> = {
  'connect, HTTP/1, protobuf': (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true }),
  'connect, HTTP/1, JSON, gzip': (baseUrl) =>
    createConnectTransport({
      baseUrl,
      httpVersion: '1.1',
      useBinaryFormat: false,
      sendCompression: compressionGzip,
      compressMinBytes: 0,
    }),
  'connect, HTTP/2': (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '2' }),
  'gRPC, gzip': (baseUrl) =>
    createGrpcTransport({ baseUrl, sendCompression: compressionGzip, compressMinBytes: 0 }),
  'gRPC, JSON': (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false }),
  'gRPC-web, HTTP/1': (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  'gRPC-web, HTTP/2': (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '2' }),
};

/** grpc-js, as gRPC clients are. */
export class GrpcClient {
  readonly #client: grpc.Client;

  constructor(url: string) {
    this.#client = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure(), {
      'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip,
    });
  }

  /** A unary call. @returns the bytes of the answer. @throws grpc.ServiceError */
  call(path: string, bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) =>
      this.#client.makeUnaryRequest(
        path,
        (message: Uint8Array) => Buffer.from(message),
        (reply) => reply,
        bytes,
        (error, reply) => (error ? reject(error) : resolve(reply as Buffer)),
      ),
    );
  }

  close(): void {
    this.#client.close();
  }
}

/** What a call over Connect is refused with, in JSON. */
export interface Refusal {
  code: string;
  message: string;
}

/** A call over Connect in JSON, as people and browsers write it. @param body text as it is */
export async function postJson<Answer>(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: Answer }> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Answer };
}
