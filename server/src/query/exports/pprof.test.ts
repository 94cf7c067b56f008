import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { API, CPU_PROFILE_TYPE, decodePprof, parseProfileType } from '@bunsen/profile';
import {
  Function as Fn,
  Label,
  Line,
  Location,
  Mapping,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import { encodeBlock } from '../../store/native-block.ts';
import { pprofOf } from '../../testing/pprof-of.ts';
import { cpuQuery, foldedOf, searchOf, TestServer } from '../../testing/test-server.ts';
import { buildPprof } from './pprof.ts';

let server: TestServer;

before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

async function exported(params: Record<string, string | number>): Promise<[Buffer, Response]> {
  const response = await server.fetch(`${API.pprof}?${searchOf(params)}`);
  assert.equal(response.status, 200);
  return [gunzipSync(await response.arrayBuffer()), response];
}

/** Two mappings; a function at two lines, one of them inlined; a location without a function. */
function sent(timeMs: number): Uint8Array {
  const strings = new StringTable();
  const text = (value: string) => strings.dedup(value);
  const valueType = () => new ValueType({ type: text('cpu'), unit: text('nanoseconds') });
  const fn = (id: number, name: string, file: string) =>
    new Fn({ id, name: text(name), systemName: text(name), filename: text(file) });
  const line = (functionId: number, line: number) => new Line({ functionId, line });
  const label = [
    new Label({ key: text('service_name'), str: text('export') }),
    new Label({ key: text('pod'), str: text('a') }),
  ];
  return new Profile({
    sampleType: [valueType()],
    periodType: valueType(),
    period: 10_000_000,
    timeNanos: BigInt(timeMs) * 1_000_000n,
    mapping: [
      new Mapping({ id: 1, filename: text('/usr/bin/app'), buildId: text('abc123') }),
      new Mapping({ id: 2, filename: text('/usr/lib/libc.so.6'), buildId: text('def456') }),
      new Mapping({ id: 3, buildId: text('fed789') }),
    ],
    function: [
      fn(1, 'main', '/src/main.c'),
      fn(2, 'inlined', '/src/inline.h'),
      fn(3, 'memcpy', ''),
      fn(4, 'jit', ''),
    ],
    location: [
      new Location({ id: 1, mappingId: 1, address: 0x10, line: [line(1, 12)] }),
      new Location({ id: 2, mappingId: 1, address: 0x20, line: [line(2, 7), line(1, 34)] }),
      new Location({ id: 3, mappingId: 2, address: 0x30, line: [line(3, 0)] }),
      new Location({ id: 4, mappingId: 2, address: 0xffff_ffff_8100_0000n }),
      new Location({ id: 5, mappingId: 3, address: 0x50 }),
      new Location({ id: 6, line: [line(4, 0)] }),
    ],
    sample: [
      new Sample({ locationId: [1], value: [1_000_000_000_000_000n], label }),
      new Sample({ locationId: [3, 2, 1], value: [20], label }),
      new Sample({ locationId: [4, 2], value: [30], label }),
      new Sample({ locationId: [5, 6, 1], value: [40], label }),
      new Sample({ locationId: [2, 2, 2], value: [50], label }),
    ],
    stringTable: strings,
  }).encode();
}

interface Spelled {
  stacks: Record<string, bigint>;
  addresses: Record<string, bigint>;
}

/** Frames in words, leaf first, by way of pprof-format; inlined ones are as good as others. */
function spell(bytes: Uint8Array, scale: bigint): Spelled {
  const profile = Profile.decode(bytes);
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] as string;
  const addresses: Record<string, bigint> = {};
  const frames = profile.location.map(({ address, line, mappingId }) => {
    const mapping = profile.mapping.find(({ id }) => id === mappingId);
    const module = mapping ? (text(mapping.filename).split('/').at(-1) as string) : '';
    const hex = `0x${address.toString(16)}`;
    const unnamed = module ? `${module}+${hex}` : hex;
    const buildId = mapping ? text(mapping.buildId) : '';
    if (line.length === 0) {
      addresses[unnamed] = BigInt(address);
      return [`${unnamed} ${module} ${buildId}`];
    }
    return line.map(({ functionId, line }) => {
      const fn = profile.function.find(({ id }) => id === functionId);
      assert.ok(fn);
      if (text(fn.name) !== unnamed)
        return `${text(fn.name)} ${module} ${text(fn.filename)}:${line}`;
      addresses[unnamed] = BigInt(address);
      return `${unnamed} ${module} ${buildId}`;
    });
  });
  const stacks = profile.sample.map(({ locationId, value }) => [
    locationId.flatMap((id) => frames[Number(id) - 1] as string[]).join(' < '),
    BigInt(value[0] as number | bigint) * scale,
  ]);
  assert.equal(new Set(stacks.map(([stack]) => stack)).size, stacks.length);
  return { stacks: Object.fromEntries(stacks), addresses };
}

test('what was sent comes out again: functions, files, lines, modules, build IDs, sums', async () => {
  const now = Date.now();
  const first = sent(now - 120_000);
  await server.push(first);
  await server.push(sent(now - 60_000));
  const query = cpuQuery('service_name="export", pod="a"');
  const [bytes, response] = await exported({ query, from: 'now-10m', until: 'now+1m' });
  assert.deepEqual(spell(bytes, 1n), spell(first, 2n));
  assert.equal(response.headers.get('content-type'), 'application/gzip');
  assert.equal(response.headers.get('content-encoding'), null);
  assert.match(
    response.headers.get('content-disposition') ?? '',
    /^attachment; filename="export-process_cpu-cpu-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.pb\.gz"$/,
  );
  // As stored: sent to the server again, it is the same profile.
  const { frames, sampleTypes, durationNs } = decodePprof(bytes);
  assert.deepEqual(new Set(frames), new Set(decodePprof(first).frames));
  assert.deepEqual(sampleTypes, [{ type: 'cpu', unit: 'nanoseconds' }]);
  assert.ok(durationNs >= 660_000_000_000n && durationNs <= 690_000_000_000n, `${durationNs}`);
});

test('a function at two lines is one function with two locations, and mappings say what they have', async () => {
  const query = cpuQuery('service_name="export"');
  const [bytes] = await exported({ query, from: 'now-10m', until: 'now+1m' });
  const profile = Profile.decode(bytes);
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)];
  assert.equal(profile.function.filter(({ name }) => text(name) === 'main').length, 1);
  assert.equal(profile.location.length, profile.function.length + 1);
  const app = profile.mapping.find(({ filename }) => text(filename) === 'app');
  assert.ok(app?.hasFunctions && app.hasFilenames && app.hasLineNumbers);
  assert.deepEqual(profile.comment.map(text), [query]);
});

test('the sums are those of the flame graph; warnings are comments; an empty selection is empty', async () => {
  const lines = Array.from({ length: 500 }, (_, i) => `main;f${i % 7};g${i} ${1 + (i % 5)}`);
  await server.push(pprofOf(lines.join('\n'), { labels: { service_name: 'sums' } }));
  const query = cpuQuery('service_name="sums"');
  const [bytes] = await exported({ query });
  const stacks = Object.entries(spell(bytes, 1n).stacks).map(([stack, value]) => {
    const names = stack.split(' < ').map((frame) => frame.split(' ')[0]);
    return `${names.reverse().join(';')} ${value}`;
  });
  assert.deepEqual(stacks.sort(), foldedOf(await server.flame(query)).sort());

  const [empty] = await exported({ query: cpuQuery('service_name="sums", nope="x"') });
  const profile = Profile.decode(empty);
  assert.equal(profile.sample.length, 0);
  const comments = profile.comment.map((index) => profile.stringTable.strings[Number(index)]);
  assert.match(comments.join('\n'), /no series has the label 'nope'/);
});

test('what is wrong with a request is said', async () => {
  const noQuery = await server.refusal(API.pprof);
  assert.match(noQuery.message, /the parameter query is missing/);
  const unknown = await server.refusal(
    `${API.pprof}?${searchOf({ query: cpuQuery(), maxNodes: 1 })}`,
  );
  assert.equal(unknown.code, 'PARAMETER_UNKNOWN');
  const untyped = await server.refusal(`${API.pprof}?${searchOf({ query: '{}' })}`);
  assert.equal(untyped.code, 'PARAMETER_INVALID');
});

test('stacks beyond what a pprof holds are refused with their number and the limit', () => {
  const frames = (1 << 24) + 1;
  const blocks = encodeBlock(1, [
    {
      name: 'frames',
      type: 'Array(LowCardinality(String))',
      dictionary: ['main'],
      offsets: Uint32Array.from([0, frames]),
      codes: new Uint32Array(frames),
    },
    { name: 'v', type: 'Float64', values: Float64Array.from([1]) },
  ]);
  const range = { fromMs: 0, untilMs: 1 };
  const profileType = parseProfileType(CPU_PROFILE_TYPE);
  const subject = { query: '', profileType, range, warnings: [] };
  assert.throws(() => buildPprof([blocks], subject), {
    code: 'QUERY_MEMORY_LIMIT',
    message: /have 16777217 frames together; a pprof holds at most 16777216/,
  });
});
