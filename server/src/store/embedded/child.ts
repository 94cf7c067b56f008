/**
 * The process that the embedded store runs in, apart from the server, so that a crash of the engine
 * (or its memory) is not the server's. Started by supervisor.ts with its options as JSON in argv.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { accessConfig } from './access.ts';
import { ownerOfDataDir } from './data-dir.ts';
import { Engine, type Setting } from './engine.ts';
import { createFront } from './front.ts';
import { Guard } from './guard.ts';
import {
  ALIVE_MS,
  type ChildMessage,
  type ChildOptions,
  DATABASE,
  LISTEN_CONCURRENCY,
  type ParentMessage,
} from './protocol.ts';

async function main(options: ChildOptions): Promise<void> {
  const storeDir = join(options.dataDir, 'clickhouse');
  const spoolDir = join(options.dataDir, 'spool');
  let engine: Engine | undefined;
  let servers: Server[] = [];
  let closing = false;

  // Also when the parent dies, however it does: an orphan would keep the directory locked.
  const close = async () => {
    if (closing) return;
    closing = true;
    await Promise.all(
      servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeIdleConnections();
        return closed;
      }),
    );
    await engine?.close();
    // A parent that was killed could not do it.
    if (!process.connected) rmSync(dirname(options.socketPath), { recursive: true, force: true });
    process.exit(0);
  };
  process.on('disconnect', close);
  process.on('message', (message: ParentMessage) => {
    if (message.type === 'close') void close();
  });
  // Ctrl-C goes to the whole process group; the parent decides when this process may end.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});

  makeDir(storeDir);
  engine = await openEngine(storeDir, options);
  // What a crash left behind of inserts that were never acknowledged; ours since the lock is.
  rmSync(spoolDir, { recursive: true, force: true });
  makeDir(spoolDir);
  await engine.run({
    sql: `CREATE DATABASE IF NOT EXISTS ${DATABASE} ENGINE = Atomic`,
    database: '',
    format: 'Null',
    settings: [],
  });
  const { concurrency } = options;
  const own = createFront(engine, { spoolDir, concurrency });
  servers = [await listenOn(own, { path: options.socketPath })];
  if (options.listen !== '') {
    const at = options.listen.lastIndexOf(':');
    const [host, port] = [options.listen.slice(0, at), Number(options.listen.slice(at + 1))];
    const others = createFront(engine, {
      guard: await Guard.create(engine, { host, limits: limitSettings(options.listenLimits) }),
      spoolDir,
      concurrency: LISTEN_CONCURRENCY,
    });
    servers.push(await listenOn(others, { host, port }));
  }
  tell({ type: 'ready', version: engine.version });
  setInterval(() => tell({ type: 'alive' }), ALIVE_MS).unref();
}

async function openEngine(storeDir: string, options: ChildOptions): Promise<Engine> {
  const deadline = Date.now() + options.lockWaitMs;
  for (;;) {
    // A server that was killed leaves a child that closes the directory by itself, soon.
    const owner = ownerOfDataDir(storeDir);
    if (owner === undefined) break;
    if (Date.now() > deadline) {
      throw new Error(
        `the data directory ${options.dataDir} is in use by another process (pid ${owner}): stop that one, or set BUNSEN_DATA_DIR to another directory`,
      );
    }
    await sleep(100);
  }
  // Beside the socket, where only this user can write.
  const accessFile = join(dirname(options.socketPath), 'access.xml');
  writeFileSync(accessFile, accessConfig(options.listenLimits.rows));
  try {
    return new Engine(storeDir, { memoryBytes: options.memoryBytes, accessFile });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') {
      throw new Error(
        'the embedded store needs the package chdb, which is not installed (it exists for Linux with glibc and macOS, x64 and arm64): run `npm install`, or set CLICKHOUSE_URL to a ClickHouse',
        { cause },
      );
    }
    throw new Error(
      `the store in ${storeDir} cannot be opened; the lines above say why (${(cause as Error).message})`,
      { cause },
    );
  }
}

function makeDir(path: string): void {
  try {
    // One by one: in a folder that takes no others, as /proc, Node.js' own recursion does not end.
    const missing: string[] = [];
    for (let dir = resolve(path); !existsSync(dir); dir = dirname(dir)) missing.push(dir);
    for (const dir of missing.reverse()) mkdirSync(dir);
    readdirSync(path);
  } catch (cause) {
    throw new Error(
      `the data directory cannot be used (${(cause as Error).message}): make it writable for this user, or set BUNSEN_DATA_DIR to another one`,
      { cause },
    );
  }
}

/** Results are whole in memory before they are sent, and once more while they are. */
const MAX_RESULT_BYTES = 256 * 1024 * 1024;

function limitSettings({ timeMs, memoryBytes, rows }: ChildOptions['listenLimits']): Setting[] {
  return [
    ['max_execution_time', String(timeMs / 1000)],
    ['max_memory_usage', String(memoryBytes)],
    ['max_result_bytes', String(MAX_RESULT_BYTES)],
    ['max_rows_to_read', String(rows)],
  ];
}

function listenOn(
  server: Server,
  where: { path: string } | { host: string; port: number },
): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Error(
          `the embedded store cannot listen on ${'path' in where ? where.path : `${where.host}:${where.port} (BUNSEN_STORE_LISTEN)`}: ${error.code ?? error.message}`,
        ),
      );
    });
    server.listen(where, () => resolve(server));
  });
}

function tell(message: ChildMessage): void {
  process.send?.(message);
}

main(JSON.parse(process.argv[2] as string) as ChildOptions).catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.send?.({ type: 'failed', message } satisfies ChildMessage, () => process.exit(1));
});
