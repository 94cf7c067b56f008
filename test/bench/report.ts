import { parseArgs } from 'node:util';
import type { Cleanup } from '../harness.ts';

export type Size = 'small' | 'full';

/** `--size small|full`; small by default. Exits with 2 on anything else. */
export function parseSize(): Size {
  try {
    const { values } = parseArgs({ options: { size: { type: 'string', default: 'small' } } });
    if (values.size === 'small' || values.size === 'full') return values.size;
    throw new Error(`--size ${values.size}: must be small or full`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** What it should be. */
  bar?: string;
  note?: string;
}

/** A table for people, and the same figures as one JSON object on the last line. */
export function report(bench: string, size: Size, figures: Figure[]): void {
  const rows = figures.map(({ name, value, unit, bar = '', note = '' }) => [
    name,
    `${Number(value.toPrecision(4))} ${unit}`,
    bar,
    note,
  ]);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
  const values = Object.fromEntries(figures.map(({ name, value }) => [name, value]));
  console.log(JSON.stringify({ bench, size, ...values }));
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** What a benchmark started and has to end: the `after` of tests, for a script. */
export class Cleanups implements Cleanup {
  readonly #tasks: (() => unknown)[] = [];

  after(task?: unknown): void {
    if (typeof task === 'function') this.#tasks.push(task as () => unknown);
  }

  /** Runs the benchmark, then cleans up, last things first, also when it failed or was interrupted. */
  static async run(benchmark: (t: Cleanups) => Promise<void>): Promise<void> {
    const cleanups = new Cleanups();
    const interrupted = new Promise<never>((_, reject) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(signal, () => reject(new Error(`ended by ${signal}`)));
      }
    });
    try {
      await Promise.race([benchmark(cleanups), interrupted]);
    } finally {
      for (const task of cleanups.#tasks.reverse()) await task();
    }
  }
}
