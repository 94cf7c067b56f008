import { ProfileError } from './errors.ts';
import { formatFrame } from './frame.ts';
import type { StackColumns } from './profile.ts';

/** Folded stacks: column tables and one value a stack. Equal stacks may recur. */
export interface FoldedStacks extends StackColumns {
  values: BigInt64Array;
}

/**
 * Frames of all stacks of a profile together. One location or line can be referred to again and
 * again, so that a body of some kilobytes may stand for thousands of millions; and an array of
 * 2^27 elements ends the process, not only its thread.
 */
const MAX_STACK_FRAMES = 1 << 25;

/** Collects stacks of frame texts into columns, each distinct frame once. */
export class StackColumnsBuilder {
  readonly frames: string[] = [];
  readonly #frameIds = new Map<string, number>();
  readonly #offsets = [0];
  #stackFrames = new Uint32Array(1024);
  #length = 0;

  frameId(frame: string): number {
    let id = this.#frameIds.get(frame);
    if (id === undefined) {
      id = this.frames.length;
      this.frames.push(frame);
      this.#frameIds.set(frame, id);
    }
    return id;
  }

  /** @throws ProfileError `PPROF_LIMIT` if a stack of so many frames is too much on top */
  checkRoom(frames: number): void {
    if (this.#length + frames <= MAX_STACK_FRAMES) return;
    throw new ProfileError(
      'PPROF_LIMIT',
      `the stacks of the profile have more than ${MAX_STACK_FRAMES} frames together: send a shorter window`,
    );
  }

  /**
   * Adds a stack of frame ids, root first, and returns its index.
   * @throws ProfileError `PPROF_LIMIT`
   */
  addStack(frameIds: readonly number[]): number {
    this.checkRoom(frameIds.length);
    const end = this.#length + frameIds.length;
    if (end > this.#stackFrames.length) {
      const grown = new Uint32Array(Math.max(end, this.#stackFrames.length * 2));
      grown.set(this.#stackFrames);
      this.#stackFrames = grown;
    }
    this.#stackFrames.set(frameIds, this.#length);
    this.#length = end;
    return this.#offsets.push(end) - 2;
  }

  build(): StackColumns {
    return {
      frames: this.frames,
      stackOffsets: Uint32Array.from(this.#offsets),
      stackFrames: this.#stackFrames.slice(0, this.#length),
    };
  }
}

const LINE = /^(.*\S)\s+(-?\d+)$/;

/**
 * Parses folded text, one stack a line, root first: `main;handle;parse 12`. Empty lines are skipped.
 * With `counted: false` each line is one sample and carries no value (Pyroscope's `lines` format).
 * @throws ProfileError `FOLDED_MALFORMED` with the number of the line and what it holds
 */
export function parseFolded(text: string, { counted = true } = {}): FoldedStacks {
  const builder = new StackColumnsBuilder();
  const values: bigint[] = [];
  let lineNumber = 0;
  for (const raw of text.split('\n')) {
    lineNumber++;
    const line = raw.trim();
    if (line === '') continue;
    const match = counted ? LINE.exec(line) : [line, line, '1'];
    if (!match) {
      throw new ProfileError(
        'FOLDED_MALFORMED',
        `line ${lineNumber} is not of the form 'frame;frame;frame count': ${JSON.stringify(line.slice(0, 120))}`,
      );
    }
    const [, stack, count] = match as [string, string, string];
    const value = BigInt(count);
    if (BigInt.asIntN(64, value) !== value) {
      throw new ProfileError(
        'FOLDED_MALFORMED',
        `line ${lineNumber}: the count ${count.slice(0, 40)} does not fit into 64 bits`,
      );
    }
    builder.addStack(stack.split(';').map((name) => builder.frameId(formatFrame({ name }))));
    values.push(value);
  }
  return { ...builder.build(), values: BigInt64Array.from(values) };
}
