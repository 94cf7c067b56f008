import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { API, buildCallTree, type CallTree, parseFolded } from '@bunsen/profile';
import * as Viz from '@viz-js/viz';
import { Ajv } from 'ajv';
import { pprofOf } from '../../testing/pprof-of.ts';
import { cpuQuery, foldedOf, searchOf, TestServer } from '../../testing/test-server.ts';
import { callGraphOf } from './call-graph.ts';

let server: TestServer;

before(async () => {
  server = await TestServer.start();
  await server.push(
    pprofOf('main;run;work 6\nmain;run 1\nmain;idle 3', { labels: { service_name: 'export' } }),
  );
});
after(() => server.close());

const query = cpuQuery('service_name="export"');

interface SpeedscopeFile {
  shared: { frames: { name: string; file: string }[] };
  profiles: [{ name: string; endValue: number; samples: number[][]; weights: number[] }];
}

async function exported(
  format: string,
  params: Record<string, string | number> = {},
): Promise<Response> {
  const search = searchOf({ query, format, from: 'now-10m', until: 'now+1m', ...params });
  const response = await server.fetch(`${API.export}?${search}`);
  assert.equal(response.status, 200, await response.clone().text());
  return response;
}

test('folded text: a line a stack, and it is the same when it is sent back', async () => {
  const response = await exported('folded');
  assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.match(
    response.headers.get('content-disposition') ?? '',
    /^attachment; filename="export-process_cpu-cpu-.*Z\.folded"$/,
  );
  const text = await response.text();
  assert.equal(text, 'main;idle 30000000\nmain;run 10000000\nmain;run;work 60000000\n');
  const search = searchOf({ name: 'back.cpu', sampleRate: 1_000_000_000 });
  const sent = await server.fetch(`/ingest?${search}`, { method: 'POST', body: text });
  assert.equal(sent.status, 200, await sent.text());
  const back = await server.flame(cpuQuery('service_name="back"'));
  assert.deepEqual(foldedOf(back), text.trimEnd().split('\n'));
});

test('folded text: blanks in names stay, semicolons become colons, equal lines are one', async () => {
  const names = { p: 'a 1', q: 'f(int; char) 7', r: 'f(int: char) 7', s: 'same', t: 'same' };
  const labels = { service_name: 'odd' };
  await server.push(pprofOf('m;p 1\nm;q 2\nm;r 4\nm;s 8\nm;t 16\nm;q;r 32', { names, labels }));
  const text = await (await exported('folded', { query: cpuQuery('service_name="odd"') })).text();
  assert.deepEqual(text.trimEnd().split('\n').sort(), [
    'm;a 1 10000000',
    'm;f(int: char) 7 60000000',
    'm;f(int: char) 7;f(int: char) 7 320000000',
    'm;same 240000000',
  ]);
});

test('speedscope: valid by its own schema, and it is the same when it is sent back', async () => {
  const file = (await (await exported('speedscope')).json()) as SpeedscopeFile;
  const schema = createRequire(import.meta.url).resolve(
    'speedscope/dist/release/file-format-schema.json',
  );
  const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(schema, 'utf8')));
  assert.ok(validate(file), JSON.stringify(validate.errors));
  assert.deepEqual(file.shared.frames, [
    { name: 'idle', file: 'app' },
    { name: 'main', file: 'app' },
    { name: 'run', file: 'app' },
    { name: 'work', file: 'app' },
  ]);
  const [{ name: _, ...profile }] = file.profiles;
  assert.deepEqual(profile, {
    type: 'sampled',
    unit: 'nanoseconds',
    startValue: 0,
    endValue: 1e8,
    samples: [
      [1, 0],
      [1, 2],
      [1, 2, 3],
    ],
    weights: [3e7, 1e7, 6e7],
  });
  const search = searchOf({ name: 'scoped.cpu', format: 'speedscope' });
  const body = JSON.stringify(file);
  const sent = await server.fetch(`/ingest?${search}`, { method: 'POST', body });
  assert.equal(sent.status, 200, await sent.text());
  const back = await server.flame(cpuQuery('service_name="scoped"'));
  assert.deepEqual(foldedOf(back), foldedOf(await server.flame(query)));
});

test('dot: functions with self and total, calls with values', async () => {
  const text = await (await exported('dot')).text();
  assert.match(text, /^digraph "process_cpu:/);
  assert.match(text, /Showing nodes accounting for 100 ms, 100 % of 100 ms total\\l/);
  assert.match(text, /N1 \[label="main\\n0\\nof 100 ms \(100 %\)"/);
  assert.match(text, /N2 \[label="run\\n10\.0 ms \(10\.0 %\)\\nof 70\.0 ms \(70\.0 %\)"/);
  assert.match(text, /N3 \[label="work\\n60\.0 ms \(60\.0 %\)"/);
  assert.match(text, /N1 -> N2 \[label=" 70\.0 ms" weight=70/);
  assert.match(text, /N2 -> N3 \[label=" 60\.0 ms"/);
  assert.match(text, /N1 -> N4 \[label=" 30\.0 ms"/);
  assert.equal(text.match(/->.*\[/g)?.length, 3);
  const cut = await (await exported('dot', { maxNodes: 2 })).text();
  assert.equal(cut.match(/^N\d+ \[/gm)?.length, 2);
  assert.match(cut, /Left out 2 smaller functions/);
});

/** A tree drawn as folded text. */
function treeOf(text: string): CallTree {
  const { values, ...stacks } = parseFolded(text);
  return buildCallTree(stacks, Array.from(values, Number));
}

/** `a -> b 3`; `a ... b 3` where functions in between were left out. */
function drawn(tree: CallTree, maxNodes = 80): string[] {
  const { nodes, edges } = callGraphOf(tree, maxNodes);
  return [
    ...nodes.map(({ frame, self, total }) => `${frame} ${self}/${total}`),
    ...edges.map(({ from, to, value, indirect }) =>
      [nodes[from]?.frame, indirect ? '...' : '->', nodes[to]?.frame, value].join(' '),
    ),
  ];
}

test('dot: Graphviz draws it, whatever names hold', async () => {
  const names = { p: 'say"\\n\\"\\', q: 'std::vector<int, A>::push_back(int&&)', r: '{}|<x>' };
  await server.push(pprofOf('m;p 1\nm;q;r 2', { names, labels: { service_name: 'quotes' } }));
  const text = await (await exported('dot', { query: cpuQuery('service_name="quotes"') })).text();
  const svg = (await Viz.instance()).renderString(text, { format: 'svg' });
  assert.match(svg, />say&quot;\\n\\&quot;\\</);
  assert.match(svg, /std::vector::push_back</);
  assert.match(svg, /\{\}\|&lt;x&gt;</);
});

test('a call graph counts a stack once, however often a function or a call recurs in it', () => {
  assert.deepEqual(drawn(treeOf('f;f;g;f;g 5\nf;g 2')), ['f 0/7', 'g 7/7', 'f -> g 7', 'g -> f 5']);
});

test('a call graph that is cut keeps its totals, and calls lead past what was left out', () => {
  const tree = treeOf('main;a;x;leaf 6\nmain;b;y;leaf 2\nmain;b;z 2');
  assert.deepEqual(drawn(tree, 3), [
    'main 0/10',
    'leaf 8/8',
    'b 0/4',
    'main ... leaf 6',
    'main -> b 4',
    'b ... leaf 2',
  ]);
  // Less than half a percent is left out, whatever the number.
  assert.deepEqual(drawn(treeOf('main 999\nmain;rare 1')), ['main 999/1000']);
});

test('svg: well-formed whatever names hold, and the values stand in it', async () => {
  const response = await exported('svg');
  assert.equal(response.headers.get('content-type'), 'image/svg+xml');
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  const svg = await response.text();
  assert.match(
    svg,
    /<title>work \(app\)\ntotal 60\.0 ms, 60\.0 %\nself 60\.0 ms, 60\.0 %<\/title>/,
  );
  assert.match(svg, /prefers-color-scheme:dark/);
  const widths = [...svg.matchAll(/<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"/g)];
  assert.deepEqual(
    widths.map((rect) => rect.slice(1).map(Number)),
    [
      [12, 56, 1175.5],
      [12, 74, 1175.5],
      [12, 92, 352.3],
      [364.8, 92, 822.7],
      [364.8, 110, 705.1],
    ],
  );
  const names = { p: '<script>alert("&")</script>\ufffe' };
  await server.push(pprofOf('m;p 1', { names, labels: { service_name: 'xml' } }));
  const text = await (await exported('svg', { query: cpuQuery('service_name="xml"') })).text();
  assert.doesNotMatch(text, /<script|\ufffe/);
  assert.match(text, /&lt;script&gt;alert\(&quot;&amp;&quot;\)&lt;\/script&gt;\ufffd/);
});

test('an empty selection is an empty file, and says why', async () => {
  const none = { query: cpuQuery('service_name="export", nope="x"') };
  assert.equal(await (await exported('folded', none)).text(), '');
  assert.match(await (await exported('svg', none)).text(), /no series has the label 'nope'/);
  assert.match(await (await exported('dot', none)).text(), /no series has the label 'nope'/);
  const { profiles } = (await (await exported('speedscope', none)).json()) as SpeedscopeFile;
  assert.deepEqual([profiles[0].samples, profiles[0].endValue], [[], 0]);
});

test('what is wrong with a request is said', async () => {
  const cases: [Record<string, string | number>, RegExp][] = [
    [{ query }, /format is missing/],
    [{ query, format: 'png' }, /format=png is not one of pprof, folded, speedscope, dot, svg/],
    [{ query, format: 'folded', maxNodes: 10 }, /maxNodes=10: only dot and svg are cut/],
    [{ query, format: 'dot', maxNodes: 0 }, /maxNodes=0 is not a whole number from 1 to/],
    [
      { query, format: 'dot', maxNodes: 2001 },
      /maxNodes=2001 is not a whole number from 1 to 2000/,
    ],
    [{ format: 'svg' }, /query is missing/],
  ];
  for (const [params, message] of cases) {
    const refusal = await server.refusal(`${API.export}?${searchOf(params)}`);
    assert.equal(refusal.code, 'PARAMETER_INVALID');
    assert.match(refusal.message, message);
  }
});
