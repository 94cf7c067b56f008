import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutFlame } from './layout.ts';
import { pathIds } from './path-id.ts';
import { textTree } from './text-tree.ts';

test('a node is found again in another tree with the same stack', () => {
  const before = layoutFlame(textTree('main;parse;alloc 1\nmain;send 2'));
  const after = layoutFlame(textTree('boot 9\nmain;free 1\nmain;parse;alloc 7\nmain;parse 1'));
  const alloc = before.tree.depth.indexOf(3);
  const id = pathIds(before).idOf(alloc);
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.equal(pathIds(after).find(id), after.tree.depth.indexOf(3));
});

test('every node has a name of its own, which finds it', () => {
  const layout = layoutFlame(textTree('a;b;a;b 1\nb;a;b 2\nb;b 3\na;a;b 4'));
  const ids = pathIds(layout);
  for (let node = 0; node < layout.parent.length; node++) {
    assert.equal(ids.find(ids.idOf(node)), node);
  }
});

test('what is no name finds nothing', () => {
  const ids = pathIds(layoutFlame(textTree('a 1')));
  assert.equal(ids.find(''), -1);
  assert.equal(ids.find('zzzzzzzzzzzzzzzz'), -1);
  assert.equal(ids.find('0123456789abcdef'), -1);
});
