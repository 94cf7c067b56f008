import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Profile } from 'pprof-format';
import { formatFrame } from './frame.ts';
import { formatLabels } from './label.ts';
import { decodePprof } from './pprof-decode.ts';

/** A varint field, and a field of bytes, of protobuf. */
const number = (field: number, value: number | bigint) => [
  ...varint(field * 8),
  ...varint(BigInt(value)),
];
const bytesOf = (field: number, bytes: number[]) => [
  ...varint(field * 8 + 2),
  ...varint(bytes.length),
  ...bytes,
];
const text = (value: string) => bytesOf(6, Array.from(Buffer.from(value)));
function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

/** Numbers from 0 up to a limit, the same for the same seed. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/**
 * A profile of all that pprof allows: lists packed or not, tables in any order, ids of 64 bits, inlined
 * lines, locations without a function or a mapping, numeric labels, fields that nobody knows.
 */
function randomPprof(seed: number, unknownFields: number[]): Uint8Array {
  const below = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = <T>(most: number, make: (i: number) => T): T[] =>
    Array.from({ length: below(most + 1) }, (_, i) => make(i));
  const strings = ['', 'cpu', 'nanoseconds', '/usr/lib/libc.so.6', 'app', 'app+0x10', 'ab\u0007c'];
  strings.push('größe', '函数', 'x'.repeat(200), 'std::vector<int>', 'v');
  const string = () => below(strings.length);
  const idOf = pick([
    (i: number) => BigInt(i + 1),
    (i: number) => BigInt(i * 3 + 7),
    (i: number) => 2n ** 64n - 1n - BigInt(i), // these differ only beyond 2^53
  ]);
  const list = (field: number, values: bigint[]) =>
    below(2) === 0
      ? bytesOf(field, values.flatMap(varint))
      : values.flatMap((value) => number(field, value));
  const odd = () => {
    const field = pick(unknownFields);
    return pick([[], [], number(field, 2n ** 63n), bytesOf(field, [1, 2, 3])]);
  };
  const mappings = some(3, idOf);
  const functions = some(6, idOf);
  const locations = some(8, idOf);
  const types = 1 + below(3);
  const values = [0n, 1n, -1n, 127n, 128n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
  const parts: number[][] = [
    ...Array.from({ length: types }, () =>
      bytesOf(1, [...number(1, string()), ...number(2, string())]),
    ),
    ...some(12, () => {
      const stack = locations.length === 0 ? [] : some(9, () => pick(locations));
      const label = () =>
        bytesOf(3, [
          ...number(1, string()),
          ...pick([number(2, string()), number(3, pick(values)), []]),
        ]);
      return bytesOf(2, [
        ...list(1, stack),
        ...odd(),
        ...list(
          2,
          Array.from({ length: types }, () => pick(values)),
        ),
        ...some(3, label).flat(),
      ]);
    }),
    ...mappings.map((id) =>
      bytesOf(3, [...number(1, id), ...number(5, string()), ...number(6, string()), ...odd()]),
    ),
    ...locations.map((id) => {
      const line = () =>
        bytesOf(4, [...number(1, pick(functions)), ...number(2, pick([0, 1, 70_000]))]);
      return bytesOf(4, [
        ...number(1, id),
        ...(mappings.length > 0 && below(3) > 0 ? number(2, pick(mappings)) : []),
        ...number(3, pick([0n, 0x10n, 2n ** 64n - 1n])),
        ...(functions.length > 0 ? some(3, line).flat() : []),
        ...odd(),
      ]);
    }),
    ...functions.map((id) =>
      bytesOf(5, [
        ...number(1, id),
        ...number(2, string()),
        ...number(3, string()),
        ...number(4, string()),
      ]),
    ),
    number(9, pick(values)),
    number(10, pick(values)),
    number(12, pick(values)),
    bytesOf(11, [...number(1, string()), ...number(2, string())]),
    odd(),
  ];
  // Sample types and strings are known by their order, the rest may come as it likes.
  const fixed = parts.splice(0, types);
  for (const part of parts) fixed.splice(below(fixed.length + 1), 0, part);
  return Uint8Array.from([...fixed, ...strings.map(text)].flat());
}

/** The same in words, by way of pprof-format's objects. */
function readWithLibrary(bytes: Uint8Array) {
  const profile = Profile.decode(bytes);
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] as string;
  const int64 = (value: number | bigint) => BigInt.asIntN(64, BigInt(value));
  const byId = <T extends { id: number | bigint }>(list: T[]) =>
    new Map(list.map((item) => [BigInt(item.id), item]));
  const [mappings, functions] = [byId(profile.mapping), byId(profile.function)];
  const frames = new Map<bigint, string[]>();
  for (const { id, mappingId, address, line } of profile.location) {
    const mapping = mappings.get(BigInt(mappingId));
    const module = mapping ? (text(mapping.filename).split('/').at(-1) as string) : '';
    const buildId = mapping ? text(mapping.buildId) : '';
    const hex = `0x${BigInt(address).toString(16)}`;
    const lines = line.map(({ functionId, line }) => {
      const fn = functions.get(BigInt(functionId));
      assert.ok(fn);
      const name = text(fn.name) || text(fn.systemName);
      const isUnnamed = module !== '' && name.startsWith(`${module}+0x`);
      const kept = {
        file: text(fn.filename),
        line: Number(line),
        buildId: isUnnamed ? buildId : '',
      };
      return formatFrame({ name, module, ...kept });
    });
    const unnamed = formatFrame({ name: module ? `${module}+${hex}` : hex, module, buildId });
    frames.set(BigInt(id), lines.length > 0 ? lines : [unnamed]);
  }
  const valueType = ({ type, unit }: { type: number | bigint; unit: number | bigint }) => ({
    type: text(type),
    unit: text(unit),
  });
  return {
    timeNs: int64(profile.timeNanos),
    durationNs: int64(profile.durationNanos),
    period: int64(profile.period),
    periodType: profile.periodType ? valueType(profile.periodType) : { type: '', unit: '' },
    sampleTypes: profile.sampleType.map(valueType),
    samples: profile.sample.map(({ locationId, value, label }) => ({
      stack: locationId.flatMap((id) => frames.get(BigInt(id)) as string[]).reverse(),
      values: value.map(int64),
      labels: formatLabels(
        Object.fromEntries(
          label.filter(({ str }) => str !== 0).map(({ key, str }) => [text(key), text(str)]),
        ),
      ),
    })),
  };
}

function readWithDecoder(bytes: Uint8Array): ReturnType<typeof readWithLibrary> {
  const profile = decodePprof(bytes);
  const { frames, stackOffsets, stackFrames, sampleTypes, labelSets } = profile;
  const types = sampleTypes.length;
  const { timeNs, durationNs, period, periodType } = profile;
  const samples = Array.from(profile.sampleStack, (stack, sample) => ({
    stack: Array.from(
      stackFrames.subarray(stackOffsets[stack], stackOffsets[stack + 1]),
      (frame) => frames[frame] as string,
    ),
    values: Array.from(profile.sampleValues.subarray(sample * types, (sample + 1) * types)),
    labels: formatLabels(labelSets[profile.sampleLabels[sample] as number] ?? {}),
  }));
  return { timeNs, durationNs, period, periodType, sampleTypes, samples };
}

test('profiles of every kind are decoded as pprof-format does, to the last bit', () => {
  for (let seed = 0; seed < 500; seed++) {
    // The library takes tags for single bytes: it is given the same profile without larger ones.
    const expected = readWithLibrary(randomPprof(seed, [15, 15]));
    assert.deepEqual(readWithDecoder(randomPprof(seed, [15, 15])), expected, `seed ${seed}`);
    assert.deepEqual(readWithDecoder(randomPprof(seed, [16, 3000])), expected, `seed ${seed}`);
  }
});

test('what is malformed is refused with the byte at which it is', () => {
  const type = bytesOf(1, []);
  const cases: [string, number[], string][] = [
    ['a number that is cut off', [...number(9, 300).slice(0, -1)], 'it is cut off at byte 2'],
    [
      'a number of 11 bytes',
      [9 * 8, ...new Array(11).fill(0x80)],
      'longer than 64 bits at byte 11',
    ],
    ['a tag of 33 bits', varint(2n ** 33n), 'a tag is longer than 32 bits at byte 5'],
    ['a message beyond the end', [...type, 2 * 8 + 2, 100, 8], 'field 2 is cut off at byte 4'],
    [
      'a message of nearly 2^64 bytes',
      [2 * 8 + 2, ...varint(2n ** 64n - 1n)],
      'field 2 is cut off at byte 11',
    ],
    [
      'a line that ends after its location',
      [...type, ...bytesOf(4, [4 * 8 + 2, 2]), 15 * 8, 0, ...text('')],
      'a field is longer than its message',
    ],
    [
      'a list that ends within a number',
      [...type, ...bytesOf(2, bytesOf(2, [0x80])), ...number(15, 0)],
      'a number is longer than its list at byte 8',
    ],
    ['a group', [...type, 7 * 8 + 3], 'unknown wire type 3 at byte 3'],
    ['a time that is a text', [...type, ...bytesOf(9, [1])], 'field 9 has the wrong type'],
  ];
  for (const [what, bytes, message] of cases) {
    assert.throws(
      () => decodePprof(Uint8Array.from(bytes)),
      (error: Error & { code?: string }) =>
        error.code === 'PPROF_MALFORMED' && error.message.includes(message),
      `${what}: ${message}`,
    );
  }
});

/** A profile with a sample type, a function and what else is given. */
const profileWith = (...parts: number[][]) =>
  Uint8Array.from(
    [
      bytesOf(1, [...number(1, 1), ...number(2, 2)]),
      bytesOf(5, [...number(1, 1), ...number(2, 1)]),
      ...['', 'cpu', 'nanoseconds'].map(text),
      ...parts,
    ].flat(),
  );

test('a small profile that stands for thousands of millions of frames is refused, not built', () => {
  const line = bytesOf(4, number(1, 1));
  const bytes = profileWith(
    bytesOf(2, [...bytesOf(1, new Array<number>(20_000).fill(1)), ...number(2, 1)]),
    bytesOf(4, [...number(1, 1), ...Array.from({ length: 20_000 }, () => line).flat()]),
  );
  assert.throws(() => decodePprof(bytes), { code: 'PPROF_LIMIT', message: /at most 33554432/ });
});

test('tables of millions of empty entries are refused, whichever they are', () => {
  const names = { 1: 'sample types', 2: 'samples', 3: 'mappings', 4: 'locations', 5: 'functions' };
  for (const [field, name] of Object.entries(names)) {
    const bytes = new Uint8Array(3 << 20);
    for (let at = 0; at < bytes.length; at += 2) bytes[at] = Number(field) * 8 + 2;
    const message = new RegExp(`more ${name}; at most 1048576 `);
    assert.throws(() => decodePprof(bytes), { code: 'PPROF_LIMIT', message });
  }
});

test('a long name that thousands of frames share is refused, not copied for each', () => {
  const lines = Array.from({ length: 3000 }, (_, line) =>
    bytesOf(4, [...number(1, 1), ...number(2, line)]),
  );
  const name = new Array<number>(100_000).fill(0x61);
  const bytes = Uint8Array.from([
    ...bytesOf(1, []),
    ...bytesOf(5, [...number(1, 1), ...number(2, 1)]),
    ...bytesOf(4, [...number(1, 1), ...lines.flat()]),
    ...text(''),
    ...bytesOf(6, name),
  ]);
  assert.throws(() => decodePprof(bytes), { code: 'PPROF_LIMIT', message: /characters of frames/ });
});

test('a text that starts with a byte order mark keeps it, and one that is not UTF-8 is readable', () => {
  const name = [0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62];
  const bytes = Uint8Array.from([...bytesOf(1, number(1, 1)), ...text(''), ...bytesOf(6, name)]);
  assert.equal(decodePprof(bytes).sampleTypes[0]?.type, '\ufeffa\ufffdb');
});

test('more values than can be held are refused before room is made for them', () => {
  const types = Array.from({ length: 3000 }, () => bytesOf(1, []));
  const samples = Array.from({ length: 3000 }, () => bytesOf(2, []));
  const bytes = Uint8Array.from([...types, ...samples].flat());
  assert.throws(() => decodePprof(bytes), {
    code: 'PPROF_LIMIT',
    message: /9000000 values; at most 4194304/,
  });
});
