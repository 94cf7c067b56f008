import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { BunsenError } from '../errors.ts';

const SECURITY_HEADERS = {
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
};
/**
 * Paths that belong to programs: what is unknown there is an error in JSON, never a page. Those of
 * protobuf services have a dot in the first part.
 */
const PROGRAM_PATH =
  /^\/(api|pyroscope|prometheus|ingest|v1development|healthz|readyz|metrics|[^/]*\.[^/]*)(\/|$)/;
const METHODS = ['GET', 'POST', 'DELETE'] as const;
const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 365 * DAY_SECONDS;

/**
 * The web app. Its views are paths of the page, so a page request for any other path gets the page;
 * a file that is not there is a 404.
 */
export async function uiFiles(app: FastifyInstance, root: string): Promise<void> {
  const built = existsSync(join(root, 'index.html'));
  const assets = join(root, 'assets');
  const cacheControlOf = (path: string) => {
    // Names below assets/ carry a hash of the content, so they never change.
    if (path.startsWith(assets)) return `public, max-age=${YEAR_SECONDS}, immutable`;
    // A browser looks at the icon again whenever the URL changes, which is with every key of a search.
    return path.endsWith('.html') ? 'no-cache' : `public, max-age=${DAY_SECONDS}`;
  };
  if (built) {
    await app.register(fastifyStatic, {
      root,
      wildcard: false,
      index: false,
      cacheControl: false,
      // The build writes what is worth it a second time, smaller than there would be time for here.
      preCompressed: true,
      setHeaders: (reply, path) => reply.header('cache-control', cacheControlOf(path)),
    });
    app.addHook('onSend', async (_request, reply) => {
      const type = String(reply.getHeader('content-type') ?? '');
      // Other pages have stricter ones of their own.
      if (type.startsWith('text/html') && !reply.hasHeader('content-security-policy')) {
        reply.headers(SECURITY_HEADERS);
      }
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] as string;
    const allowed = METHODS.filter((method) => app.findRoute({ method, url: path }) !== null);
    if (allowed.length > 0) {
      reply.header('allow', allowed.join(', '));
      throw new BunsenError(
        'METHOD_NOT_ALLOWED',
        `${path} takes ${allowed}, not ${request.method}`,
      );
    }
    const isPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      !PROGRAM_PATH.test(path) &&
      !/\.[A-Za-z0-9]+$/.test(path);
    if (isPage && built) return reply.sendFile('index.html', { cacheControl: false });
    if (isPage) {
      return reply
        .code(404)
        .type('text/plain')
        .send('The web app is not built: run `npm run build`, then start the server again.\n');
    }
    throw new BunsenError('NOT_FOUND', `there is no ${request.method} ${path}`);
  });
}
