import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallTree } from '@bunsen/profile';
import { emphasise } from './emphasis.ts';
import { layoutFlame } from './layout.ts';
import { compileSearch, matchedTotal, matchFrames, type TextMatcher } from './search.ts';
import { textTree } from './text-tree.ts';

const TREE = textTree(`
main;Parse@app;memcpy@libc 20
main;Parse@app;parseLine@app 10
main;send;memcpy@libc 30
idle 40
`);

function total(tree: CallTree, text: string, isRegex = false): number {
  return matchedTotal(tree, matchFrames(tree.frames, compileSearch(text, isRegex) as TextMatcher));
}

test('plain text matches names and modules, whatever their case', () => {
  assert.equal(total(TREE, 'MEMCPY'), 50);
  assert.equal(total(TREE, 'libc'), 50);
  assert.equal(total(TREE, 'nothing'), 0);
});

test('a stack with several matches counts once', () => {
  assert.equal(total(TREE, 'parse'), 30);
  assert.equal(total(textTree('walk;walk;walk 5\nwalk;run 1'), 'walk'), 6);
  assert.equal(total(TREE, 'm'), 60);
});

test('regular expressions, and what is not one', () => {
  assert.equal(total(TREE, '^(send|idle)$', true), 70);
  assert.equal(total(TREE, 'a.b(', false), 0);
  const bad = compileSearch('a(', true);
  assert.ok(bad && typeof bad === 'object' && bad.error !== '');
});

test('an empty search is none', () => {
  assert.equal(compileSearch('', false), null);
  assert.equal(compileSearch('', true), null);
});

test('the cells that stand out, level by level', () => {
  const layout = layoutFlame(TREE);
  const marked = matchFrames(TREE.frames, compileSearch('parse', false) as TextMatcher);
  const { levelOffsets, cells, cellEnd } = emphasise(layout, marked);
  assert.deepEqual(Array.from(levelOffsets), [0, 0, 0, 1, 2]);
  assert.deepEqual(
    Array.from(cellEnd),
    Array.from(cells, (cell) => layout.cellEnd[cell]),
  );
});
