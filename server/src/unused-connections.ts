import type { Server, Socket } from 'node:net';

/**
 * Connections that nothing came from end with the idle ones when a server closes. Browsers and pools
 * open some ahead, and may never use them; Node.js takes them for busy, and waits.
 */
export function closeUnusedConnections(server: Server & { closeIdleConnections(): void }): void {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const closeIdle = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    closeIdle();
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  };
}
