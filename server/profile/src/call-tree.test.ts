import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCallTree, type CallTree, NO_FRAME, truncateCallTree } from './call-tree.ts';
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

test('a truncated tree keeps the root total and every total that it shows', () => {
  const tree = treeOf('a;x 10\na;y 1\na;z 2\nb 7\nc;d;e 3');
  const { tree: cut, foldedNodes, foldedValue } = truncateCallTree(tree, 4);
  assert.equal(
    draw(cut),
    ['total 0/23', '  a 0/13', '    x 10/10', '    other 3/3', '  b 7/7', '  other 3/3'].join('\n'),
  );
  assert.equal(foldedNodes, 5);
  assert.equal(foldedValue, 6);
});

test('truncation is exact for random trees at every size', () => {
  let seed = 7;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  const lines = Array.from({ length: 400 }, () => {
    const stack = Array.from({ length: 1 + random(12) }, (_, i) => `f${i}_${random(4)}`);
    return `${stack.join(';')} ${1 + random(1000)}`;
  });
  const tree = treeOf(lines.join('\n'));
  assert.ok(tree.depth.length > 500);
  for (const maxNodes of [1, 2, 10, 77, 500, tree.depth.length - 1, tree.depth.length]) {
    const { tree: cut, foldedNodes } = truncateCallTree(tree, maxNodes);
    assert.equal(cut.total[0], tree.total[0]);
    const kept = cut.frame.filter((f) => f === NO_FRAME || cut.frames[f] !== 'other').length;
    assert.equal(kept, Math.min(maxNodes, tree.depth.length));
    assert.equal(kept + foldedNodes, tree.depth.length);
  }
});
