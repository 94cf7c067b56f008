import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AgentError } from '../errors.ts';
import type { EncodedWindow } from './encode-window.ts';

/** A window that waits on disk. */
export interface SpooledWindow {
  file: string;
  /** Under which it counts once, however often it is sent. */
  key: string;
  startMs: number;
  samples: number;
  sizeBytes: number;
}

const FILE = /^(\d{13,})-([0-9a-f-]{36})-(\d+)\.pprof\.gz$/;

/**
 * Windows that the server has not acknowledged yet, as files in one folder, so that they outlive the
 * agent. Bounded: the oldest are given up first. What a file's name says is all there is to know.
 */
export class Spool {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #instance: string;
  readonly #onDropped: (samples: number) => void;
  /** Samples of all windows that were ever added, not of those that were found. */
  addedSamples = 0;
  #windows: SpooledWindow[] = [];
  #sending: SpooledWindow | undefined;

  private constructor(
    directory: string,
    maxBytes: number,
    instance: string,
    onDropped: (samples: number) => void,
  ) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.#instance = instance;
    this.#onDropped = onDropped;
  }

  /**
   * Opens the folder with what an earlier agent left in it.
   * @param options.instance a UUID: two agents' windows of the same second are different windows
   * @param options.onDropped told of the samples in windows that are given up for room
   * @throws AgentError `SPOOL_UNUSABLE`
   */
  static async open(options: {
    directory: string;
    maxBytes: number;
    instance: string;
    onDropped: (samples: number) => void;
  }): Promise<Spool> {
    const { directory, maxBytes, instance, onDropped } = options;
    const spool = new Spool(directory, maxBytes, instance, onDropped);
    try {
      await makeFolder(directory);
      for (const file of (await readdir(directory)).sort()) {
        const match = FILE.exec(file);
        if (!match) {
          // A write that was cut short by a crash: its samples died with the process that counted them.
          if (file.endsWith('.partial')) await unlink(path.join(directory, file));
          continue;
        }
        const [, startMs, owner, samples] = match;
        const { size } = await stat(path.join(directory, file));
        spool.#windows.push({
          file,
          key: `${owner}-${startMs}`,
          startMs: Number(startMs),
          samples: Number(samples),
          sizeBytes: size,
        });
      }
    } catch (cause) {
      throw new AgentError(
        'SPOOL_UNUSABLE',
        `The agent cannot keep its windows in ${directory} (${String(cause)}): make that folder writable, or name another with BUNSEN_AGENT_DATA_DIR.`,
        { cause },
      );
    }
    return spool;
  }

  get sizeBytes(): number {
    return this.#windows.reduce((sum, window) => sum + window.sizeBytes, 0);
  }

  get samples(): number {
    return this.#windows.reduce((sum, window) => sum + window.samples, 0);
  }

  get length(): number {
    return this.#windows.length;
  }

  /** The oldest window, which is sent first. */
  first(): SpooledWindow | undefined {
    return this.#windows[0];
  }

  /** This window is on its way (or none): it is not given up, lest it count as shipped and as lost. */
  set sending(window: SpooledWindow | undefined) {
    this.#sending = window;
  }

  /** Writes a window, whole or not at all, and gives up the oldest ones if there is no room. */
  async add({ startMs, samples, bytes }: EncodedWindow): Promise<void> {
    const file = `${startMs}-${this.#instance}-${samples}.pprof.gz`;
    // Somebody may have removed the folder since the last window.
    await makeFolder(this.#directory);
    const partial = path.join(this.#directory, `${file}.partial`);
    try {
      await writeFile(partial, bytes);
      await rename(partial, path.join(this.#directory, file));
    } catch (error) {
      // On a full disk, half a window would take the room of the next one.
      await unlink(partial).catch(() => undefined);
      throw error;
    }
    this.#windows.push({
      file,
      key: `${this.#instance}-${startMs}`,
      startMs,
      samples,
      sizeBytes: bytes.length,
    });
    this.addedSamples += samples;
    while (this.sizeBytes > this.#maxBytes) {
      const oldest = this.#windows.slice(0, -1).find((window) => window !== this.#sending);
      if (!oldest) break;
      const removed = this.remove(oldest);
      this.#onDropped(oldest.samples);
      await removed;
    }
  }

  read(window: SpooledWindow): Promise<Buffer> {
    return readFile(path.join(this.#directory, window.file));
  }

  /** Forgets a window that was acknowledged or given up: at once, and then its file. */
  async remove(window: SpooledWindow): Promise<void> {
    this.#windows = this.#windows.filter((other) => other !== window);
    await unlink(path.join(this.#directory, window.file)).catch(() => undefined);
  }
}

/** With those above it, one by one: where a folder takes no others, as /proc, Node.js' own recursion does not end. */
async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let each = path.resolve(folder); !existsSync(each); each = path.dirname(each)) {
    missing.push(each);
  }
  for (const each of missing.reverse()) await mkdir(each);
}
