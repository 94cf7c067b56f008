/** What the server and the process of the embedded store say to each other. */
export interface ChildOptions {
  dataDir: string;
  socketPath: string;
  /** `host:port` to listen on as well, for other ClickHouse tools; empty = nowhere. */
  listen: string;
  memoryBytes: number;
  maxConcurrent: number;
  /** Of a query from elsewhere (`listen`), unless it asks for other ones. */
  listenLimits: { timeMs: number; memoryBytes: number };
  /** How long to wait for another process to let go of the directory. */
  lockWaitMs: number;
}

/** What the child tells its parent. After `failed` it ends, and starting it again is no use. */
export type ChildMessage =
  | { type: 'ready'; version: string }
  | { type: 'failed'; message: string }
  /** Every second: a child that is silent hangs. */
  | { type: 'alive' };

/**
 * Statements of other tools (`listen`) that run at once: fewer than the machine could, so that they
 * leave room for the server's own.
 */
export const LISTEN_CONCURRENT = 4;

export const ALIVE_MS = 1_000;

export type ParentMessage = { type: 'close' };

/** The database of all tables. */
export const DATABASE = 'bunsen';
