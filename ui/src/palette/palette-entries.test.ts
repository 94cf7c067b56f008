import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paletteEntries } from './palette-entries.ts';

const service = (name: string) => ({ service: name, total: 1, series: 1, lastSeenMs: 0 });

test('services by a part of their name, those that begin with it first', () => {
  const services = ['web-API', 'cron', 'api', 'apiary', ''].map(service);
  const entries = paletteEntries(' Api ', services, [], []);
  assert.deepEqual(
    entries.map(({ text }) => text),
    ['api', 'apiary', 'web-API'],
  );
  assert.equal(entries[0]?.path, '/s/api');
});

test('functions stand below services, with their module', () => {
  const functions = [{ name: 'a/b<c>', module: 'libapi.so', self: 1, total: 2 }];
  const entries = paletteEntries('a', [service('api')], functions, []);
  assert.deepEqual(entries[1], {
    kind: 'function',
    text: 'a/b<c>',
    detail: 'libapi.so',
    path: '/f/a%2Fb%3Cc%3E',
    module: 'libapi.so',
  });
});

test('functions whose name matches go before those whose parameters do', () => {
  const fn = (name: string) => ({ name, module: '', self: 1, total: 2 });
  const functions = [fn('run(Std::token)'), fn('f'), fn('std::copy<int>(int*)')];
  const entries = paletteEntries('std::', [], functions, []);
  assert.equal(entries[0]?.text, 'std::copy<int>(int*)');
});

test('pages are found, too, and nothing typed shows what there is', () => {
  assert.deepEqual(
    paletteEntries('comp', [], [], []).map(({ path }) => path),
    ['/compare'],
  );
  assert.equal(paletteEntries('', [service('api')], [], []).length, 9);
});

test('saved views come first, with their whole URL', () => {
  const views = [
    { name: 'Nightly batch', url: '/s/batch?from=now-1d' },
    { name: 'other', url: '/' },
  ];
  assert.deepEqual(paletteEntries('night', [service('nightly')], [], views)[0], {
    kind: 'view',
    text: 'Nightly batch',
    detail: 'saved',
    path: '/s/batch?from=now-1d',
    module: null,
  });
});
