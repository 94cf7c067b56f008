import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodePprof, parseFrame } from '@bunsen/profile';
import { asPprof } from '../as-pprof.ts';
import type { FileProfile } from './file-profile.ts';
import { readProfileFile } from './read-file.ts';

const read = (content: string | object) =>
  readProfileFile(
    new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content)),
  );

/** `name@module;… value` of each stack, root first. */
function linesOf({ stacks, values }: FileProfile): string[] {
  return Array.from(values, (value, i) => {
    const frames = stacks.stackFrames.slice(stacks.stackOffsets[i], stacks.stackOffsets[i + 1]);
    const names = Array.from(frames, (frame) => {
      const { name, module } = parseFrame(stacks.frames[frame] as string);
      return module === '' ? name : `${name}@${module}`;
    });
    return `${names.join(';')} ${value}`;
  });
}

const PERF = `# ========
# captured on: Sat Nov 21 2026
#
node 1234/1240 [001] 45678.901234:   10101010 cpu-clock:pppH: 
\tffffffff8104f45a native_write_msr_safe+0xa ([kernel.kallsyms])
\tffffffffc0123456 xfs_read+0x61 ([xfs])
\t    7f3b2c0d2e37 __GI___libc_write+0x17 (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t          8c1f2e std::vector<int, std::allocator<int> >::push_back(int&&)+0x2e (/usr/bin/app (deleted))
\t          8c1f00 operator()(int) (inlined)
\t          4011a0 main+0x20 (/usr/bin/app)

my worker 77 [000] 45678.911234:   20202020 cpu-clock:pppH: 
\t          8c1f2e [unknown] (/usr/bin/app)

sh 9 1.5: sched:sched_switch: prev_comm=sh prev_pid=9
\tffffffff81000000 schedule ([kernel.kallsyms])
`;

test('perf script: events, periods, modules and names with parentheses', async () => {
  const { format, profiles, warnings } = await read(PERF);
  assert.equal(format, 'perf script');
  assert.deepEqual(warnings, []);
  const [clock, sched] = profiles as [FileProfile, FileProfile];
  assert.deepEqual([clock.name, clock.unit], ['cpu-clock', 'nanoseconds']);
  assert.deepEqual(linesOf(clock), [
    'node;main@app;operator()(int);std::vector<int, std::allocator<int> >::push_back(int&&)@app (deleted);__GI___libc_write@libc.so.6;xfs_read@[xfs];native_write_msr_safe@[kernel] 10101010',
    'my worker;[app]@app 20202020',
  ]);
  assert.deepEqual([sched.name, sched.unit], ['sched:sched_switch', 'count']);
  assert.deepEqual(linesOf(sched), ['sh;schedule@[kernel] 1']);
});

test('what was read is written as a pprof, each kind of values by itself', async () => {
  const { profiles } = await read(PERF);
  const pprof = asPprof(profiles.toReversed());
  const again = await readProfileFile(new Uint8Array(pprof));
  assert.deepEqual(
    again.profiles.map(({ name, unit }) => [name, unit]),
    profiles.map(({ name, unit }) => [name, unit]),
  );
  const withValue = (profile: FileProfile) =>
    linesOf(profile).filter((line) => !line.endsWith(' 0'));
  assert.deepEqual(again.profiles.map(withValue), profiles.map(withValue));
});

test('perf script: lines that are not understood are told', async () => {
  const { profiles, warnings } = await read(
    'a 1 cycles:\n\t401 main (/a)\n  main.c:12\n\na 1 cycles:\n\t401 main (/a)\n',
  );
  assert.deepEqual(warnings, ['1 lines were left out, the first of them line 3: main.c:12']);
  assert.deepEqual(linesOf(profiles[0] as FileProfile), ['a;main@a 1', 'a;main@a 1']);
});

test('.cpuprofile: the time to the next sample, below V8’s own root', async () => {
  const frame = (functionName: string, url = '', lineNumber = -1) => ({
    functionName,
    url,
    lineNumber,
  });
  const file = {
    nodes: [
      { id: 1, callFrame: frame('(root)'), hitCount: 0, children: [2, 4] },
      { id: 2, callFrame: frame('', 'file:///app/server.mjs?v=1', 9), children: [3] },
      { id: 3, callFrame: frame('parse', 'node:internal/url', 20), hitCount: 2 },
      { id: 4, callFrame: frame('(idle)'), hitCount: 1 },
    ],
    startTime: 1000,
    endTime: 1100,
    samples: [3, 4, 3],
    timeDeltas: [10, 20, 30],
  };
  const { format, profiles } = await read(file);
  assert.equal(format, '.cpuprofile');
  const [time] = profiles as [FileProfile];
  assert.equal(time.unit, 'nanoseconds');
  assert.deepEqual(linesOf(time).toSorted(), [
    '(anonymous)@server.mjs;parse@url 60000',
    '(idle) 30000',
  ]);
  // An old one has counts alone.
  const { samples: _, timeDeltas: __, ...old } = file;
  const [counts] = (await read(old)).profiles as [FileProfile];
  assert.deepEqual(linesOf(counts).toSorted(), ['(anonymous)@server.mjs;parse@url 2', '(idle) 1']);
});

test('speedscope: sampled and evented', async () => {
  const { profiles } = await read({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    shared: { frames: [{ name: 'main' }, { name: 'a', file: 'a.rb', line: 3 }] },
    profiles: [
      {
        type: 'sampled',
        name: 'first',
        unit: 'milliseconds',
        startValue: 0,
        endValue: 3,
        samples: [[0], [0, 1], [0, 1]],
        weights: [1, 0.5, 1.5],
      },
      {
        type: 'evented',
        name: '',
        unit: 'bytes',
        startValue: 0,
        endValue: 10,
        events: [
          { type: 'O', at: 1, frame: 0 },
          { type: 'O', at: 4, frame: 1 },
          { type: 'C', at: 9, frame: 1 },
          { type: 'C', at: 10, frame: 0 },
        ],
      },
    ],
  });
  const [sampled, evented] = profiles as [FileProfile, FileProfile];
  assert.deepEqual([sampled.name, sampled.unit], ['first', 'nanoseconds']);
  assert.deepEqual(linesOf(sampled), ['main 1000000', 'main;a 2000000']);
  assert.deepEqual([evented.name, evented.unit], ['profile', 'bytes']);
  assert.deepEqual(linesOf(evented), ['main 4', 'main;a 5']);
});

test('pprof, gzipped: each sample type, and when it was taken', async () => {
  const pprof = encodePprof({
    timeNs: 5_000_000_000n,
    durationNs: 2_000_000_000n,
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10n,
    mappings: [{ file: '/bin/app', buildId: '' }],
    functions: ['leaf', 'main'].map((name) => ({
      name,
      systemName: name,
      mapping: 0,
      address: 0n,
    })),
    stackOffsets: Uint32Array.of(0, 2),
    stackFunctions: Uint32Array.of(0, 1),
    sampleStack: Uint32Array.of(0, 0),
    sampleLabels: Uint32Array.of(0, 0),
    sampleValues: BigInt64Array.of(1n, 10n, 2n, 20n),
    labelSets: [{}],
  });
  const { format, profiles } = await readProfileFile(new Uint8Array(gzipSync(pprof)));
  assert.equal(format, 'pprof');
  assert.deepEqual(
    profiles.map(({ name, unit, range }) => [name, unit, range]),
    [
      ['cpu', 'nanoseconds', { fromMs: 5000, untilMs: 7000 }],
      ['samples', 'count', { fromMs: 5000, untilMs: 7000 }],
    ],
  );
  assert.deepEqual(linesOf(profiles[0] as FileProfile), [
    'main@app;leaf@app 10',
    'main@app;leaf@app 20',
  ]);
});

test('folded text, with Windows’ ends of lines', async () => {
  const { format, profiles } = await read('main;a 3\r\nmain 2\r\n');
  assert.equal(format, 'folded text');
  assert.deepEqual(linesOf(profiles[0] as FileProfile), ['main;a 3', 'main 2']);
});

test('what is wrong with a file is said with its place', async () => {
  const speedscope = (profile: object) => ({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    shared: { frames: [{ name: 'main' }] },
    profiles: [{ name: 'p', unit: 'none', startValue: 0, ...profile }],
  });
  const cases: [content: string | object, message: RegExp][] = [
    ['', /empty/],
    ['main 0\n', /no samples/],
    ['hello\nworld', /line 1 is not of the form/],
    ['{"a": 1', /begins as JSON, and is none/],
    ['{"a": 1}', /neither a .cpuprofile nor of speedscope/],
    [
      speedscope({ type: 'sampled', samples: [[7]], weights: [1] }),
      /samples\[0\] refers to frame 7; shared.frames has 1/,
    ],
    [speedscope({ type: 'sampled', samples: [[0]], weights: [] }), /1 samples and 0 weights/],
    [
      speedscope({ type: 'evented', events: [{ type: 'C', at: 0, frame: 0 }] }),
      /events\[0\] closes frame 0/,
    ],
    [speedscope({ type: 'round' }), /profiles\[0\].type "round" is neither/],
    [
      {
        nodes: [{ id: 1, callFrame: { functionName: 'a' } }],
        startTime: 0,
        endTime: 9,
        samples: [9],
        timeDeltas: [1],
      },
      /samples\[0\] is 9/,
    ],
    [
      { nodes: [{ id: 1, callFrame: { functionName: 'a' }, children: [5] }] },
      /child of node 1 is 5/,
    ],
  ];
  for (const [content, message] of cases) {
    await assert.rejects(read(content), { message }, `${JSON.stringify(content)}`);
  }
  const cut = new Uint8Array(gzipSync('main;a 3\n').subarray(0, 12));
  await assert.rejects(readProfileFile(cut), /no whole gzip/);
  await assert.rejects(readProfileFile(Uint8Array.of(0, 1, 2)), { code: 'PPROF_MALFORMED' });
});
