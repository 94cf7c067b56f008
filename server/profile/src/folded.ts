import { ProfileError } from './errors.ts';
import { formatFrame } from './frame.ts';
import { FILE_LIMITS, type ProfileLimits, tooMany } from './limits.ts';
import type { StackColumns } from './profile.ts';

/** Folded stacks: column tables and one value a stack. Equal stacks may recur. */
export interface FoldedStacks extends StackColumns {
  values: BigInt64Array;
}

/**
 * V8 hashes a longer text by its length alone, so that a Map of many of one length takes quadratic
 * time. Such texts are not looked up: they may recur.
 */
export const MAX_HASHED_LENGTH = 16_383;

/** Collects stacks of frame texts into columns. */
export class StackColumnsBuilder {
  readonly frames: string[] = [];
  readonly #frameIds = new Map<string, number>();
  readonly #offsets = [0];
  readonly #limits: ProfileLimits;
  #stackFrames = new Uint32Array(1024);
  #length = 0;
  #textChars = 0;

  constructor(limits: ProfileLimits = FILE_LIMITS) {
    this.#limits = limits;
  }

  /** The index of a frame, which is added if {@link frameId} has not been asked for it before. */
  frameId(frame: string): number {
    if (frame.length > MAX_HASHED_LENGTH) return this.addFrame(frame);
    let id = this.#frameIds.get(frame);
    if (id === undefined) {
      id = this.addFrame(frame);
      this.#frameIds.set(frame, id);
    }
    return id;
  }

  /**
   * Adds a frame that its caller knows by other means to be a new one.
   * @throws ProfileError `PPROF_LIMIT`
   */
  addFrame(frame: string): number {
    this.#textChars += frame.length;
    if (this.#textChars > this.#limits.textChars) {
      throw tooMany('characters of frames', 'textChars', this.#limits);
    }
    if (this.frames.push(frame) > this.#limits.tableEntries) {
      throw tooMany('frames', 'tableEntries', this.#limits);
    }
    return this.frames.length - 1;
  }

  /**
   * Adds a frame to the stack that is being made.
   * @throws ProfileError `PPROF_LIMIT`
   */
  push(frameId: number): void {
    if (this.#length === this.#stackFrames.length) this.#grow();
    this.#stackFrames[this.#length++] = frameId;
  }

  /** Ends a stack whose frames were pushed root first, and returns its index. */
  endStack(): number {
    return this.#offsets.push(this.#length) - 2;
  }

  /** Ends a stack whose frames were pushed leaf first, as pprof has them, and returns its index. */
  endReversedStack(): number {
    const frames = this.#stackFrames;
    let from = this.#offsets[this.#offsets.length - 1] as number;
    for (let to = this.#length - 1; from < to; from++, to--) {
      const frame = frames[from] as number;
      frames[from] = frames[to] as number;
      frames[to] = frame;
    }
    return this.endStack();
  }

  build(): StackColumns {
    return {
      frames: this.frames,
      stackOffsets: Uint32Array.from(this.#offsets),
      stackFrames: this.#stackFrames.slice(0, this.#length),
    };
  }

  #grow(): void {
    const { stackFrames } = this.#limits;
    if (this.#length >= stackFrames) {
      throw tooMany('frames of all stacks together', 'stackFrames', this.#limits);
    }
    const grown = new Uint32Array(Math.min(this.#length * 2, stackFrames));
    grown.set(this.#stackFrames);
    this.#stackFrames = grown;
  }
}

const LINE = /^(.*\S)\s+(-?\d+)$/;

/**
 * Parses folded text, one stack a line, root first: `main;handle;parse 12`. Empty lines are skipped.
 * With `counted: false` each line is one sample and carries no value (Pyroscope's `lines` format).
 * @throws ProfileError `FOLDED_MALFORMED` with the number of the line and what it holds; `PPROF_LIMIT`
 */
export function parseFolded(
  text: string,
  { counted = true, limits = FILE_LIMITS } = {},
): FoldedStacks {
  const builder = new StackColumnsBuilder(limits);
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
    for (const name of stack.split(';')) builder.push(builder.frameId(formatFrame({ name })));
    builder.endStack();
    values.push(value);
  }
  return { ...builder.build(), values: BigInt64Array.from(values) };
}
