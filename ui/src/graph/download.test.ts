import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileName } from './download.ts';

test('file names hold nothing that a file system minds', () => {
  const fromMs = Date.UTC(2026, 10, 21, 10, 0, 5);
  assert.equal(fileName('api', fromMs, 'png'), 'api-2026-11-21T10-00-05Z.png');
  const ugly = fileName('user@1000.service/app "x"<a>:処理', fromMs, 'folded.txt');
  assert.equal(ugly, 'user-1000.service-app-x-a-処理-2026-11-21T10-00-05Z.folded.txt');
  assert.ok(fileName('x'.repeat(300), fromMs, 'png').length < 120);
});
