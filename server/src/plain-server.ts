import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { closeUnusedConnections } from './unused-connections.ts';

/** With what every HTTP/2 connection begins (RFC 9113, 3.4). HTTP/1 has no method PRI. */
const PREFACE = Buffer.from('PRI * HTTP/2.0');
/** How long a connection may be open without a byte, or an HTTP/2 request stand still. */
const SILENCE_MS = 60_000;
/** How long an HTTP/2 connection may have no stream. gRPC clients keep theirs. */
const IDLE_SESSION_MS = 300_000;
const MAX_STREAMS = 256;

/** Of the head of a request: a frame of the greatest size, escaped in the path or the query, fits. */
const HEAD_BYTES = 64 * 1024;

interface Options {
  requestTimeout?: number;
  keepAliveTimeout?: number;
}

/**
 * A server without TLS that speaks HTTP/1 and HTTP/2 on one port: gRPC needs HTTP/2, and without TLS
 * nothing is negotiated, so the first bytes of a connection tell. Connections of HTTP/1 are this
 * server's own; HTTP/2 goes on to one that does not listen itself.
 */
export function createPlainServer(handler: RequestListener, options: Options): Server {
  const server = createServer(
    {
      maxHeaderSize: HEAD_BYTES,
      ...(options.requestTimeout !== undefined && { requestTimeout: options.requestTimeout }),
      ...(options.keepAliveTimeout !== undefined && { keepAliveTimeout: options.keepAliveTimeout }),
    },
    handler,
  );
  const [serveHttp1] = server.listeners('connection') as [(socket: Socket) => void];
  const http2 = createHttp2Server({ settings: { maxConcurrentStreams: MAX_STREAMS } });
  http2.on('request', handler as never);
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.setTimeout(IDLE_SESSION_MS, () => session.close());
    session.on('stream', (stream) => {
      stream.setTimeout(SILENCE_MS, () => stream.close());
      stream.on('end', () => stream.setTimeout(0)); // the reply may take its time
    });
    session.on('error', () => session.destroy()); // the client's doing; its requests see it, too
    session.on('close', () => sessions.delete(session));
  });

  server.removeListener('connection', serveHttp1);
  server.on('connection', (socket: Socket) => {
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    const onError = () => socket.destroy();
    socket.on('error', onError);
    firstBytes(socket, (isHttp2) => {
      socket.setTimeout(0).removeAllListeners('timeout');
      socket.off('error', onError);
      if (isHttp2) http2.emit('connection', socket);
      else serveHttp1.call(server, socket);
    });
  });

  closeUnusedConnections(server);
  // When the server closes, an HTTP/2 connection ends after the streams that are open on it.
  const closeIdle = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    closeIdle();
    for (const session of sessions) session.close();
  };
  return server;
}

/** Waits until the first bytes tell the protocol, and puts them back. */
function firstBytes(socket: Socket, tell: (isHttp2: boolean) => void): void {
  let head = Buffer.alloc(0);
  const onReadable = () => {
    const chunk = socket.read() as Buffer | null;
    if (!chunk) return;
    head = Buffer.concat([head, chunk]);
    const length = Math.min(head.length, PREFACE.length);
    const isPreface = head.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (isPreface && length < PREFACE.length) return;
    socket.off('readable', onReadable);
    socket.unshift(head);
    tell(isPreface);
  };
  socket.on('readable', onReadable);
}
