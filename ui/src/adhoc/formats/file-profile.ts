import type { StackColumns } from '@bunsen/profile';

/** One kind of values of a file. A file has one or more. */
export interface FileProfile {
  /** What was counted, as the file calls it. */
  name: string;
  /** Of the values, such as `nanoseconds`. */
  unit: string;
  /** Root first. Equal stacks may recur. */
  stacks: StackColumns;
  /** One a stack. */
  values: Float64Array;
  /** When it was taken, milliseconds since 1970; null if the file does not say. */
  range: { fromMs: number; untilMs: number } | null;
}

/** What was read of a file. */
export interface ReadFile {
  /** For people: `pprof`, `perf script`. */
  format: string;
  profiles: FileProfile[];
  /** What a reader should know, such as lines that were not understood. */
  warnings: string[];
}

/** A file that cannot be read. The message says what is wrong with it, and where. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

export function fail(what: string): never {
  throw new FileError(what);
}

/** A value of a file as it is shown in a message. */
export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 80);
}

export function listOf<T>(name: string, value: unknown): T[] {
  return Array.isArray(value) ? value : fail(`${name} is not a list`);
}
