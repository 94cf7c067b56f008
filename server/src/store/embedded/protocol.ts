/** What the server and the process of the embedded store say to each other. */
export interface ChildOptions {
  dataDir: string;
  socketPath: string;
  /** `host:port` to listen on as well, for other ClickHouse tools; empty = nowhere. */
  listen: string;
  memoryBytes: number;
  /**
   * Statements that run at once; more wait in line. Writes have a line of their own, so that no burst
   * of queries holds up what comes in.
   */
  concurrency: { reads: number; writes: number };
  /** Of a statement of another tool (`listen`): it may set others, but for more rows. */
  listenLimits: { timeMs: number; memoryBytes: number; rows: number };
  /** How long to wait for another process to let go of the directory. */
  lockWaitMs: number;
}

/** What the child tells its parent. After `failed` it ends, and starting it again is no use. */
export type ChildMessage =
  | { type: 'ready'; version: string }
  | { type: 'failed'; message: string }
  /** Every second: a child that is silent hangs. */
  | { type: 'alive' };

/** The same of other tools (`listen`), which have lines of their own: few, to leave the server room. */
export const LISTEN_CONCURRENCY: ChildOptions['concurrency'] = { reads: 4, writes: 1 };

export const ALIVE_MS = 1_000;

export type ParentMessage = { type: 'close' };

/** Header of a query that stands in the line of writes, since a write waits for its answer. */
export const WRITE_LINE = { 'x-bunsen-line': 'write' };

/** The database of all tables. */
export const DATABASE = 'bunsen';
