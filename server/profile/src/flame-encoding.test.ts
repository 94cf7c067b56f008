import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCallTree } from './call-tree.ts';
import { decodeFlame, encodeFlame, type Flame, flameToJson } from './flame-encoding.ts';
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

test('bytes that are cut off or changed are refused, never misread silently into a crash', () => {
  const bytes = encodeFlame(flame);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeFlame(bytes.subarray(0, length)));
  }
  assert.throws(() => decodeFlame(new Uint8Array([1, 2, 3, 4])), /BFL1/);
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
