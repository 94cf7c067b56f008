import type { Writable } from 'node:stream';

const LEVELS: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'fatal',
};

/** Turns pino's JSON into a line for people: `2026-11-21T10:19:49.512Z warning: the store …`. */
export function readableLog(output: Writable): { write: (line: string) => void } {
  return {
    write(line) {
      const entry = JSON.parse(line) as {
        level: number;
        time: number;
        msg?: string;
        err?: { stack?: string };
      };
      // Fastify says with an empty line that it listens; main.ts says it itself.
      if (!entry.msg && !entry.err) return;
      const stack = entry.err?.stack === undefined ? '' : `\n${entry.err.stack}`;
      output.write(
        `${new Date(entry.time).toISOString()} ${LEVELS[entry.level] ?? entry.level}: ${entry.msg ?? ''}${stack}\n`,
      );
    },
  };
}
