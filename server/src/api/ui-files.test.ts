import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Fastify from 'fastify';
import { tempDir } from '../testing/test-server.ts';
import { uiFiles } from './ui-files.ts';

function uiDir(): string {
  const dir = tempDir();
  mkdirSync(join(dir, 'assets'));
  writeFileSync(join(dir, 'index.html'), '<!doctype html><title>Bunsen</title>');
  writeFileSync(join(dir, 'assets', 'app-1a2b.js'), 'export {};');
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

test('without a built web app the page says how to build it', async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  await uiFiles(app, tempDir());
  const page = await app.inject('/');
  assert.equal(page.statusCode, 404);
  assert.match(page.body, /npm run build/);
});
