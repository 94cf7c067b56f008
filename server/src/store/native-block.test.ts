import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, decodeBlocks, encodeBlock } from './native-block.ts';

const columns: Column[] = [
  { name: 'id', type: 'UInt64', values: BigUint64Array.of(0n, 2n ** 64n - 1n, 2n ** 53n + 1n) },
  { name: 'value', type: 'Int64', values: BigInt64Array.of(-1n, 2n ** 63n - 1n, 0n) },
  { name: 'slot', type: 'UInt16', values: Uint16Array.of(0, 65_535, 7) },
  { name: 'h', type: 'DateTime', values: Uint32Array.of(0, 1_795_256_376, 4_294_967_295) },
  { name: 'f', type: 'Float64', values: Float64Array.of(0.5, -0, Number.MAX_VALUE) },
  {
    name: 'service',
    type: 'LowCardinality(String)',
    dictionary: ['api', "it's \\ a\nname", 'ü\0'],
    codes: Uint8Array.of(2, 0, 1),
  },
  {
    name: 'frames',
    type: 'Array(LowCardinality(String))',
    dictionary: ['main', 'λ'],
    offsets: Uint32Array.of(0, 2, 2, 5),
    codes: Uint8Array.of(0, 1, 1, 0, 0),
  },
];

test('a block comes back as it was', () => {
  const [block, ...more] = [...decodeBlocks(encodeBlock(3, columns))];
  assert.equal(more.length, 0);
  assert.deepEqual(block, { rows: 3, columns });
});

test('blocks follow each other, and may be empty', () => {
  const empty: Column[] = [{ name: 'id', type: 'UInt64', values: new BigUint64Array() }];
  const bytes = Buffer.concat([encodeBlock(0, empty), encodeBlock(3, columns)]);
  assert.deepEqual(
    [...decodeBlocks(bytes)].map(({ rows }) => rows),
    [0, 3],
  );
});

test('the width of dictionary codes follows the number of keys', () => {
  for (const [size, codes] of [
    [1, Uint8Array],
    [256, Uint8Array],
    [257, Uint16Array],
    [65_536, Uint16Array],
    [65_537, Uint32Array],
  ] as const) {
    const column: Column = {
      name: 'service',
      type: 'LowCardinality(String)',
      dictionary: Array.from({ length: size }, (_, i) => `s${i}`),
      codes: codes.of(0, size - 1),
    };
    const [block] = [...decodeBlocks(encodeBlock(2, [column]))];
    assert.deepEqual(block?.columns, [column]);
  }
});

test('a block that is cut off, or has another type, is an error', () => {
  const bytes = encodeBlock(3, columns);
  for (let length = 1; length < bytes.length; length += 7) {
    assert.throws(() => [...decodeBlocks(bytes.subarray(0, length))]);
  }
  const other = Buffer.from(
    encodeBlock(1, [{ name: 'x', type: 'UInt32', values: Uint32Array.of(1) }]),
  );
  other.write('Int128', other.indexOf('UInt32'));
  assert.throws(() => [...decodeBlocks(other)], /Int128 is not supported/);
});
