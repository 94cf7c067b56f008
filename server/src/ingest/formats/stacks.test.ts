/** Formats of /ingest whose stacks have one value each: what is sent, and what is then stored. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cpuQuery, foldedOf, searchOf, TestServer } from '../../testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start({
    BUNSEN_MAX_STACK_DEPTH: '100',
    BUNSEN_MAX_PROFILE_BYTES: '1000000',
    BUNSEN_MAX_TABLE_ENTRIES: '5000',
    BUNSEN_MAX_VALUES: '5000',
  });
});
after(() => server.close());

type Bytes = string | Uint8Array;

function ingest(params: Record<string, string>, body: Bytes, type = 'binary/octet-stream') {
  return server.fetch(`/ingest?${searchOf(params)}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: body as Uint8Array<ArrayBuffer>,
  });
}

/** Ingests a body, and returns what is stored of its service, as folded lines. */
async function stored(
  params: { name: string } & Record<string, string>,
  body: Bytes,
  options: { query?: (matchers: string) => string; type?: string } = {},
): Promise<string[]> {
  const { query = cpuQuery, type = 'binary/octet-stream' } = options;
  const reply = await ingest(params, body, type);
  assert.equal(reply.status, 200, await reply.text());
  const service = params.name.replace(/\..*$/, '');
  return foldedOf(await server.flame(query(`service_name="${service}"`)));
}

async function refused(params: Record<string, string>, body: Bytes): Promise<string> {
  const reply = await ingest({ name: 'refused', ...params }, body);
  const { code, message } = (await reply.json()) as { code: string; message: string };
  assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status} ${message}`);
  return `${code}: ${message}`;
}

/** A node of a tree or trie: name, value, children. */
type Node = [name: string | Uint8Array, value: number | bigint, children?: Node[]];

function treeOf([name, value, children = []]: Node): Buffer {
  const text = Buffer.from(name as string);
  return Buffer.concat([
    varint(text.length),
    text,
    varint(value),
    varint(children.length),
    ...children.map(treeOf),
  ]);
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

test('tree: own values of nodes, as samples of the rate that is said', async () => {
  const tree = treeOf([
    '',
    0,
    [
      [
        'main',
        1,
        [
          ['a', 2],
          ['b', 0, [['c', 3]]],
        ],
      ],
      ['idle', 4],
    ],
  ]);
  const lines = ['idle 40000000', 'main 10000000', 'main;a 20000000', 'main;b;c 30000000'];
  assert.deepEqual((await stored({ name: 'tree', format: 'tree' }, tree)).sort(), lines);
  const rate = { name: 'tree-rate', format: 'tree', sampleRate: '1000' };
  assert.deepEqual(await stored(rate, gzipSync(treeOf(['', 0, [['a', 5]]]))), ['a 5000000']);
  const type = 'binary/octet-stream+tree';
  assert.deepEqual((await stored({ name: 'tree-type' }, tree, { type })).sort(), lines);
  const space = (matchers: string) => `memory:alloc_space:bytes::{${matchers}}`;
  const memory = { name: 'tree-memory.alloc_space', format: 'tree', units: 'bytes' };
  assert.deepEqual(await stored(memory, treeOf(['', 0, [['a', 2n ** 40n]]]), { query: space }), [
    `a ${2 ** 40}`,
  ]);
});

test('trie: nodes share beginnings of stacks, even in the middle of a character', async () => {
  const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)];
  const trie = treeOf([
    '',
    0,
    [
      [
        'main;',
        0,
        [
          [
            'run',
            1,
            [
              [';a', 2],
              ['ner;b', 3],
            ],
          ],
          [first, 0, [[second, 4]]],
        ],
      ],
      ['x', 5],
    ],
  ]);
  const lines = [
    'main;run 10000000',
    'main;run;a 20000000',
    'main;runner;b 30000000',
    'main;é 40000000',
    'x 50000000',
  ];
  assert.deepEqual((await stored({ name: 'trie', format: 'trie' }, trie)).sort(), lines);
  const type = 'binary/octet-stream+trie';
  assert.deepEqual((await stored({ name: 'trie-type' }, trie, { type })).sort(), lines);
});

test('trees and tries that are cut off, too deep or too large are refused by name', async () => {
  const whole = treeOf(['', 0, [['main', 1]]]);
  let deep: Node = ['x', 1];
  for (let i = 0; i < 200; i++) deep = ['x', 0, [deep]];
  let chain: Node = ['x'.repeat(50), 1];
  for (let i = 0; i < 300; i++) chain = ['x'.repeat(50), 1, [chain]];
  const long: Node = ['', 0, [['x'.repeat(9000), 0, [['x'.repeat(9000), 1]]]]];
  const wide: Node = ['', 0, Array.from({ length: 5001 }, (_, i): Node => [`f${i % 100}`, 1])];
  const cases: [Record<string, string>, Bytes, RegExp][] = [
    [{ format: 'tree' }, whole.subarray(0, -1), /^TREE_MALFORMED.*cut off at byte/],
    [
      { format: 'trie' },
      Buffer.concat([whole, whole]),
      /^TREE_MALFORMED.*follows the root at byte/,
    ],
    [{ format: 'tree' }, Buffer.from([0, 0, 255, 255, 255, 1]), /TREE_MALFORMED.*children/],
    [{ format: 'tree' }, Buffer.from([255, 255, 255, 1]), /^TREE_MALFORMED.*name of/],
    [{ format: 'tree' }, treeOf(['', 2n ** 63n]), /^TREE_MALFORMED.*2\^63/],
    [{ format: 'trie' }, treeOf(['', 2n ** 62n]), /^TREE_MALFORMED.*2\^63/],
    [{ format: 'tree' }, treeOf(deep), /^STACK_TOO_DEEP.*BUNSEN_MAX_STACK_DEPTH/],
    [{ format: 'trie' }, treeOf(long), /^STRING_TOO_LONG.*18000 bytes.*BUNSEN_MAX_FRAME_BYTES/],
    [{ format: 'trie' }, treeOf(chain), /^PROFILE_TOO_LARGE.*BUNSEN_MAX_PROFILE_BYTES/],
    [{ format: 'tree' }, treeOf(wide), /^PROFILE_TOO_LARGE.*BUNSEN_MAX_VALUES/],
    [{ format: 'tree', units: 'bytes' }, whole, /^PARAMETER_CONTRADICTION/],
  ];
  for (const [params, body, message] of cases) assert.match(await refused(params, body), message);
});

const FRAMES = [{ name: 'main', file: 'main.js', line: 1 }, { name: 'a' }, { name: 'b' }];

function speedscope(profiles: object[], frames: unknown[] = FRAMES): string {
  return JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    shared: { frames },
    profiles,
  });
}

function sampled(unit: string, samples: number[][], weights: number[], name = '') {
  return { type: 'sampled', name, unit, startValue: 0, endValue: 1, samples, weights };
}

function evented(unit: string, events: [string, number, number][], name = '') {
  return {
    type: 'evented',
    name,
    unit,
    startValue: 0,
    endValue: 1,
    events: events.map(([type, at, frame]) => ({ type, at, frame })),
  };
}

test('speedscope: sampled and evented, in every unit', async () => {
  const format = 'speedscope';
  const stacks = [[0], [0, 1], [0, 1], []];
  const time = speedscope([sampled('milliseconds', stacks, [1, 0.5, 0.25, 1])]);
  assert.deepEqual(await stored({ name: 'ss-ms', format }, time), [
    '[unknown] 1000000',
    'main 1000000',
    'main;a 750000',
  ]);
  const counts = speedscope([sampled('none', stacks, [1, 2, 3, 0])]);
  assert.deepEqual(await stored({ name: 'ss-none', format, sampleRate: '1000' }, counts), [
    'main 1000000',
    'main;a 5000000',
  ]);
  const bytes = speedscope([sampled('bytes', stacks, [10, 20, 30, 0])]);
  const query = (matchers: string) => `memory:samples:bytes::{${matchers}}`;
  assert.deepEqual(await stored({ name: 'ss-bytes', format }, bytes, { query }), [
    'main 10',
    'main;a 50',
  ]);
  const events = speedscope([
    evented('nanoseconds', [
      ['O', 10, 0],
      ['O', 15, 1],
      ['C', 18, 1],
      ['O', 18, 2],
      ['C', 20, 2],
      ['C', 30, 0],
    ]),
  ]);
  assert.deepEqual(await stored({ name: 'ss-events', format }, gzipSync(events)), [
    'main 15',
    'main;a 3',
    'main;b 2',
  ]);
});

test('speedscope: the profiles of a file are told apart by profile_name', async () => {
  const file = speedscope([
    sampled('seconds', [[0]], [1], 'thread 1'),
    evented(
      'seconds',
      [
        ['O', 0, 1],
        ['C', 2, 1],
      ],
      'thread 2',
    ),
  ]);
  const all = await stored({ name: 'ss-threads', format: 'speedscope' }, file);
  assert.deepEqual(all, ['a 2000000000', 'main 1000000000']);
  const one = cpuQuery('service_name="ss-threads", profile_name="thread 2"');
  assert.deepEqual(foldedOf(await server.flame(one)), ['a 2000000000']);
});

test('speedscope: what is not one is refused, and the field is named', async () => {
  const of = (profile: object, frames?: unknown[]) => speedscope([profile], frames);
  const deep = Array.from({ length: 101 }, () => 0);
  const cases: [Bytes, RegExp, Record<string, string>?][] = [
    ['{', /not JSON/],
    ['[]', /\$schema is missing/],
    [speedscope([], [{ name: 5 }]), /shared\.frames\[0\]\.name/],
    [of(sampled('none', [[3]], [1])), /samples\[0\] refers to frame 3; shared\.frames has 3/],
    [of(sampled('none', [[0]], [])), /1 samples and 0 weights/],
    [of(sampled('none', [[0]], [-1])), /weights\[0\] is -1/],
    [of(sampled('parsecs', [[0]], [1])), /unit "parsecs"/],
    [of(sampled('none', [deep], [1])), /^STACK_TOO_DEEP.*BUNSEN_MAX_STACK_DEPTH/],
    [of({ ...sampled('none', [], []), type: 'other' }), /type "other"/],
    [of(evented('none', [['C', 1, 0]])), /closes the frame 0/],
    [of(evented('none', [['O', 1, 0]])), /leave the frame 0 open/],
    [
      of(
        evented('none', [
          ['O', 5, 0],
          ['C', 1, 0],
        ]),
      ),
      /events\[1\]\.at.*-4/,
    ],
    [
      of(sampled('none', [], []), Array(5001).fill({ name: 'x' })),
      /^PROFILE_TOO_LARGE.*5001 frames.*BUNSEN_MAX_TABLE_ENTRIES/,
    ],
    [of(sampled('bytes', [[0]], [1])), /^PARAMETER_CONTRADICTION/, { name: 'x.cpu' }],
    [of(sampled('seconds', [[0]], [1])), /^PARAMETER_CONTRADICTION/, { name: 'x.alloc_space' }],
    [
      of(sampled('seconds', [[0]], [1])),
      /^PARAMETER_CONTRADICTION.*sampleRate=99/,
      { sampleRate: '99' },
    ],
  ];
  for (const [body, message, params = {}] of cases) {
    assert.match(await refused({ format: 'speedscope', ...params }, body), message);
  }
});
