import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { root } from '../harness.ts';

const APP = path.join(root, 'ui/dist/app');
const MOST_BYTES = 130_000;

test('what every visit fetches before the first paint stays small', () => {
  const html = readFileSync(path.join(APP, 'index.html'), 'utf8');
  const scripts = Array.from(
    html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g),
    ([, url]) => url,
  );
  // What starts the page imports the app: the browser is told of both at once.
  assert.ok(
    scripts.some((url) => url?.startsWith('/assets/app-')),
    html,
  );
  const sizes = scripts.map((url) => gzipSync(readFileSync(path.join(APP, url as string))).length);
  const sum = sizes.reduce((total, size) => total + size, 0);
  assert.ok(sum <= MOST_BYTES, `${sum} bytes of JavaScript, gzipped: ${scripts.join(', ')}`);
});
