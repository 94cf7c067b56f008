import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallTreeBuilder, NO_FRAME } from './call-tree.ts';
import { type DiffTree, diffTreeOf } from './diff.ts';
import { parseFolded } from './folded.ts';

/** Nodes as `name left/right` of the totals, indented; lines before `leftLines` are of the left side. */
function draw(text: string, leftLines: number, maxNodes: number): string[] {
  const lines = text.split('\n');
  return drawTree(diffOf(lines.slice(0, leftLines), lines.slice(leftLines), maxNodes));
}

function diffOf(left: string[], right: string[], maxNodes: number): DiffTree {
  const builder = new CallTreeBuilder({ sides: 2 });
  [left, right].forEach((lines, side) => {
    const folded = parseFolded(lines.join('\n'));
    builder.add(folded, Array.from(folded.values, Number), side);
  });
  return diffTreeOf(builder.cut(maxNodes));
}

function drawTree({ frames, frame, depth, left, right }: DiffTree): string[] {
  return Array.from(depth, (d, node) => {
    const at = frame[node] as number;
    const name = at === NO_FRAME ? 'total' : frames[at];
    return `${'  '.repeat(d)}${name} ${left.total[node]}/${right.total[node]}`;
  });
}

test('a node stands in one place with a total on each side, also where it is on one only', () => {
  assert.deepEqual(draw('main;a 3\nmain;gone 2\nmain;a 5\nnew 7', 2, 100), [
    'total 5/12',
    '  main 5/5',
    '    a 3/5',
    '    gone 2/0',
    '  new 0/7',
  ]);
});

test('a cut tree keeps the totals of both sides', () => {
  assert.deepEqual(draw('main;a 9\nmain;b 2\nx;y 1\nmain;a 8\nmain;c 3\nx;y 1', 3, 3), [
    'total 12/12',
    '  main 11/11',
    '    a 9/8',
    '    other 2/3',
    '  other 1/1',
  ]);
});

test('both sides are exact for random trees at every size', () => {
  let seed = 5;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  const lines = Array.from({ length: 300 }, () => {
    const stack = Array.from({ length: 1 + random(9) }, (_, i) => `f${i}_${random(3)}`);
    return `${stack.join(';')} ${1 + random(100)}`;
  });
  const sum = (from: number, until: number) =>
    lines.slice(from, until).reduce((total, line) => total + Number(line.split(' ')[1]), 0);
  for (const maxNodes of [1, 2, 10, 100, 10_000]) {
    const tree = diffOf(lines.slice(0, 120), lines.slice(120), maxNodes);
    assert.equal(tree.left.total[0], sum(0, 120));
    assert.equal(tree.right.total[0], sum(120, lines.length));
    assert.ok(tree.right.self.every((self) => self >= 0));
  }
});
