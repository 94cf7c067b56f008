import type { ErrorResponse } from '@bunsen/profile';

/** A request that failed: the server's own code and message, or what kept us from getting to it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export type Params = Record<string, string | number>;

/** @throws ApiError; DOMException `AbortError` once `signal` is aborted */
export async function getJson<T>(path: string, params: Params, signal: AbortSignal): Promise<T> {
  const response = await get(path, params, 'application/json', signal);
  return (await response.json()) as T;
}

/**
 * The whole body of an answer.
 * @param onProgress is told how many bytes have come so far, decompressed
 * @throws ApiError; DOMException `AbortError` once `signal` is aborted
 */
export async function getBytes(
  path: string,
  params: Params,
  accept: string,
  signal: AbortSignal,
  onProgress: (receivedBytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await get(path, params, accept, signal);
  const reader = response.body?.getReader();
  if (!reader) return new Uint8Array(await response.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
    onProgress(length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function get(
  path: string,
  params: Params,
  accept: string,
  signal: AbortSignal,
): Promise<Response> {
  const query = new URLSearchParams(
    Object.entries(params).map(([name, value]) => [name, String(value)]),
  );
  return request(`${path}?${query}`, { headers: { accept }, signal });
}

/** @throws ApiError; DOMException `AbortError` once `signal` is aborted */
export async function request(
  url: string,
  init: RequestInit & { signal: AbortSignal },
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal.aborted) throw error;
    throw new ApiError(
      'SERVER_UNREACHABLE',
      'The server gives no answer. Check that it is running and that this machine reaches it.',
      0,
    );
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { code, message } = JSON.parse(text) as Partial<ErrorResponse>;
    if (code && message) return new ApiError(code, message, response.status);
  } catch {
    // A proxy in between answered with a page of its own.
  }
  return new ApiError(
    `HTTP_${response.status}`,
    text.slice(0, 300).trim() || response.statusText || 'The answer has no text.',
    response.status,
  );
}
