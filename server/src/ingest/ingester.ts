import { randomUUID } from 'node:crypto';
import { BunsenError } from '../errors.ts';
import { type ProfileBatch, sizeBytesOf } from '../store/profile-batch.ts';
import type { ProfileStore, WriteResult } from '../store/profile-store.ts';
import { WorkerPool } from '../worker-pool.ts';
import { type CumulativeOutcome, DROP_REASONS, type LastProfiles } from './cumulative.ts';
import type { BodySource } from './decode.ts';
import type { DecodeResult, DecodeTask } from './decode-worker.ts';
import { LastProfilesOfSeries } from './last-profiles.ts';
import type { IngestLimits } from './limits.ts';

export interface IngesterOptions {
  limits: IngestLimits;
  /**
   * Bytes of bodies and of what they become that may be in memory at once: what comes on top is
   * told to come later. Decoding waits while the store has half as much to write.
   */
  inFlightBytes: number;
  /** Threads that decode. */
  threads: number;
  onStored: (samples: number, duplicate: boolean) => void;
  /** Told once a request with cumulative profiles is stored, unless it had been before. */
  onCumulative: (outcome: CumulativeOutcome) => void;
}

export interface PushResult {
  samples: number;
  duplicate: boolean;
  /** What the client should know of what was not counted. */
  warnings: string[];
}

/** What one body takes of the memory for all of them. */
export interface Room {
  /** @throws BunsenError `INGEST_BUSY` if there is no room for so many bytes now */
  check: (bytes: number) => void;
  /** @throws BunsenError `INGEST_BUSY` */
  grow: (bytes: number) => void;
  release: () => void;
}

type Decoded = Exclude<DecodeResult, { error: unknown }>;

/** From a body to durable rows: decode in a worker, then write. */
export class Ingester {
  readonly #options: IngesterOptions;
  readonly #store: ProfileStore;
  readonly #workers: WorkerPool<DecodeTask, DecodeResult>;
  /** Pushes that are being stored, by key: a repeated one waits for the first. */
  readonly #running = new Map<string, Promise<PushResult>>();
  #inFlightBytes = 0;
  /** Bytes of decoded pushes that are being written or wait for it; part of `#inFlightBytes`. */
  #decodedBytes = 0;
  /** Pushes that wait to be decoded, first come first served. */
  readonly #waiting: (() => void)[] = [];
  #decoding = 0;
  readonly #lastProfiles: LastProfilesOfSeries;

  constructor(store: ProfileStore, options: IngesterOptions) {
    this.#store = store;
    this.#options = options;
    this.#lastProfiles = new LastProfilesOfSeries(options.limits.cumulativeBytes);
    this.#workers = new WorkerPool({
      filename: new URL('./decode-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: options.threads,
      // A profile that needs more than this ends its worker, and not the server.
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    });
  }

  get limits(): IngestLimits {
    return this.#options.limits;
  }

  /** Bytes of bodies, and of what they became, that are held now. */
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Room for a body, none at first. */
  room(): Room {
    let own = 0;
    return {
      check: (bytes) => this.#checkRoom(own, bytes),
      grow: (bytes) => {
        this.#checkRoom(own, bytes);
        own += bytes;
        this.#inFlightBytes += bytes;
      },
      release: () => {
        this.#inFlightBytes -= own;
        own = 0;
      },
    };
  }

  /** One body is taken however large it is: nothing else is there that would end and make room. */
  #checkRoom(own: number, bytes: number): void {
    if (this.#inFlightBytes + bytes > this.#options.inFlightBytes && this.#inFlightBytes > own) {
      throw new BunsenError(
        'INGEST_BUSY',
        `${this.#inFlightBytes} bytes of profiles are being stored, of at most ${this.#options.inFlightBytes} at once (BUNSEN_MAX_IN_FLIGHT_BYTES): send this one again later`,
        { retryAfterSeconds: 1 },
      );
    }
  }

  /**
   * Stores a body. Resolves when it is durable.
   * @param key the client's, or undefined: then a repetition would count again
   * @throws BunsenError; nothing is stored if the body is at fault
   */
  async push(
    body: Buffer,
    gzipped: boolean,
    source: BodySource,
    key: string | undefined,
  ): Promise<PushResult> {
    const id = key ?? randomUUID();
    for (let running = this.#running.get(id); running; running = this.#running.get(id)) {
      const first = await running.catch(() => undefined); // its failure has been answered
      if (first) return { ...first, duplicate: true };
    }
    const push = this.#push(body, gzipped, source, id, key !== undefined);
    this.#running.set(id, push);
    try {
      return await push;
    } finally {
      this.#running.delete(id);
    }
  }

  async #push(
    body: Buffer,
    gzipped: boolean,
    source: BodySource,
    id: string,
    repeatable: boolean,
  ): Promise<PushResult> {
    const task = (lastProfiles: LastProfiles): DecodeTask => ({
      body,
      gzipped,
      source,
      limits: this.#options.limits,
      nowMs: Date.now(),
      id,
      repeatable,
      lastProfiles,
      seen: this.#store.seen.buffer,
    });
    const first = await this.#decode(task(new Map()));
    if (first.cumulative.unknown.size === 0) return this.#storeDecoded(first);
    return this.#lastProfiles.inTurn([...first.cumulative.unknown], async (known) => {
      const decoded = await this.#decode(task(known));
      const stored = await this.#storeDecoded(decoded);
      this.#lastProfiles.keep(decoded.cumulative.last);
      return stored;
    });
  }

  async #storeDecoded({ batches, cumulative }: Decoded): Promise<PushResult> {
    const written = await this.#write(batches);
    const duplicate = written.length > 0 && written.every((result) => result.duplicate);
    const stored = { samples: 0, duplicate, warnings: duplicate ? [] : warningsOf(cumulative) };
    batches.forEach(({ samples }, index) => {
      stored.samples += samples;
      this.#options.onStored(samples, written[index]?.duplicate === true);
    });
    if (!duplicate) this.#options.onCumulative(cumulative);
    return stored;
  }

  /** Writes what one body held; they come into the same group. */
  async #write(batches: ProfileBatch[]): Promise<WriteResult[]> {
    const bytes = batches.reduce((sum, batch) => sum + sizeBytesOf(batch), 0);
    this.#inFlightBytes += bytes;
    this.#decodedBytes += bytes;
    try {
      const settled = await Promise.allSettled(batches.map((batch) => this.#store.write(batch)));
      return settled.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
    } finally {
      this.#inFlightBytes -= bytes;
      this.#decodedBytes -= bytes;
      this.#startDecoding();
    }
  }

  /** @throws BunsenError; what is wrong with the body among others */
  async #decode(task: DecodeTask): Promise<Decoded> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#startDecoding();
    });
    try {
      const result = await this.#workers.run(task);
      if ('error' in result) throw new BunsenError(result.error.code, result.error.message);
      return result;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') throw error;
      throw new BunsenError(
        'PROFILE_TOO_LARGE',
        'decoding the profile took more memory than a worker may have: send a shorter window',
        { cause: error },
      );
    } finally {
      this.#decoding--;
      this.#startDecoding();
    }
  }

  /**
   * A body becomes several times as large: what was admitted must not all be decoded while the store
   * writes slowly. One more than there are threads, so that none waits for the main thread.
   */
  #startDecoding(): void {
    const { threads, inFlightBytes } = this.#options;
    while (this.#decoding <= threads && this.#decodedBytes <= inFlightBytes / 2) {
      const start = this.#waiting.shift();
      if (!start) return;
      this.#decoding++;
      start();
    }
  }

  async close(): Promise<void> {
    await this.#workers.end();
  }
}

function warningsOf({ dropped, clampedStacks }: CumulativeOutcome): string[] {
  const warnings = Object.entries(DROP_REASONS).flatMap(([reason, because]) => {
    const profiles = dropped.filter((one) => one === reason).length;
    if (profiles === 0) return [];
    return `the cumulative values of ${profiles} profiles are not counted (${reason}), as for each ${because}`;
  });
  if (clampedStacks > 0) {
    warnings.push(`${clampedStacks} stacks had more in prev_profile than now: they count as 0`);
  }
  return warnings;
}
