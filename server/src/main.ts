#!/usr/bin/env node
/** The server: reads its options, listens, and ends cleanly. Exit codes: 0 ended, 1 failed, 2 misconfigured. */
import { type App, buildApp } from './app.ts';
import { type Config, readConfig } from './config.ts';
import { ConfigError } from './errors.ts';

/** How long requests that were begun may take after a signal; then the server ends regardless. */
const SHUTDOWN_MS = 30_000;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const end = endRequested();
  const app = await buildApp(config);
  try {
    if (!end.aborted) await listen(app, config);
    await once(end);
    setTimeout(
      () => fail(new Error(`could not end within ${SHUTDOWN_MS} ms`)),
      SHUTDOWN_MS,
    ).unref();
  } finally {
    await app.close();
  }
  process.exit(0);
}

/** Fires at a signal, or when the program that started this one is gone. */
function endRequested(): AbortSignal {
  const end = new AbortController();
  process.on('SIGTERM', () => end.abort());
  process.on('SIGINT', () => end.abort());
  if (process.connected) process.on('disconnect', () => end.abort());
  return end.signal;
}

async function once(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

async function listen({ fastify }: App, config: Config): Promise<void> {
  try {
    await fastify.listen({ host: config.host, port: config.port, listenTextResolver: () => '' });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const where = `${config.host}:${config.port}`;
    switch (code) {
      case 'EADDRINUSE':
        throw new ConfigError(
          `${where} is in use by another program: stop that one, or set BUNSEN_PORT to another port`,
        );
      case 'EACCES':
        throw new ConfigError(
          `listening on ${where} is not allowed: set BUNSEN_PORT to a port of 1024 or more`,
        );
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        throw new ConfigError(
          `${config.host} is not an address of this machine: correct BUNSEN_HOST`,
        );
      default:
        throw cause;
    }
  }
  const { port } = fastify.server.address() as { port: number };
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const url = `http://${host}:${port}`;
  process.stdout.write(`Bunsen server listening on ${url}\n`);
  process.send?.({ type: 'ready', url });
}

function fail(error: unknown): never {
  const isConfig = error instanceof ConfigError;
  const text =
    isConfig || !(error instanceof Error) ? String((error as Error).message ?? error) : error.stack;
  process.stderr.write(`bunsen server: ${text}\n`);
  process.exit(isConfig ? 2 : 1);
}

main().catch(fail);
