import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { atEnd, freePort, root, startServer } from '../harness.ts';
import type * as ConnectPage from '../programs/connect-page.ts';
import { pprofOf } from '../text-profile.ts';
import { needsBrowser, openBrowser } from './browser.ts';

/** The page's program and all that it imports, as a browser loads it. */
async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    root: path.join(root, 'test'),
    build: {
      write: false,
      minify: false,
      lib: {
        entry: path.join(root, 'test/programs/connect-page.ts'),
        formats: ['es'],
        fileName: 'page',
      },
    },
  });
  const [{ output }] = built as unknown as [{ output: { type: string; code: string }[] }];
  return output.find(({ type }) => type === 'chunk')?.code ?? '';
}

const PAGE =
  '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

/** A page of an origin of its own, in a browser. */
async function openPage(t: TestContext, port: number): Promise<Page> {
  const script = await bundle();
  const pages = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : PAGE);
  });
  await new Promise<void>((resolve) => pages.listen(port, '127.0.0.1', resolve));
  atEnd(t, () => pages.close());
  const page = await openBrowser(t);
  // Here some requests are to be refused, by the server or by the browser.
  page.removeAllListeners('console');
  page.removeAllListeners('response');
  await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
  return page;
}

const PROFILE = Array.from(gzipSync(pprofOf('main;parse 3\nmain;eval 4', { timeMs: Date.now() })));

const callAll = (page: Page, transport: string, url: string, service: string) =>
  page.evaluate(
    ({ transport, ...given }) =>
      (globalThis as unknown as typeof ConnectPage).callAll(transport, given),
    { transport, url, service, pprof: PROFILE },
  );

test('a page of an origin that is named pushes and asks over Connect and gRPC-web', {
  skip: needsBrowser,
}, async (t) => {
  const port = await freePort();
  const origins = `https://other.example,http://127.0.0.1:${port}`;
  const { url } = await startServer(t, { env: { BUNSEN_CORS_ORIGINS: origins } });
  const page = await openPage(t, port);
  for (const transport of ['Connect, JSON', 'Connect, protobuf', 'gRPC-web']) {
    const service = transport.replaceAll(/\W+/g, '-');
    const told = await callAll(page, transport, url, service);
    assert.ok(told.services.includes(service), transport);
    assert.deepEqual(told.names, ['total', 'main', 'eval', 'parse']);
    assert.deepEqual([told.total, told.merged, told.series], ['70707070', '70707070', 1]);
    assert.match(told.warning ?? '', /nobody/);
    assert.equal(told.refusal.code, 'InvalidArgument');
    assert.equal(told.refusal.bunsenCode, 'SELECTOR_MALFORMED');
  }
});

test('a page of any other origin gets nothing, and a server that names none lets none in', {
  skip: needsBrowser,
}, async (t) => {
  const port = await freePort();
  const page = await openPage(t, port);
  for (const env of [{}, { BUNSEN_CORS_ORIGINS: 'https://other.example' }]) {
    const { url } = await startServer(t, { env });
    const pushed = callAll(page, 'Connect, JSON', url, 'kept-out');
    await assert.rejects(pushed, /Failed to fetch/);
    const read = page.evaluate((url) => fetch(`${url}/api/v1/services`).then(() => 'read'), url);
    await assert.rejects(read, /Failed to fetch/);
    const services = await (await fetch(`${url}/api/v1/labels/service_name/values`)).text();
    assert.doesNotMatch(services, /kept-out/);
  }
});
