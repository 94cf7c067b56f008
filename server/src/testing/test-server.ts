import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  API,
  CPU_PROFILE_TYPE,
  decodeFlame,
  type ErrorResponse,
  FLAME_CONTENT_TYPE,
  type Flame,
  IDEMPOTENCY_KEY,
  NO_FRAME,
  nameOfFrame,
  type PushResponse,
} from '@bunsen/profile';
import { type App, buildApp } from '../app.ts';
import { readConfig } from '../config.ts';

const tempDirs: string[] = [];
process.on('exit', () => {
  for (const dir of tempDirs) rmSync(dir, { recursive: true, force: true });
});

/** A directory that is gone when the process ends. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bunsen-test-'));
  tempDirs.push(dir);
  return dir;
}

/** A whole server with an embedded store of its own, on a port of its own. */
export class TestServer {
  readonly app: App;
  readonly url: string;

  private constructor(app: App, url: string) {
    this.app = app;
    this.url = url;
  }

  static async start(env: Record<string, string> = {}): Promise<TestServer> {
    const config = readConfig({
      BUNSEN_DATA_DIR: tempDir(),
      BUNSEN_LOG_LEVEL: process.env['BUNSEN_LOG_LEVEL'] ?? 'silent',
      BUNSEN_PORT: '0',
      ...env,
    });
    const app = await buildApp(config);
    const url = await app.fastify.listen({ host: config.host, port: config.port });
    return new TestServer(app, url);
  }

  async close(): Promise<void> {
    await this.app.close();
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url + path, init);
  }

  /** A JSON reply of status 200. */
  async get<T>(path: string, params: Record<string, string | number> = {}): Promise<T> {
    const response = await this.fetch(`${path}?${searchOf(params)}`);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Status and error of a request that is refused. */
  async refusal(
    path: string,
    init?: RequestInit,
  ): Promise<{ status: number; code: string; message: string }> {
    const response = await this.fetch(path, init);
    const body = (await response.json()) as ErrorResponse;
    return { status: response.status, ...body };
  }

  /** Pushes a pprof; throws unless it is acknowledged. */
  async push(body: Uint8Array, key?: string): Promise<PushResponse> {
    return pushTo(this.url, body, key);
  }

  async flame(query: string, params: Record<string, string | number> = {}): Promise<Flame> {
    const search = searchOf({ query, ...params });
    const response = await this.fetch(`${API.flamegraph}?${search}`, {
      headers: { accept: FLAME_CONTENT_TYPE },
    });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return decodeFlame(new Uint8Array(await response.arrayBuffer()));
  }
}

export async function pushTo(url: string, body: Uint8Array, key?: string): Promise<PushResponse> {
  const response = await fetch(url + API.push, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      ...(key !== undefined && { [IDEMPOTENCY_KEY]: key }),
    },
    body: body as Uint8Array<ArrayBuffer>,
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as PushResponse;
}

export function searchOf(params: Record<string, string | number>): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) search.set(name, String(value));
  return search;
}

export function cpuQuery(matchers = ''): string {
  return `${CPU_PROFILE_TYPE}{${matchers}}`;
}

/** A call tree as folded lines of what has a self value, in the tree's order: `main;a;b 7`. */
export function foldedOf({ tree }: Flame): string[] {
  const path: string[] = [];
  const lines: string[] = [];
  for (let node = 0; node < tree.depth.length; node++) {
    const frame = tree.frame[node] as number;
    path.length = tree.depth[node] as number;
    path.push(frame === NO_FRAME ? '' : nameOfFrame(tree.frames[frame] as string));
    if (tree.self[node] !== 0) lines.push(`${path.slice(1).join(';')} ${tree.self[node]}`);
  }
  return lines;
}

export function totalOf({ tree }: Flame): number {
  return tree.total[0] as number;
}
