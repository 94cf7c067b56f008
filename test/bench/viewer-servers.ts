import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { API } from '@bunsen/profile';
import { atEnd, type Cleanup } from '../harness.ts';
import { VIEWERS_FOLDER } from './viewers.ts';

const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
};

/** The folder of the viewers over HTTP, and what is set in memory. */
export async function serveFiles(t: Cleanup) {
  const inMemory = new Map<string, Buffer>();
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://viewers');
    const file = path.join(VIEWERS_FOLDER, path.normalize(decodeURIComponent(pathname)));
    const body = inMemory.get(pathname) ?? (await readFile(file).catch(() => undefined));
    const type = CONTENT_TYPES[path.extname(pathname)] ?? 'application/octet-stream';
    response.writeHead(body ? 200 : 404, { 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => server.close());
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, set: inMemory.set.bind(inMemory) };
}

/**
 * Bunsen's server, whose flame graphs are merged once and then answered from memory: the others have
 * their profile as a file.
 */
export async function serveAgain(t: Cleanup, url: string): Promise<string> {
  const answers = new Map<string, { headers: http.IncomingHttpHeaders; body: Buffer }>();
  const agent = new http.Agent({ keepAlive: true });
  atEnd(t, () => agent.destroy());
  const server = http.createServer((request, response) => {
    const { method, url: path = '/', headers } = request;
    const key = `${path} ${headers.accept} ${headers['accept-encoding']}`;
    const known = answers.get(key);
    if (known) {
      response.writeHead(200, known.headers);
      response.end(known.body);
      return;
    }
    const passed = http.request(url + path, { method, headers, agent }, (answer) => {
      const { statusCode = 502, headers } = answer;
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        if (path.startsWith(API.flamegraph) && statusCode === 200) {
          answers.set(key, { headers, body });
        }
        response.writeHead(statusCode, headers);
        response.end(body);
      });
    });
    passed.on('error', (error) => response.destroy(error));
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}
