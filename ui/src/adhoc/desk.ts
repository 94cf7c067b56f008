import type { PreparedFlame } from '@bunsen/flame';
import type { FlameDiff, SharedFile } from '@bunsen/profile';
import { useSyncExternalStore } from 'react';
import { ApiError } from '../api/client.ts';
import type { DeskCall, DeskReply } from './desk-worker.ts';
import type { OpenedFile, Source } from './file-desk.ts';

/** The page's side of the desk: files are read and kept in a worker. */

type Waiting = { resolve(result: unknown): void; reject(error: Error): void };

let worker: Worker | undefined;
let lastId = 0;
const waiting = new Map<number, Waiting>();

function call<T>(method: DeskCall['method'], args: unknown[]): Promise<T> {
  if (!worker) {
    worker = new Worker(new URL('./desk-worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<DeskReply>) => {
      const { resolve, reject } = waiting.get(data.id) as Waiting;
      waiting.delete(data.id);
      if ('result' in data) resolve(data.result);
      else reject(new ApiError('FILE_UNREADABLE', data.message, 0));
    };
    worker.onerror = ({ message }) => {
      for (const { reject } of waiting.values()) reject(new Error(message));
      waiting.clear();
    };
  }
  const target = worker;
  const id = ++lastId;
  return new Promise<T>((resolve, reject) => {
    waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
    target.postMessage({ id, method, args } satisfies DeskCall);
  });
}

export const flameOf = (source: Source, maxNodes: number) =>
  call<PreparedFlame>('flame', [source, maxNodes]);

export const diffOf = (left: Source, right: Source, maxNodes: number) =>
  call<FlameDiff>('diff', [left, right, maxNodes]);

/** What was read of a file, as a pprof. */
export const pprofOf = (id: string) => call<Uint8Array<ArrayBuffer>>('pprof', [id]);

/** A file that is open in this tab. */
export interface PageFile extends OpenedFile {
  source: File;
  /** What it is shared as; null while it is nowhere but here. */
  shared: SharedFile | null;
}

let files: readonly PageFile[] = [];
const listeners = new Set<() => void>();

function setFiles(next: readonly PageFile[]): void {
  files = next;
  for (const listener of listeners) listener();
}

/** The files that are open, in the order in which they were opened. */
export function useFiles(): readonly PageFile[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => files,
  );
}

/**
 * @param shared what the server has it as, if it comes from there
 * @throws ApiError `FILE_UNREADABLE` with what is wrong with the file
 */
export async function openFile(source: File, shared: SharedFile | null = null): Promise<PageFile> {
  const bytes = new Uint8Array(await source.arrayBuffer());
  const opened = await call<OpenedFile>('open', [source.name, bytes, source.lastModified]);
  const before = files.find(({ id }) => id === opened.id);
  const file = { ...opened, source, shared: shared ?? before?.shared ?? null };
  setFiles([...files.filter(({ id }) => id !== opened.id), file]);
  return file;
}

/** Others can open it from now on; null: not any more. */
export function markShared(id: string, shared: SharedFile | null): void {
  setFiles(files.map((one) => (one.id === id ? { ...one, shared } : one)));
}

export function closeFile(id: string): void {
  void call('close', [id]);
  setFiles(files.filter((one) => one.id !== id));
}
