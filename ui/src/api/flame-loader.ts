import { WORKER_BYTES } from '@bunsen/flame';
import { ApiError } from './client.ts';
import { LOADERS, type Loaded, type LoadedKind } from './loaders.ts';

export interface ToFlameWorker {
  id: number;
  kind: LoadedKind;
  bytes: Uint8Array<ArrayBuffer>;
}

export type FromFlameWorker =
  | { id: number; loaded: Loaded[LoadedKind] }
  | { id: number; message: string };

type Waiting = { resolve(loaded: Loaded[LoadedKind]): void; reject(error: Error): void };

let worker: Worker | undefined;
let lastId = 0;
const waiting = new Map<number, Waiting>();

/**
 * Decodes and prepares a flame graph or a comparison: small ones at once, big ones in a worker,
 * which then owns `bytes`.
 * @throws ApiError `FLAME_MALFORMED`
 */
export async function loadFlame<K extends LoadedKind>(
  kind: K,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Loaded[K]> {
  if (bytes.length < WORKER_BYTES) {
    try {
      return LOADERS[kind](bytes);
    } catch (error) {
      throw malformed(error instanceof Error ? error.message : String(error));
    }
  }
  const target = theWorker();
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve: (loaded) => resolve(loaded as Loaded[K]), reject });
    target.postMessage({ id, kind, bytes } satisfies ToFlameWorker, [bytes.buffer]);
  });
}

/** Starts the worker while the rest of an answer is on its way. */
export function warmUpFlameLoader(): void {
  theWorker();
}

function theWorker(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL('./flame-worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<FromFlameWorker>) => {
    const { resolve, reject } = waiting.get(data.id) as Waiting;
    waiting.delete(data.id);
    if ('loaded' in data) resolve(data.loaded);
    else reject(malformed(data.message));
  };
  worker.onerror = ({ message }) => {
    for (const { reject } of waiting.values()) reject(malformed(message));
    waiting.clear();
    worker?.terminate();
    worker = undefined;
  };
  return worker;
}

function malformed(message: string): ApiError {
  return new ApiError(
    'FLAME_MALFORMED',
    `${message}. Reload the page: it may be older than the server.`,
    0,
  );
}
