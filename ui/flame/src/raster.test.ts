import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FlameColours, frameColours } from '@bunsen/profile';
import { type Emphasis, emphasise } from './emphasis.ts';
import { type FlameLayout, layoutFlame } from './layout.ts';
import { paintRows } from './raster.ts';
import { matchFrames } from './search.ts';
import { textTree } from './text-tree.ts';

const ROW = 4;

/** Paints a layout and draws each row's first line as text: a letter a frame, `.` for nothing. */
function paint(
  layout: FlameLayout,
  width: number,
  { from = 0, until = layout.tree.total[0] as number, top = 0, height = layout.levels * ROW } = {},
  emphasis: Emphasis | null = null,
): string[] {
  const pixels = new Uint32Array(width * height);
  const colours: FlameColours = {
    ...frameColours(layout.tree.frames, 'light'),
    frame: Uint32Array.from(layout.tree.frames, (name) => name.charCodeAt(0)),
    dimmed: Uint32Array.from(layout.tree.frames, () => '-'.charCodeAt(0)),
    emphasised: Uint32Array.from(layout.tree.frames, (name) => name.charCodeAt(0)),
    root: '*'.charCodeAt(0),
    dimmedRoot: '-'.charCodeAt(0),
    background: '.'.charCodeAt(0),
  };
  const viewport = { from, until, top, rowHeight: ROW };
  paintRows({ pixels, width, height }, layout, viewport, colours, emphasis, 6, []);
  return Array.from({ length: Math.ceil(height / ROW) }, (_, row) =>
    String.fromCharCode(...pixels.subarray(row * ROW * width, (row * ROW + 1) * width)),
  );
}

test('rows of cells, each with a gap at its end', () => {
  const layout = layoutFlame(textTree('a;b 4\na;c 8\nd 4'));
  assert.deepEqual(paint(layout, 16), ['***************.', 'aaaaaaaaaaa.ddd.', 'bbb.ccccccc.....']);
});

test('a part that is zoomed to fills the width', () => {
  const layout = layoutFlame(textTree('a;b 4\na;c 8\nd 4'));
  assert.deepEqual(paint(layout, 16, { from: 4, until: 12 }).slice(1), [
    'aaaaaaaaaaaaaaa.',
    'ccccccccccccccc.',
  ]);
});

test('only the rows in sight are painted, down to a part of one', () => {
  const layout = layoutFlame(textTree('a;b;c;d 1'));
  const rows = paint(layout, 8, { top: 2 * ROW, height: ROW + 1 });
  assert.deepEqual(rows, ['bbbbbbb.', 'ccccccc.']);
});

test('a run of cells below a pixel paints every pixel of it, and what follows', () => {
  const thin = Array.from({ length: 1000 }, (_, i) => `t${String(i).padStart(4, '0')} 1`);
  const layout = layoutFlame(textTree([...thin, 'z 1000'].join('\n')));
  assert.deepEqual(paint(layout, 16)[1], 'ttttttttzzzzzzz.');
});

test('a match below a pixel shows although its neighbours were culled', () => {
  const thin = Array.from({ length: 1000 }, (_, i) => `t${String(i).padStart(4, '0')} 1`);
  const layout = layoutFlame(textTree([...thin, 'z 1000'].join('\n')));
  const marked = matchFrames(layout.tree.frames, (name) => name === 't0555');
  assert.deepEqual(paint(layout, 16, {}, emphasise(layout, marked)), [
    '---------------.',
    '----t----------.',
  ]);
});

test('a raster that ends in the gap of a row stays sound', () => {
  const layout = layoutFlame(textTree('a 1'));
  assert.deepEqual(paint(layout, 4, { top: ROW - 1, height: 1 }), ['....']);
});
