import type { DescMethod } from '@bufbuild/protobuf';
import type { FastifyInstance } from 'fastify';
import { operation, route } from '../operation.ts';
import { type OpenApiDocument, openApiOf, type Registered } from './openapi.ts';
import { referencePage } from './reference-page.ts';

const OPENAPI = operation({
  group: 'Server',
  summary: 'This reference as OpenAPI 3.1',
  params: {},
  answers: { 200: { help: 'The document.', content: { 'application/json': { type: 'object' } } } },
});

const PAGE = operation({
  group: 'Server',
  summary: 'This reference as a page',
  params: {},
  answers: { 200: { help: 'HTML.', content: { 'text/html': undefined } } },
});

const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
};

/**
 * Serves the reference of all routes that are registered below `app` from here on. One that says
 * nothing about itself is a defect, and the server does not start with it.
 */
export function referenceRoutes(app: FastifyInstance): void {
  const routes: Registered[] = [];
  const methods: DescMethod[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.method) methods.push(config.method);
    else if (config?.operation) {
      for (const each of [method].flat()) {
        // Fastify answers HEAD wherever there is a GET.
        if (each !== 'HEAD') routes.push({ method: each, url, operation: config.operation });
      }
    } else
      throw new Error(`${method} ${url} has no operation, and so would not be in the reference`);
  });
  let document: OpenApiDocument | undefined;
  const whole = () => {
    document ??= openApiOf(routes, methods);
    return document;
  };
  let page: string | undefined;
  route(app, 'GET', '/api/openapi.json', OPENAPI, () => whole());
  route(app, 'GET', '/api/reference', PAGE, (_params, _request, reply) => {
    page ??= referencePage(whole());
    return reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page);
  });
}
