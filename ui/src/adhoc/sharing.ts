import { API, type SharedFile } from '@bunsen/profile';
import { ApiError, request } from '../api/client.ts';
import { type PageFile, pprofOf } from './desk.ts';

/** Formats that the server reads as well; what else is read here is sent as a pprof. */
const SERVER_FORMATS = ['pprof', 'folded text', 'perf script', 'speedscope'];

/** Whether a file is sent as it is, byte by byte. */
export function isSentAsItIs({ format }: PageFile): boolean {
  return SERVER_FORMATS.includes(format);
}

/**
 * Sends a file to the server, gzipped, for whoever gets its id.
 * @throws ApiError such as `BODY_TOO_LARGE`; DOMException `AbortError`
 */
export async function shareFile(file: PageFile, signal: AbortSignal): Promise<SharedFile> {
  const bytes = isSentAsItIs(file) ? file.source : new Blob([await pprofOf(file.id)]);
  const name = encodeURIComponent(file.name);
  const response = await request(`${API.files}?name=${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: await gzipped(bytes),
    signal,
  });
  return (await response.json()) as SharedFile;
}

/** @throws ApiError; one that is gone already is none */
export async function stopSharing({ id }: SharedFile): Promise<void> {
  try {
    const signal = AbortSignal.timeout(60_000);
    await request(API.file(encodeURIComponent(id)), { method: 'DELETE', signal });
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'NOT_FOUND')) throw error;
  }
}

/**
 * A file that somebody shared.
 * @throws ApiError such as `NOT_FOUND`; DOMException `AbortError`
 */
export async function fetchShared(
  id: string,
  signal: AbortSignal,
): Promise<{ source: File; shared: SharedFile }> {
  const { headers, blob } = await request(API.file(encodeURIComponent(id)), { signal }).then(
    async (response) => ({ headers: response.headers, blob: await response.blob() }),
  );
  const timeOf = (header: string) => Date.parse(headers.get(header) ?? '') || 0;
  const [, name = id] =
    /filename\*=UTF-8''(\S+)/.exec(headers.get('content-disposition') ?? '') ?? [];
  const shared = {
    id,
    name: decodeURIComponent(name),
    uploadedMs: timeOf('last-modified'),
    expiresMs: timeOf('sunset'),
  };
  return { source: new File([blob], shared.name, { lastModified: shared.uploadedMs }), shared };
}

/** A file that is gzipped already stays as it is. */
async function gzipped(file: Blob): Promise<Blob> {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (head[0] === 0x1f && head[1] === 0x8b) return file;
  return new Response(file.stream().pipeThrough(new CompressionStream('gzip'))).blob();
}
