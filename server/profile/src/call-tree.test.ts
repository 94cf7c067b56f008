import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  buildCallTree,
  type CallTree,
  CallTreeBuilder,
  type CutTree,
  callTreeOf,
  NO_FRAME,
  OTHER_FRAME,
} from './call-tree.ts';
import { parseFolded } from './folded.ts';

function treeOf(text: string): CallTree {
  const folded = parseFolded(text);
  return buildCallTree(folded, Array.from(folded.values, Number));
}

/** A tree as indented text: the form in which these tests draw what they expect. */
function draw(tree: CallTree): string {
  return Array.from(tree.depth, (depth, node) => {
    const frame = tree.frame[node] as number;
    const name = frame === NO_FRAME ? 'total' : tree.frames[frame];
    return `${'  '.repeat(depth)}${name} ${tree.self[node]}/${tree.total[node]}`;
  }).join('\n');
}

test('merges equal stacks and orders children by name', () => {
  const tree = treeOf('main;parse 2\nmain;eval;add 3\nmain 1\nmain;parse 4\ninit 5');
  assert.equal(
    draw(tree),
    [
      'total 0/15',
      '  init 5/5',
      '  main 1/10',
      '    eval 0/3',
      '      add 3/3',
      '    parse 6/6',
    ].join('\n'),
  );
});

test('keeps recursion as nested frames', () => {
  assert.equal(draw(treeOf('f;f;f 1\nf;f 2')), 'total 0/3\n  f 0/3\n    f 2/3\n      f 1/1');
});

test('an empty profile is a root of 0', () => {
  assert.equal(draw(treeOf('')), 'total 0/0');
});

function cutOf(text: string, maxNodes: number): CutTree {
  const folded = parseFolded(text);
  const builder = new CallTreeBuilder();
  builder.add(folded, Array.from(folded.values, Number));
  return builder.cut(maxNodes);
}

test('a cut tree keeps the root total and every total that it shows', () => {
  const cut = cutOf('a;x 10\na;y 1\na;z 2\nb 7\nc;d;e 3', 4);
  assert.equal(
    draw(callTreeOf(cut)),
    ['total 0/23', '  a 0/13', '    x 10/10', '    other 3/3', '  b 7/7', '  other 3/3'].join('\n'),
  );
  assert.equal(cut.foldedNodes, 5);
  assert.equal(cut.foldedValue, 6);
});

test('of equal nodes, those that come first are kept, however the stacks came', () => {
  const lines = ['b;x 1', 'c;y 1', 'a;z 1', 'd 1'];
  const expected = 'total 0/4\n  a 0/1\n    z 1/1\n  b 0/1\n    other 1/1\n  other 2/2';
  assert.equal(draw(callTreeOf(cutOf(lines.join('\n'), 4))), expected);
  assert.equal(draw(callTreeOf(cutOf(lines.reverse().join('\n'), 4))), expected);
});

test('a chain of equal nodes is cut to the number that was asked for', () => {
  assert.equal(draw(callTreeOf(cutOf('a;b;c 5', 2))), 'total 0/5\n  a 0/5\n    other 5/5');
});

/** A tree cut by the letter of what is promised: sorted by total, then by place. */
function drawCut(tree: CallTree, maxNodes: number): string {
  const nodes = Array.from(tree.total.keys());
  const bySize = nodes.slice().sort((a, b) => at(tree.total, b) - at(tree.total, a) || a - b);
  const kept = new Set(bySize.slice(0, maxNodes));
  const lines: string[] = [];
  const visit = (node: number): void => {
    const depth = at(tree.depth, node);
    const frame = at(tree.frame, node);
    const name = frame === NO_FRAME ? 'total' : tree.frames[frame];
    lines.push(`${'  '.repeat(depth)}${name} ${tree.self[node]}/${tree.total[node]}`);
    let folded = 0;
    for (let child = node + 1; (tree.depth[child] ?? 0) > depth; child++) {
      if (tree.depth[child] !== depth + 1) continue;
      if (kept.has(child)) visit(child);
      else folded += at(tree.total, child);
    }
    if (folded !== 0) lines.push(`${'  '.repeat(depth + 1)}${OTHER_FRAME} ${folded}/${folded}`);
  };
  visit(0);
  return lines.join('\n');
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}

/** Folded lines, the same for the same seed. */
function randomLines(seed: number, count: number, values: number): string[] {
  let state = seed;
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  return Array.from({ length: count }, () => {
    const stack = Array.from({ length: 1 + random(12) }, (_, i) => `f${i}_${random(4)}`);
    return `${stack.join(';')} ${1 + random(values)}`;
  });
}

for (const values of [1, 3, 1000]) {
  test(`a cut is exact for random trees at every size, with values up to ${values}`, () => {
    const lines = randomLines(7, 400, values);
    const tree = treeOf(lines.join('\n'));
    assert.ok(tree.depth.length > 500);
    for (const maxNodes of [1, 2, 10, 77, 500, tree.depth.length - 1, tree.depth.length]) {
      const cut = cutOf(lines.join('\n'), maxNodes);
      assert.equal(draw(callTreeOf(cut)), drawCut(tree, maxNodes));
      assert.equal(cut.foldedNodes, tree.depth.length - maxNodes);
      assert.deepEqual(cutOf(lines.toReversed().join('\n'), maxNodes), cut);
    }
  });
}

test('batches with frames of their own make one tree, of as many sides as are asked for', () => {
  const lines = randomLines(3, 3000, 1000);
  const builder = new CallTreeBuilder({ sides: 2 });
  for (let from = 0; from < lines.length; from += 100) {
    const folded = parseFolded(lines.slice(from, from + 100).join('\n'));
    builder.add(folded, Array.from(folded.values, Number), from < 2000 ? 0 : 1);
  }
  const both = builder.cut(Number.POSITIVE_INFINITY);
  const whole = treeOf(lines.join('\n'));
  assert.deepEqual(both.frames, whole.frames);
  assert.deepEqual(both.frame, whole.frame);
  assert.deepEqual(both.depth, whole.depth);
  const [left, right] = both.self as [Float64Array, Float64Array];
  assert.deepEqual(
    left.map((value, node) => value + at(right, node)),
    whole.self,
  );
  assert.ok(left.some((value) => value > 0) && right.some((value) => value > 0));
});

test('first nodes with a hundred thousand children each take no longer than others', () => {
  // Where all of them wanted the same part of the table, this took minutes.
  const rows = 300_000;
  const name = (i: number) => ['main', `a${i % 30}`, `b${i % 7000}`, `leaf${i}`];
  const lines = Array.from({ length: rows }, (_, i) => `${name(i).join(';')} 1`);
  assert.equal(cutOf(lines.join('\n'), 10).foldedNodes > rows, true);
});
