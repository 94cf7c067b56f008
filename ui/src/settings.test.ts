import assert from 'node:assert/strict';
import { test } from 'node:test';

const stored = new Map<string, string>();
Object.assign(globalThis, {
  localStorage: {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  },
});
stored.set(
  'bunsen-settings',
  JSON.stringify({
    zone: 'mars',
    costPerCoreHour: '0.5',
    currency: 'Taler',
    range: 'yesterday',
    views: [{ name: 'good', url: '/s/api' }, { name: 'elsewhere', url: '//evil.example' }, null, 7],
  }),
);
const { changeSettings, saveView, settings } = await import('./settings.ts');

test('of what is stored, what is not what it should be has its default value', () => {
  assert.deepEqual(settings(), {
    zone: 'local',
    costPerCoreHour: 0.5,
    currency: 'Tale',
    range: 'now-30m',
    views: [{ name: 'good', url: '/s/api' }],
  });
});

test('changes are stored; a name stands for the URL that it was given last', () => {
  changeSettings({ zone: 'utc' });
  saveView('new', '/agents');
  saveView('good', '/s/web');
  const { zone, views } = JSON.parse(stored.get('bunsen-settings') ?? '');
  assert.equal(zone, 'utc');
  assert.deepEqual(views, [
    { name: 'good', url: '/s/web' },
    { name: 'new', url: '/agents' },
  ]);
});
