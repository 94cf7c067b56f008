import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldedText } from './folded-text.ts';
import { textTree } from './text-tree.ts';

test('what was folded comes back', () => {
  const text = 'init 1\nmain 4\nmain;idle 2\nmain;parse;alloc 3\n';
  const tree = textTree(text);
  assert.equal(foldedText(tree, [tree.self]).join(''), text);
});

test('a comparison has a value for each side', () => {
  const tree = textTree('main;a 5\nmain;b 7');
  const right = tree.self.map((value) => (value === 5 ? 0 : value * 2));
  assert.equal(foldedText(tree, [tree.self, right]).join(''), 'main;a 5 0\nmain;b 7 14\n');
});

test('modules are left out, and what parts frames does not occur in their names', () => {
  const tree = textTree('main@app;x 5');
  tree.frames[tree.frames.indexOf('x')] = 'operator;()';
  assert.equal(foldedText(tree, [tree.self]).join(''), 'main;operator:() 5\n');
});

test('many lines are several parts, and none is lost', () => {
  const lines = Array.from({ length: 25_000 }, (_, i) => `f${String(i).padStart(5, '0')} 1\n`);
  const tree = textTree(lines.join(''));
  const parts = foldedText(tree, [tree.self]);
  assert.equal(parts.length, 3);
  assert.equal(parts.join(''), lines.join(''));
});
