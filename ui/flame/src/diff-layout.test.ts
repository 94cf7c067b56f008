import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  buildCallTree,
  CallTreeBuilder,
  type DiffTree,
  diffTreeOf,
  NO_FRAME,
  parseFolded,
} from '@bunsen/profile';
import { layoutDiff } from './diff-layout.ts';
import { diffTable } from './diff-table.ts';
import { step } from './walk.ts';

function diffOf(left: string, right: string): DiffTree {
  const builder = new CallTreeBuilder({ sides: 2 });
  [left, right].forEach((text, side) => {
    const stacks = parseFolded(text);
    builder.add(stacks, Array.from(stacks.values, Number), side);
  });
  return diffTreeOf(builder.cut(1000));
}

const TREE = diffOf(
  'main;parse 40\nmain;parse;alloc 10\nmain;old 50',
  'main;parse 60\nmain;parse;alloc 20\nmain;new 120',
);
const BY_SHARE = { left: 1 / 100, right: 1 / 200 };

/** Nodes as `name from-until change`, in percent of both sides together. */
function drawn(view: 'diff' | 'left' | 'right', weights = BY_SHARE): string[] {
  const { layout, change } = layoutDiff(TREE, weights, view);
  const { tree, nodeCell, cellStart, cellEnd } = layout;
  const all = cellEnd[0] as number;
  const percent = (x: number | undefined) => Math.round(((x as number) / all) * 100);
  return Array.from(tree.frame, (frame, node) => {
    const cell = nodeCell[node] as number;
    const name = frame === NO_FRAME ? 'all' : tree.frames[frame];
    const sign = change ? ` ${(change[node] as number).toFixed(2)}` : '';
    return `${name} ${percent(cellStart[cell])}-${percent(cellEnd[cell])}${sign}`;
  });
}

test('both sides in one picture, each node as wide as its share of both', () => {
  assert.deepEqual(drawn('diff'), [
    'all 0-100 0.00',
    'main 0-100 0.00',
    'new 0-30 1.00',
    'old 30-55 -1.00',
    'parse 55-100 -0.22',
    'alloc 55-65 0.00',
  ]);
});

test('one side alone holds only what it has', () => {
  assert.deepEqual(drawn('left'), [
    'all 0-100',
    'main 0-100',
    'old 0-50',
    'parse 50-100',
    'alloc 50-60',
  ]);
  assert.deepEqual(drawn('right'), [
    'all 0-100',
    'main 0-100',
    'new 0-60',
    'parse 60-100',
    'alloc 60-70',
  ]);
});

test('a node of the picture knows its node in the comparison', () => {
  const { layout, source } = layoutDiff(TREE, BY_SHARE, 'right');
  for (let node = 0; node < source.length; node++) {
    assert.equal(layout.tree.frame[node], TREE.frame[source[node] as number]);
  }
  assert.equal(source.length, TREE.frame.length - 1);
});

test('other weights, other changes: in all, everything grew', () => {
  const { change } = layoutDiff(TREE, { left: 1, right: 1 }, 'diff');
  assert.ok((change as Float32Array)[0]! > 0.6);
});

test('what one sample of many met is hardly a change', () => {
  const tree = diffOf('main 10000', 'main 10000\nblip 1');
  const { change } = layoutDiff(tree, { left: 1 / 10_000, right: 1 / 10_001 }, 'diff');
  const blip = tree.frames.indexOf('blip');
  const node = tree.frame.indexOf(blip);
  assert.ok((change as Float32Array)[node]! < 0.1);
});

test('a side without values, and two of them', () => {
  const oneSided = diffOf('', 'main 5');
  assert.deepEqual(Array.from(layoutDiff(oneSided, { left: 0, right: 1 }, 'left').source), [0]);
  assert.equal(layoutDiff(oneSided, { left: 0, right: 1 }, 'diff').change?.[1], 1);
  const empty = layoutDiff(diffOf('', ''), { left: 0, right: 0 }, 'diff');
  assert.deepEqual(Array.from(empty.change as Float32Array), [0]);
});

test('arrow keys walk through a comparison, too', () => {
  const { layout } = layoutDiff(TREE, BY_SHARE, 'diff');
  assert.equal(layout.tree.frames[layout.tree.frame[step(layout, 1, 'down')] as number], 'parse');
});

test('functions with the values of both sides', () => {
  const { functions, left, right } = diffTable(TREE);
  const at = functions.indexOf('parse');
  const values = [left, right].map(({ self, total }) => [self[at], total[at]]);
  assert.deepEqual(values, [
    [40, 50],
    [60, 80],
  ]);
});

test('a comparison with itself changes nothing', () => {
  const folded = parseFolded('main;a 1\nmain;b 2');
  const { total } = buildCallTree(folded, [1, 2]);
  const tree = diffOf('main;a 1\nmain;b 2', 'main;a 1\nmain;b 2');
  const { layout, change } = layoutDiff(tree, { left: 0.5, right: 0.5 }, 'diff');
  assert.deepEqual(Array.from(layout.tree.total), Array.from(total));
  assert.ok((change as Float32Array).every((value) => value === 0));
});
