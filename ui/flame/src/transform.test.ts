import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CallTree, nameOfFrame, parseFrame } from '@bunsen/profile';
import { foldedText } from './folded-text.ts';
import { textTree } from './text-tree.ts';
import { type StepKind, transformTree } from './transform.ts';

const TREE = textTree(`
main 1
main;serve;parse@lib;alloc@lib;copy@lib 8
main;serve;alloc@lib 4
main;idle 2
`);

/** A tree after steps such as `hide serve`, or `collapse @lib` for a module; as folded text. */
function after(steps: string[], inverted = false, tree: CallTree = TREE): string[] {
  const chain = steps.map((step) => {
    const [kind, what = ''] = step.split(' ');
    const marked = Uint8Array.from(tree.frames, (frame) =>
      what === nameOfFrame(frame) || what === `@${parseFrame(frame).module}` ? 1 : 0,
    );
    return { kind: kind as StepKind, marked };
  });
  const changed = transformTree(tree, chain, inverted);
  return foldedText(changed, [changed.self]).join('').trim().split('\n');
}

test('only stacks with a function, and only those without', () => {
  assert.deepEqual(after(['focus alloc']), ['main;serve;alloc 4', 'main;serve;parse;alloc;copy 8']);
  assert.deepEqual(after(['ignore alloc']), ['main 1', 'main;idle 2']);
});

test('what hidden frames called joins their caller', () => {
  assert.deepEqual(after(['hide serve', 'hide parse']), [
    'main 1',
    'main;alloc 4',
    'main;alloc;copy 8',
    'main;idle 2',
  ]);
});

test('a run of frames of one module becomes the first of them', () => {
  assert.deepEqual(after(['collapse @lib']), [
    'main 1',
    'main;idle 2',
    'main;serve;alloc 4',
    'main;serve;parse 8',
  ]);
});

test('a step sees what the steps before it left', () => {
  assert.deepEqual(after(['hide serve', 'focus serve']), ['']);
  assert.deepEqual(after(['focus serve', 'hide serve', 'collapse @lib']), [
    'main;alloc 4',
    'main;parse 8',
  ]);
});

test('turned round, what ends stacks comes first', () => {
  assert.deepEqual(after(['ignore copy'], true), ['alloc;serve;main 4', 'idle;main 2', 'main 1']);
});

test('no step loses a unit', () => {
  for (const inverted of [false, true]) {
    const changed = transformTree(TREE, [], inverted);
    assert.equal(changed.total[0], TREE.total[0]);
  }
  assert.deepEqual(after(['hide main', 'hide idle']).at(0), '[unknown] 3');
});
