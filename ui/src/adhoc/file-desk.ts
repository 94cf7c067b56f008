import { layoutFlame, type PreparedFlame } from '@bunsen/flame';
import {
  CallTreeBuilder,
  callTreeOf,
  diffTreeOf,
  type FlameDiff,
  type FlameMeta,
  functionOfFrame,
  type StackColumns,
} from '@bunsen/profile';
import { asPprof } from './as-pprof.ts';
import type { FileProfile, ReadFile } from './formats/file-profile.ts';
import { readProfileFile, readServerPprof } from './formats/read-file.ts';

/** What a page knows of a file that was opened; the stacks stay with the desk. */
export interface OpenedFile {
  /** Of its bytes: the same file has the same one again. */
  id: string;
  name: string;
  format: string;
  /** `total` is in `unit`. */
  profiles: { name: string; unit: string; total: number }[];
  warnings: string[];
}

/** One kind of values of an opened file, or a pprof as the server sent it. */
export type Source = { id: string; profile: number } | { pprof: Uint8Array<ArrayBuffer> };

/** A file as the desk has it. */
interface DeskFile {
  lastModifiedMs: number;
  read: ReadFile;
}

/** Holds the files that were opened, and makes graphs of them. It lives in a worker, and in tests. */
export class FileDesk {
  readonly #files = new Map<string, DeskFile>();

  /** @throws FileError or ProfileError that says what is wrong with the file */
  async open(
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
    lastModifiedMs: number,
  ): Promise<OpenedFile> {
    const id = hashOf(bytes);
    const read = await readProfileFile(bytes);
    this.#files.set(id, { lastModifiedMs, read });
    return {
      id,
      name,
      format: read.format,
      profiles: read.profiles.map((profile) => ({
        name: profile.name,
        unit: profile.unit,
        total: profile.values.reduce((sum, value) => sum + value, 0),
      })),
      warnings: read.warnings,
    };
  }

  /** What was read of a file, as a pprof. */
  pprof(id: string): Uint8Array {
    const file = this.#files.get(id);
    if (!file) throw new Error(`the file ${id} is not open`);
    // What is last in a pprof is what is shown first.
    return asPprof(file.read.profiles.toReversed());
  }

  close(id: string): void {
    this.#files.delete(id);
  }

  async flame(source: Source, maxNodes: number): Promise<PreparedFlame> {
    const { stacks, values, meta } = await this.#stacksOf(source);
    const builder = new CallTreeBuilder({ stacks: values.length });
    builder.add(stacks, values);
    const cut = builder.cut(maxNodes);
    const { foldedNodes, foldedValue } = cut;
    return { meta: { ...meta, foldedNodes, foldedValue }, layout: layoutFlame(callTreeOf(cut)) };
  }

  /** Whole on both sides: what one of them had folded away would be no function of the other. */
  async diff(left: Source, right: Source, maxNodes: number): Promise<FlameDiff> {
    const sides = await Promise.all([left, right].map((source) => this.#stacksOf(source)));
    const builder = new CallTreeBuilder({ sides: 2 });
    sides.forEach(({ stacks, values }, side) => {
      builder.add(stacks, values, side);
    });
    const cut = builder.cut(maxNodes);
    const { foldedNodes, foldedValue } = cut;
    const [a, b] = sides.map(({ meta }) => meta) as [FlameMeta, FlameMeta];
    return {
      tree: diffTreeOf(cut),
      meta: {
        profileType: b.profileType,
        unit: b.unit,
        left: { fromMs: a.fromMs, untilMs: a.untilMs },
        right: { fromMs: b.fromMs, untilMs: b.untilMs },
        foldedNodes,
        foldedValue,
        warnings: [...a.warnings, ...b.warnings],
      },
    };
  }

  async #stacksOf(source: Source): Promise<Side> {
    if ('pprof' in source) {
      const read = await readServerPprof(source.pprof);
      return sideOf(read.profiles[0], { lastModifiedMs: 0, read });
    }
    const file = this.#files.get(source.id);
    if (!file) throw new Error(`the file ${source.id} is not open`);
    return sideOf(file.read.profiles[source.profile], file);
  }
}

interface Side {
  stacks: StackColumns;
  values: Float64Array;
  meta: FlameMeta;
}

function sideOf(profile: FileProfile | undefined, file: DeskFile): Side {
  if (!profile) throw new Error('the file has no such profile');
  const { stacks, values } = profile;
  return {
    // Lines and files of one function are one frame, as in every flame graph.
    stacks: { ...stacks, frames: stacks.frames.map(functionOfFrame) },
    values,
    meta: metaOf(profile, file),
  };
}

/** A file that does not say when it was taken has a range of no length. */
function metaOf({ name, unit, range }: FileProfile, file: DeskFile): FlameMeta {
  const at = file.lastModifiedMs;
  const { fromMs, untilMs } = range ?? { fromMs: at, untilMs: at };
  return {
    profileType: `file:${name}:${unit}::`,
    unit,
    fromMs,
    untilMs,
    foldedNodes: 0,
    foldedValue: 0,
    warnings: file.read.warnings,
  };
}

/** FNV-1a, twice: tells the files of one reader apart, and is no promise beyond that. */
function hashOf(bytes: Uint8Array): string {
  let a = 0x811c9dc5;
  let b = 0x01000193 ^ bytes.length;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b) + 1;
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
