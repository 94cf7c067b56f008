import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import Fastify from 'fastify';
import { tempDir } from '../testing/test-server.ts';
import { uiFiles } from './ui-files.ts';

const SCRIPT = 'export {};';

function uiDir(): string {
  const dir = tempDir();
  mkdirSync(join(dir, 'assets'));
  writeFileSync(join(dir, 'index.html'), '<!doctype html><title>Bunsen</title>');
  writeFileSync(join(dir, 'favicon.svg'), '<svg/>');
  writeFileSync(join(dir, 'assets', 'app-1a2b.js'), SCRIPT);
  writeFileSync(join(dir, 'assets', 'app-1a2b.js.br'), brotliCompressSync(SCRIPT));
  return dir;
}

test('pages are the web app, files are themselves, and programs never get a page', async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  app.post('/a.v1.Service/Method', () => 'done');
  await uiFiles(app, uiDir());
  for (const path of ['/', '/flamegraph', '/service/a.b/c?x=1']) {
    const page = await app.inject(path);
    assert.equal(page.statusCode, 200, path);
    assert.match(page.body, /Bunsen/);
    assert.equal(page.headers['cache-control'], 'no-cache');
    assert.match(String(page.headers['content-security-policy']), /script-src 'self'(;|$)/);
  }
  const script = await app.inject('/assets/app-1a2b.js');
  assert.match(String(script.headers['cache-control']), /immutable/);
  assert.match(String(script.headers['content-type']), /javascript/);
  for (const path of [
    '/assets/app-0000.js',
    '/api/v1/nothing',
    '/api',
    '/pyroscope/x',
    '/favicon.ico',
  ]) {
    const missing = await app.inject(path);
    assert.notEqual(missing.statusCode, 200, path);
    assert.doesNotMatch(missing.body, /<!doctype/, path);
  }
  assert.notEqual((await app.inject({ method: 'POST', url: '/flamegraph' })).statusCode, 200);
  assert.doesNotMatch((await app.inject('/a.v1.Service/Method')).body, /<!doctype/);
});

test('files are sent as they were compressed when the web app was built', async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  await uiFiles(app, uiDir());
  const get = (accepted: string) =>
    app.inject({ url: '/assets/app-1a2b.js', headers: { 'accept-encoding': accepted } });
  const small = await get('gzip, br');
  assert.equal(small.headers['content-encoding'], 'br');
  assert.equal(brotliDecompressSync(small.rawPayload).toString(), SCRIPT);
  assert.match(String(small.headers['content-type']), /javascript/);
  assert.match(String(small.headers['cache-control']), /immutable/);
  assert.match(String(small.headers.vary), /accept-encoding/i);
  const plain = await get('gzip'); // which was not made
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.equal(plain.body, SCRIPT);
});

test('only the page itself is asked for again each time', async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  await uiFiles(app, uiDir());
  const icon = await app.inject('/favicon.svg');
  assert.equal(icon.headers['cache-control'], 'public, max-age=86400');
  assert.equal((await app.inject('/index.html')).headers['cache-control'], 'no-cache');
});

test('without a built web app the page says how to build it', async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  await uiFiles(app, tempDir());
  const page = await app.inject('/');
  assert.equal(page.statusCode, 404);
  assert.match(page.body, /npm run build/);
});
