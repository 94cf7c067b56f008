import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionPath, parseRoute, servicePath } from './route.ts';
import { DEFAULT_VIEW, formatViewState, parseViewState, type ViewState } from './view-state.ts';

test('a state comes back from its URL as it was', () => {
  const state: ViewState = {
    profileType: 'memory:alloc_space:bytes:space:bytes',
    from: '1795253400000',
    until: 'now-5m',
    filters: [
      { name: 'pod', operator: '=~', value: 'api-.*|"quoted" \\d+' },
      { name: 'k8s.namespace', operator: '!=', value: '' },
    ],
    search: 'std::vector<int>&x=1#%20+',
    isRegex: true,
    pane: 'table',
    sort: 'name',
    ascending: true,
    fn: 'operator new(unsigned long)\x1flibstdc++.so.6',
    focus: '00ff00ff00ff00ff',
    maxNodes: 200_000,
    refreshS: 15,
    compare: {
      left: { service: 'a "b"', filters: [], from: 'now-2d', until: 'now-1d' },
      right: {
        service: '',
        filters: [
          { name: 'version', operator: '=', value: '1.42' },
          { name: 'service_name', operator: '=~', value: 'api|web' },
        ],
        from: '1795253400000',
        until: 'now-1m',
      },
      view: 'right',
      scale: 'absolute',
      measure: 'total',
      only: 'gone',
      by: 'left',
    },
    module: '',
    direction: 'callers',
  };
  assert.deepEqual(parseViewState(formatViewState(state)), state);
});

test('the default state leaves the URL alone', () => {
  assert.equal(formatViewState(DEFAULT_VIEW), '');
  assert.deepEqual(parseViewState(''), DEFAULT_VIEW);
});

test('what a URL says wrongly has its default value', () => {
  const state = parseViewState(
    '?view=holes&sort=&nodes=-3&refresh=x&labels={pod&from=&a={&aFrom=&show=c&only=some&by=self',
  );
  assert.deepEqual(state, DEFAULT_VIEW);
});

test('the name of a service comes back from its path, whatever it holds', () => {
  for (const service of ['api', 'user@1000.service/app.slice', '100 %', 'a?b#c', '日本語', '']) {
    const path = new URL(servicePath(service), 'http://host').pathname;
    assert.deepEqual(parseRoute(path), { page: 'service', service });
  }
});

test('so does the name of a function', () => {
  for (const name of ['main.(*Server).Serve', 'operator/', 'f<a::b, 5>(int&)%20?x=1#y', '処理']) {
    const path = new URL(functionPath(name), 'http://host').pathname;
    assert.deepEqual(parseRoute(path), { page: 'function', name });
  }
});

test('a path that is no page is said to be none', () => {
  assert.deepEqual(parseRoute('/'), { page: 'fleet' });
  assert.deepEqual(parseRoute('/compare'), { page: 'compare' });
  for (const path of ['/s', '/s/', '/f', '/f/', '/f/a/b', '/s/a/b', '/s/%E0%A4%A', '/other']) {
    assert.deepEqual(parseRoute(path), { page: 'unknown', path });
  }
});
