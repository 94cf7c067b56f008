import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOfFrame } from '@bunsen/profile';
import { nodeAt } from './hit-test.ts';
import {
  extentOf,
  type FlameLayout,
  hasNegative,
  layoutFlame,
  pathTo,
  signsOf,
  wholeOf,
} from './layout.ts';
import { textTree } from './text-tree.ts';
import { step } from './walk.ts';

const SAMPLES = `
main;parse;alloc 20
main;parse 10
main;send 30
idle 40
`;

function nameOf({ tree }: FlameLayout, node: number): string {
  return node < 0 ? 'none' : nameOfFrame(tree.frames[tree.frame[node] as number] ?? 'all');
}

function find(layout: FlameLayout, name: string): number {
  return layout.tree.frame.findIndex((_, node) => nameOf(layout, node) === name);
}

test('children lie at the left of their parent, self is what is free below', () => {
  const layout = layoutFlame(textTree(SAMPLES));
  assert.equal(layout.levels, 4);
  assert.deepEqual(extentOf(layout, 0), { start: 0, end: 100 });
  assert.deepEqual(extentOf(layout, find(layout, 'idle')), { start: 0, end: 40 });
  assert.deepEqual(extentOf(layout, find(layout, 'main')), { start: 40, end: 100 });
  assert.deepEqual(extentOf(layout, find(layout, 'parse')), { start: 40, end: 70 });
  assert.deepEqual(extentOf(layout, find(layout, 'alloc')), { start: 40, end: 60 });
  assert.deepEqual(extentOf(layout, find(layout, 'send')), { start: 70, end: 100 });
});

test('levels hold their cells from left to right', () => {
  const layout = layoutFlame(textTree(SAMPLES));
  assert.deepEqual(Array.from(layout.levelOffsets), [0, 1, 3, 5, 6]);
  const level2 = layout.cellNode.subarray(3, 5);
  assert.deepEqual(
    Array.from(level2, (node) => nameOf(layout, node)),
    ['parse', 'send'],
  );
  for (let node = 0; node < layout.parent.length; node++) {
    assert.equal(layout.cellNode[layout.nodeCell[node] as number], node);
  }
});

test('the path from the root', () => {
  const layout = layoutFlame(textTree(SAMPLES));
  assert.deepEqual(
    pathTo(layout, find(layout, 'alloc')).map((node) => nameOf(layout, node)),
    ['all', 'main', 'parse', 'alloc'],
  );
  assert.deepEqual(pathTo(layout, 0), [0]);
});

test('values past 2^32 keep their places', () => {
  const layout = layoutFlame(textTree(`a 9000000000001\nb 2\nc 1`));
  assert.deepEqual(extentOf(layout, find(layout, 'c')), {
    start: 9_000_000_000_003,
    end: 9_000_000_000_004,
  });
});

test('negative values are as wide as positive ones, and make no cells that overlap', () => {
  const layout = layoutFlame(textTree(`a;up 10\na;down -4\nb 5`));
  for (let cell = 1; cell < layout.cellStart.length; cell++) {
    const isFirst = layout.levelOffsets.includes(cell);
    if (isFirst) continue;
    assert.ok((layout.cellStart[cell] as number) >= (layout.cellEnd[cell - 1] as number));
  }
  assert.deepEqual(extentOf(layout, find(layout, 'down')), { start: 0, end: 4 });
  assert.deepEqual(extentOf(layout, find(layout, 'up')), { start: 4, end: 14 });
  assert.equal(wholeOf(layout), 19);
  const signs = Array.from(signsOf(layout.tree), (sign, node) => `${nameOf(layout, node)} ${sign}`);
  assert.deepEqual(signs, ['all 1', 'a 1', 'down -1', 'up 1', 'b 1']);
});

test('what adds up to nothing is drawn, and its arrows lead to the widest', () => {
  const layout = layoutFlame(textTree(`more 5\nless -5\nless;most -9\nless;back 9`));
  assert.equal(wholeOf(layout), 5 + 18);
  assert.equal(nameOf(layout, step(layout, 0, 'down')), 'less');
  assert.equal(hasNegative(layout.tree), true);
  assert.equal(hasNegative(textTree('a 1')), false);
});

test('a place finds its node: left edge in, right edge out, nothing below self', () => {
  const layout = layoutFlame(textTree(SAMPLES));
  const at = (level: number, x: number) => nameOf(layout, nodeAt(layout, level, x));
  assert.equal(at(1, 0), 'idle');
  assert.equal(at(1, 39.9), 'idle');
  assert.equal(at(1, 40), 'main');
  assert.equal(at(2, 69.9), 'parse');
  assert.equal(at(2, 70), 'send');
  assert.equal(at(2, 10), 'none');
  assert.equal(at(3, 65), 'none');
  assert.equal(at(1, 100), 'none');
  assert.equal(at(9, 1), 'none');
  assert.equal(at(-1, 1), 'none');
});

test('every place of a large tree finds what a walk through it finds', () => {
  const lines: string[] = [];
  for (let i = 0; i < 500; i++) lines.push(`f${i % 7};g${i % 31};h${i} ${1 + (i % 5)}`);
  const layout = layoutFlame(textTree(lines.join('\n')));
  for (let level = 0; level < layout.levels; level++) {
    for (let x = 0.5; x < (layout.tree.total[0] as number); x += 7) {
      const walked = layout.tree.depth.findIndex((depth, node) => {
        const { start, end } = extentOf(layout, node);
        return depth === level && start <= x && x < end;
      });
      assert.equal(nodeAt(layout, level, x), walked);
    }
  }
});

test('arrows lead to parent, widest child and neighbours', () => {
  const layout = layoutFlame(textTree(SAMPLES));
  const go = (from: string, ...way: Parameters<typeof step>[2][]) =>
    nameOf(
      layout,
      way.reduce((node, direction) => step(layout, node, direction), find(layout, from)),
    );
  assert.equal(go('all', 'down'), 'main');
  assert.equal(go('main', 'left'), 'idle');
  assert.equal(go('idle', 'left'), 'idle');
  assert.equal(go('idle', 'down'), 'idle');
  assert.equal(go('alloc', 'up', 'right'), 'send');
  assert.equal(go('main', 'up', 'up'), 'all');
});

test('a tree of its root only', () => {
  const layout = layoutFlame(textTree(''));
  assert.equal(layout.levels, 1);
  assert.equal(nodeAt(layout, 0, 0), -1);
  assert.equal(step(layout, 0, 'down'), 0);
});
