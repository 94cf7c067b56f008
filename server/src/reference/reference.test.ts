import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { API, type ErrorResponse, type SharedFile } from '@bunsen/profile';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Fastify from 'fastify';
import { pprofOf } from '../testing/pprof-of.ts';
import { cpuQuery, searchOf, TestServer } from '../testing/test-server.ts';
import type { DocumentOperation, OpenApiDocument } from './openapi.ts';
import { referencePage } from './reference-page.ts';
import { referenceRoutes } from './reference-routes.ts';
import { STYLE } from './reference-style.ts';

const FORM = 'application/x-www-form-urlencoded';
let server: TestServer;
let document: OpenApiDocument;

before(async () => {
  server = await TestServer.start();
  await server.push(pprofOf('main;work 5', { labels: { service_name: 'listed', version: '1' } }));
  document = await server.get('/api/openapi.json');
});
after(() => server.close());

test('the document is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate({ ...document });
  assert.deepEqual(result.errors ?? [], []);
  assert.equal(result.valid, true);
});

test('every operation has an id of its own', () => {
  const ids = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test('every path of the API is in it, and every protobuf service', () => {
  const own = Object.values(API).map((path) =>
    typeof path === 'string' ? path : decodeURIComponent(path('{}')),
  );
  const known = new Set(Object.keys(document.paths).map((path) => path.replace(/\{\w+\}/, '{}')));
  for (const path of [...own, '/ingest', '/pyroscope/render', '/prometheus/api/v1/query_range']) {
    assert.ok(known.has(path.replace(/\{\w*\}/, '{}')), path);
  }
  assert.deepEqual(Object.keys(document.paths[API.push] ?? {}).sort(), ['delete', 'post']);
  const names = document['x-protobuf-services'].map(({ name }) => name);
  for (const name of ['push.v1.PusherService', 'querier.v1.QuerierService']) {
    assert.ok(names.includes(name), name);
  }
});

test('a route that says nothing about itself cannot be registered', () => {
  const app = Fastify();
  referenceRoutes(app);
  assert.throws(() => app.get('/secret', async () => 'x'), /GET \/secret has no operation/);
});

test('each documented parameter is taken, and another is refused with those that there are', async () => {
  for (const { path, method, operation } of operations()) {
    if (operation.tags[0] === 'Server' && path !== '/api/openapi.json') continue; // probes may add some
    const names = parametersOf(operation);
    const refusal = await ask(path, method, operation, { colour: 'red' });
    const message = refusal.message ?? refusal.error;
    assert.match(message, /unknown parameter "colour"/, `${method} ${path}`);
    const listed = message.slice(message.indexOf('this route has ') + 15).split(', ');
    assert.deepEqual(listed, names.length > 0 ? names : ['none'], `${method} ${path}`);
    for (const name of names) {
      // No value of any parameter: what is not refused for its name is refused for that.
      const { message = '', error = '' } = await ask(path, method, operation, { [name]: '\n' });
      assert.doesNotMatch(message + error, /unknown parameter/, `${method} ${path} ${name}`);
    }
  }
});

test("answers of Bunsen's own routes are as their schemas say", async () => {
  const query = cpuQuery('service_name="listed"');
  const params: Record<string, string> = {
    query,
    type: cpuQuery().slice(0, -2),
    function: 'work',
    label: 'version',
    left: query,
    right: query,
    format: 'speedscope',
  };
  const ajv = new Ajv2020({ strict: false });
  const shared = await server.fetch(`${API.files}?name=a`, { method: 'POST', body: 'main;a 1' });
  const { id } = (await shared.json()) as SharedFile;
  let checked = 0;
  for (const { path, method, operation } of operations()) {
    const answer = operation.responses['200'];
    if (
      method !== 'get' ||
      !['Profiles', 'Queries', 'Files', 'Agents', 'Server'].includes(operation.tags[0] as string)
    )
      continue;
    if (!answer || !('content' in answer)) continue;
    const required = operation.parameters.filter((each) => each.required && each.in === 'query');
    const search = searchOf(
      Object.fromEntries(required.map(({ name }) => [name, params[name] as string])),
    );
    const address = path.replace('{name}', 'service_name').replace('{id}', id);
    const response = await server.fetch(`${address}?${search}`);
    assert.equal(response.status, 200, path);
    const type = (response.headers.get('content-type') ?? '').split(';')[0] as string;
    assert.ok(type in (answer.content ?? {}), `${path} answers ${type}`);
    const schema = answer.content?.[type]?.schema;
    if (type !== 'application/json' || !schema) continue;
    const body = await response.json();
    assert.ok(ajv.validate(schema, body), `${path}: ${ajv.errorsText()}`);
    checked++;
  }
  assert.ok(checked >= 12, `only ${checked} answers were checked`);
});

test('errors are as their schema says', async () => {
  const body = await (await server.fetch(API.flamegraph)).json();
  const ajv = new Ajv2020({ strict: false });
  const { Error: own, PrometheusError: prometheus } = document.components.schemas;
  assert.ok(ajv.validate(own as object, body), ajv.errorsText());
  const other = await (await server.fetch('/prometheus/api/v1/query')).json();
  assert.ok(ajv.validate(prometheus as object, other), ajv.errorsText());
});

test('the page has every route, parameter and service, and asks for nothing elsewhere', async () => {
  const response = await server.fetch('/api/reference');
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  const page = await response.text();
  for (const { path, operation } of operations()) {
    const start = page.indexOf(`<article id="${operation.operationId}">`);
    assert.ok(start > 0, operation.operationId);
    const article = page.slice(start, page.indexOf('</article>', start));
    assert.ok(article.includes(`<code>${path}</code>`), path);
    for (const name of parametersOf(operation)) {
      assert.ok(article.includes(`<dt><code>${name}</code>`), `${path} ${name}`);
    }
  }
  for (const { name, methods } of document['x-protobuf-services']) {
    for (const text of [name, ...methods]) assert.ok(page.includes(`<code>${text}</code>`), text);
  }
  assert.doesNotMatch(page, /undefined|\[object|<script|(src|href)="(https?:)?\/\//);
});

test('what is shown is text, never markup', () => {
  const page = referencePage({
    ...document,
    info: { ...document.info, description: '<b>&"\'`<i>`' },
  });
  assert.ok(page.includes('&lt;b&gt;&amp;&quot;&#39;<code>&lt;i&gt;</code>'));
});

test("the page's colours and measures are the web app's", () => {
  const theme = readFileSync(new URL('../../../ui/src/theme.css', import.meta.url), 'utf8');
  const tokens = STYLE.match(/^ {2}--[\w-]+: .*;$/gm) ?? [];
  assert.ok(tokens.length > 10);
  for (const token of tokens) assert.ok(theme.includes(token), token);
});

function operations() {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

function parametersOf({ parameters, requestBody }: DocumentOperation): string[] {
  const form = requestBody?.content[FORM]?.schema?.properties ?? {};
  const query = parameters.filter((each) => each.in === 'query').map(({ name }) => name);
  return [...query, ...Object.keys(form)];
}

/** What is wrong with a request of these parameters, in the address or in a form. */
async function ask(
  path: string,
  method: string,
  { requestBody }: DocumentOperation,
  params: Record<string, string>,
): Promise<ErrorResponse & { error: string }> {
  const search = searchOf(params);
  const isForm = requestBody?.content[FORM] !== undefined;
  const url = path.replace('{name}', 'service_name');
  const response = await server.fetch(isForm ? url : `${url}?${search}`, {
    method: method.toUpperCase(),
    ...(isForm && { body: search }),
  });
  return JSON.parse((await response.text()) || '{}');
}
