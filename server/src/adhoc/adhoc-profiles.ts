import { randomUUID } from 'node:crypto';
import type { SharedFile } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import type { IngestLimits } from '../ingest/limits.ts';
import type { WorkerResult } from '../query/worker-result.ts';
import { mutate } from '../store/mutate.ts';
import { DEFAULT_TENANT } from '../store/profile-batch.ts';
import type { Store } from '../store/store.ts';
import { dateTimeText } from '../store/time-sql.ts';
import { DAY_MS } from '../time.ts';
import { WorkerPool } from '../worker-pool.ts';
import type { AdHocFile, AdHocTask, AdHocView } from './adhoc-worker.ts';

export type AdHocEntry = Omit<AdHocFile, 'file'>;

const NAME_CHARS = 255;
/** What a list has at most; nobody reads more. */
const LIST_ENTRIES = 1000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Files that somebody uploads to look at. They are kept as they came, as long as sums by the hour
 * are, and are no part of any service's profiles.
 */
export class AdHocProfiles {
  readonly #store: Store;
  readonly #limits: IngestLimits;
  readonly #workers: WorkerPool<AdHocTask, WorkerResult>;

  constructor(store: Store, limits: IngestLimits) {
    this.#store = store;
    this.#limits = limits;
    this.#workers = new WorkerPool({
      filename: new URL('./adhoc-worker.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: 1,
      // A file that needs more than this ends its worker, and not the server.
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    });
  }

  /**
   * Keeps a file that can be shown.
   * @param file in base64
   * @returns an AdHocProfilesGetResponse as bytes, once the file is durable
   * @throws BunsenError; nothing is kept if the file is at fault
   */
  async upload(name: string, file: string, view: AdHocView): Promise<Uint8Array<ArrayBuffer>> {
    const { shown } = await this.#keep(name, file, view);
    return shown;
  }

  /**
   * As {@link upload}, of a file's bytes.
   * @returns what names it, once it is durable
   */
  async share(name: string, bytes: Buffer): Promise<SharedFile> {
    const view = { profileType: '', maxNodes: 1, encoding: 'protobuf' } as const;
    const { entry } = await this.#keep(name, bytes.toString('base64'), view);
    return this.#shared(entry);
  }

  async #keep(name: string, file: string, view: AdHocView) {
    if (name.length === 0 || name.length > NAME_CHARS) {
      throw new BunsenError(
        'PARAMETER_INVALID',
        `name has ${name.length} characters: give it from 1 to ${NAME_CHARS}`,
      );
    }
    const entry: AdHocEntry = { id: randomUUID(), name, uploadedMs: Date.now() };
    const shown = await this.#show([{ ...entry, file }], view);
    await this.#store.insertJson('adhoc_profiles', [
      {
        tenant: DEFAULT_TENANT,
        id: entry.id,
        name,
        uploaded: dateTimeText(entry.uploadedMs),
        file,
      },
    ]);
    return { entry, shown };
  }

  #shared(entry: AdHocEntry): SharedFile {
    const keptMs = this.#store.retention.hourlyDays * DAY_MS;
    return { ...entry, expiresMs: entry.uploadedMs + keptMs };
  }

  /** @throws BunsenError `NOT_FOUND` */
  async get(id: string, view: AdHocView): Promise<Uint8Array<ArrayBuffer>> {
    return this.#show([await this.#read('id', id)], view);
  }

  /**
   * Two files as one flame graph.
   * @returns an AdHocProfilesDiffResponse as bytes
   * @throws BunsenError `NOT_FOUND`, and `PARAMETER_CONTRADICTION` if they have no type in common
   */
  async diff(leftId: string, rightId: string, view: AdHocView): Promise<Uint8Array<ArrayBuffer>> {
    const left = await this.#read('left_id', leftId);
    return this.#show([left, await this.#read('right_id', rightId)], view);
  }

  /**
   * A file as it came.
   * @throws BunsenError `NOT_FOUND`
   */
  async file(id: string): Promise<{ shared: SharedFile; bytes: Buffer }> {
    const { file, ...entry } = await this.#read('id', id);
    return { shared: this.#shared(entry), bytes: Buffer.from(file, 'base64') };
  }

  /**
   * Takes a file away for good.
   * @throws BunsenError `NOT_FOUND`
   */
  async remove(id: string): Promise<void> {
    await this.#read('id', id);
    await mutate(
      this.#store,
      'ALTER TABLE adhoc_profiles DELETE WHERE tenant = {tenant:String} AND id = {id:UUID}',
      { tenant: DEFAULT_TENANT, id },
    );
  }

  async #read(field: string, id: string): Promise<AdHocFile> {
    const [row] = UUID.test(id)
      ? await this.#store.rows<{ name: string; ms: string; file: string }>(
          `SELECT name, toUnixTimestamp64Milli(uploaded) AS ms, file FROM adhoc_profiles
           WHERE tenant = {tenant:String} AND id = {id:UUID} LIMIT 1`,
          { params: { tenant: DEFAULT_TENANT, id } },
        )
      : [];
    if (row) return { id, name: row.name, uploadedMs: Number(row.ms), file: row.file };
    throw new BunsenError(
      'NOT_FOUND',
      `${field}: there is no uploaded profile ${JSON.stringify(id)}`,
    );
  }

  /** The newest first; `more` if there are others besides. */
  async list(): Promise<{ entries: AdHocEntry[]; more: boolean }> {
    const rows = await this.#store.rows<{ id: string; name: string; ms: string }>(
      `SELECT id, name, toUnixTimestamp64Milli(uploaded) AS ms FROM adhoc_profiles
       WHERE tenant = {tenant:String} ORDER BY uploaded DESC, id LIMIT ${LIST_ENTRIES + 1}`,
      { params: { tenant: DEFAULT_TENANT } },
    );
    const entries = rows
      .slice(0, LIST_ENTRIES)
      .map(({ id, name, ms }) => ({ id, name, uploadedMs: Number(ms) }));
    return { entries, more: rows.length > LIST_ENTRIES };
  }

  async #show(files: AdHocTask['files'], view: AdHocView): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const result = await this.#workers.run({ files, view, limits: this.#limits });
      if (!('error' in result)) return result;
      throw new BunsenError(result.error.code, result.error.message);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') throw error;
      throw new BunsenError(
        'PROFILE_TOO_LARGE',
        'decoding the profile took more memory than a worker may have: upload a smaller one',
        { cause: error },
      );
    }
  }

  async close(): Promise<void> {
    await this.#workers.end();
  }
}
