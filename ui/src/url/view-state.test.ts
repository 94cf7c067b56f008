import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionPath, parseRoute, pathOfPage, servicePath } from './route.ts';
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
    steps: [
      { kind: 'hide', key: 'operator new(unsigned long)\x1flibstdc++.so.6' },
      { kind: 'collapse', key: '[kernel]' },
    ],
    inverted: true,
    label: 'k8s.node',
    box: { fromMs: 1795253400000, untilMs: 1795253460000, values: ['a b', '', 'c&d'] },
    heatScale: 'row',
    host: 'node-1.example',
    agentOrder: { by: 'cpu', ascending: false },
    file: '1a2b3c4d.1',
    shared: '00000000-0000-4000-8000-000000000000',
    against: 'live',
  };
  assert.deepEqual(parseViewState(formatViewState(state)), state);
});

test('the default state leaves the URL alone', () => {
  assert.equal(formatViewState(DEFAULT_VIEW), '');
  assert.deepEqual(parseViewState(''), DEFAULT_VIEW);
});

test('what a URL says wrongly has its default value', () => {
  const state = parseViewState(
    '?view=holes&sort=&nodes=-3&refresh=x&labels={pod&from=&a={&aFrom=&show=c&only=some&by=self&step=hide&step=drop+x&step=focus+&boxFrom=9&boxUntil=8&box=a&heat=red&agents=-pid',
  );
  assert.deepEqual(state, DEFAULT_VIEW);
});

test('the name of a service comes back from its path, whatever it holds', () => {
  for (const service of ['api', 'user@1000.service/app.slice', '100 %', 'a?b#c', '日本語', '']) {
    const path = new URL(servicePath(service), 'http://host').pathname;
    assert.deepEqual(parseRoute(path), { page: 'service', service });
    for (const page of ['heatmap', 'labels'] as const) {
      const own = new URL(pathOfPage(page, service), 'http://host').pathname;
      assert.deepEqual(parseRoute(own), { page, service });
    }
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
  for (const page of ['compare', 'adhoc', 'agents', 'settings'] as const) {
    assert.deepEqual(parseRoute(`/${page}`), { page });
  }
  for (const path of [
    '/s',
    '/s/',
    '/f',
    '/f/',
    '/f/a/b',
    '/s/a/b',
    '/s/%E0%A4%A',
    '/heatmap/',
    '/labels/a/b',
    '/other',
  ]) {
    assert.deepEqual(parseRoute(path), { page: 'unknown', path });
  }
});
