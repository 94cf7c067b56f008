import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceCosts } from './cost-rows.ts';

test('versions are summed up by service; a service without versions has none', () => {
  const rows = serviceCosts([
    { service: 'api', version: '2', self: 1, total: 5, whole: 10 },
    { service: 'api', version: '1', self: 2, total: 3, whole: 4 },
    { service: 'api', version: '', self: 0, total: 0, whole: 6 },
    { service: 'cron', version: '', self: 1, total: 1, whole: 2 },
  ]);
  assert.deepEqual(rows, [
    {
      service: 'api',
      cost: { self: 3, total: 8, whole: 20 },
      versions: [
        { version: '2', cost: { self: 1, total: 5, whole: 10 } },
        { version: '1', cost: { self: 2, total: 3, whole: 4 } },
        { version: '', cost: { self: 0, total: 0, whole: 6 } },
      ],
    },
    { service: 'cron', cost: { self: 1, total: 1, whole: 2 }, versions: [] },
  ]);
});
