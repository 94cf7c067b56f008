import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallTreeBuilder, diffTreeOf, type FlameDiff, parseFolded } from '@bunsen/profile';
import { restOf } from './rest-of.ts';

function diffOf(left: string, right: string, maxNodes: number): FlameDiff {
  const builder = new CallTreeBuilder({ sides: 2 });
  for (const [side, text] of [left, right].entries()) {
    const { values, ...stacks } = parseFolded(text);
    builder.add(stacks, Array.from(values, Number), side);
  }
  const cut = builder.cut(maxNodes);
  const side = { fromMs: 0, untilMs: 1 };
  return {
    tree: diffTreeOf(cut),
    meta: {
      profileType: '',
      unit: 'count',
      left: side,
      right: side,
      foldedNodes: cut.foldedNodes,
      foldedValue: cut.foldedValue,
      warnings: [],
    },
  };
}

test('the rest is the whole without its part, node by node, however much is folded away', () => {
  const part = 'main;a 3\nmain;b;c 2';
  const rest = 'main;a 4\nmain;d 5\nidle 1';
  const whole = `${part}\n${rest}`;
  for (const maxNodes of [100, 4]) {
    const { tree, meta } = restOf(diffOf(whole, part, maxNodes));
    const { left, right } = tree;
    const { left: expected } = diffOf(rest, part, 100).tree;
    assert.equal(left.total[0], expected.total[0]);
    assert.equal(left.total[0], 10);
    assert.equal(right.total[0], 5);
    // b and idle: 2 and 1 of the whole, wherever they are.
    const isCut = maxNodes < 100;
    assert.equal(meta.foldedValue, isCut ? 3 : 0);
    left.self.forEach((self, node) => {
      assert.ok(self >= 0 && (left.total[node] as number) >= self);
    });
  }
  const { tree } = restOf(diffOf(whole, part, 100));
  const selfOf = (name: string) =>
    tree.frame.findIndex((frame) => tree.frames[frame] === name) as number;
  assert.equal(tree.left.self[selfOf('a')], 4);
  assert.equal(tree.left.self[selfOf('c')], 0);
  assert.equal(tree.left.self[selfOf('d')], 5);
});

test('what came between the two readings is no less than nothing', () => {
  const { left } = restOf(diffOf('main;a 3', 'main;a 5', 100)).tree;
  assert.deepEqual([...left.total], [0, 0, 0]);
});
