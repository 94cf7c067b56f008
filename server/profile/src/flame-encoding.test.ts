import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCallTree, CallTreeBuilder } from './call-tree.ts';
import { diffTreeOf } from './diff.ts';
import {
  decodeFlame,
  decodeFlameDiff,
  encodeFlame,
  encodeFlameDiff,
  type Flame,
  type FlameDiff,
  flameToJson,
} from './flame-encoding.ts';
import { toFlamebearer } from './flamebearer.ts';
import { parseFolded } from './folded.ts';

function flameOf(text: string): Flame {
  const folded = parseFolded(text);
  return {
    meta: {
      profileType: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
      unit: 'nanoseconds',
      fromMs: 1,
      untilMs: 2,
      foldedNodes: 0,
      foldedValue: 0,
      warnings: ['größer'],
    },
    tree: buildCallTree(folded, Array.from(folded.values, Number)),
  };
}

const flame = flameOf(`main;parse ${2 ** 40}\nmain;eval ${2 ** 53 - 1 - 2 ** 40}\n函数 0\nneg -5`);

test('the binary form comes back as it was, with values past 2^32 and below 0', () => {
  const back = decodeFlame(encodeFlame(flame));
  assert.deepEqual(back.meta, flame.meta);
  assert.deepEqual(flameToJson(back).nodes.self, flameToJson(flame).nodes.self);
  assert.deepEqual(flameToJson(back).nodes.depth, flameToJson(flame).nodes.depth);
  const names = (f: Flame) =>
    Array.from(f.tree.frame, (frame) => f.tree.frames[frame] ?? 'total').join(' ');
  assert.equal(names(back), names(flame));
});

function diffOf(left: string, right: string): FlameDiff {
  const builder = new CallTreeBuilder({ sides: 2 });
  [left, right].forEach((text, side) => {
    const folded = parseFolded(text);
    builder.add(folded, Array.from(folded.values, Number), side);
  });
  const side = { fromMs: 1, untilMs: 2 };
  const { fromMs: _from, untilMs: _until, ...meta } = flame.meta;
  return {
    meta: { ...meta, left: side, right: side },
    tree: diffTreeOf(builder.cut(Number.POSITIVE_INFINITY)),
  };
}

test('a comparison comes back with both sides, and is not taken for a flame graph', () => {
  const diff = diffOf(`main;a ${2 ** 40}\nmain;gone 2`, `main;a 3\nmain;new -${2 ** 53 - 1}`);
  const bytes = encodeFlameDiff(diff);
  const back = decodeFlameDiff(bytes);
  assert.deepEqual(back.meta, diff.meta);
  assert.deepEqual(back.tree.left, diff.tree.left);
  assert.deepEqual(back.tree.right, diff.tree.right);
  assert.deepEqual(back.tree.depth, diff.tree.depth);
  assert.throws(() => decodeFlame(bytes), /it has 2 values a node, not 1/);
  assert.throws(() => decodeFlameDiff(encodeFlame(flame)), /it has 1 values a node, not 2/);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeFlameDiff(bytes.subarray(0, length)));
  }
});

test('every size of number comes back, on both sides of 0 and to the end of 64 bits', () => {
  const values = Array.from({ length: 64 }, (_, bit) => [2 ** bit, 2 ** Math.min(bit, 53) - 1]);
  const self = Float64Array.from(
    values.flat().flatMap((value) => [value, value === 0 ? 0 : -value]),
  );
  const tree = {
    ...flame.tree,
    frame: new Uint32Array(self.length),
    depth: new Uint32Array(self.length),
  };
  const back = decodeFlame(encodeFlame({ meta: flame.meta, tree: { ...tree, self, total: self } }));
  assert.deepEqual(back.tree.self, self);
});

test('bytes that are cut off or changed are refused, never misread silently into a crash', () => {
  const bytes = encodeFlame(flame);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeFlame(bytes.subarray(0, length)));
  }
  assert.throws(() => decodeFlame(new Uint8Array([1, 2, 3, 4])), /BFL2/);
});

test('flamebearer levels are delta-encoded and children start behind the self of their parent', () => {
  const { tree } = flameOf('a;x 1\na;y 2\na 3\nb;z 4');
  const bearer = toFlamebearer(tree);
  assert.deepEqual(bearer.names, ['total', 'a', 'x', 'y', 'b', 'z']);
  assert.deepEqual(bearer.levels, [
    [0, 10, 0, 0],
    [0, 6, 3, 1, 0, 4, 0, 4],
    [3, 1, 1, 2, 0, 2, 2, 3, 0, 4, 4, 5],
  ]);
  assert.equal(bearer.numTicks, 10);
  assert.equal(bearer.maxSelf, 4);
});
