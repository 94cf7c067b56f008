import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameColours, kindColour, type Theme } from './colours.ts';
import { changeColour, changeSign, withChange } from './diff-colours.ts';
import { formatFrame } from './frame.ts';
import { FRAME_KINDS, type FrameKind, frameKind } from './frame-kind.ts';

const THEMES: Theme[] = ['light', 'dark'];

test('a frame has its colour whatever stands beside it', () => {
  const frame = formatFrame({ name: 'parse', module: 'app' });
  for (const theme of THEMES) {
    const alone = frameColours([frame], theme).frame[0];
    const last = frameColours([formatFrame({ name: 'x' }), 'y', frame], theme).frame[2];
    assert.equal(alone, last);
  }
});

test('lines of a function share its colour', () => {
  const [a, b] = frameColours(
    [
      formatFrame({ name: 'parse', module: 'app', file: 'p.c', line: 1 }),
      formatFrame({ name: 'parse', module: 'app', file: 'p.c', line: 9 }),
    ],
    'light',
  ).frame;
  assert.equal(a, b);
});

test('the kinds of frames', () => {
  const kinds: [FrameKind, Parameters<typeof formatFrame>[0]][] = [
    ['native', { name: 'main', module: 'app' }],
    ['native', { name: 'main.(*Server).Serve' }],
    ['native', { name: '__vdso_clock_gettime', module: '[vdso]' }],
    ['kernel', { name: 'vfs_read', module: '[kernel]' }],
    ['kernel', { name: 'nft_do_chain', module: '[nf_tables]' }],
    ['kernel', { name: 'vfs_read_[k]' }],
    ['jit', { name: 'handle /srv/app.js:1:2', module: '[jit]' }],
    ['unnamed', { name: 'libfoo.so+0x1231', module: 'libfoo.so' }],
    ['unnamed', { name: '0x7f00' }],
    ['unnamed', { name: '[unknown]' }],
    ['unnamed', { name: '[process exited]' }],
    ['other', { name: 'other' }],
    ['native', { name: 'other', module: 'app' }],
  ];
  for (const [kind, frame] of kinds) assert.equal(frameKind(formatFrame(frame)), kind, frame.name);
});

/** WCAG's relative luminance of a pixel. */
function luminance(pixel: number): number {
  const [r, g, b] = [0, 8, 16].map((shift) => {
    const x = ((pixel >>> shift) & 0xff) / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function pixelOf(css: string): number {
  const [r, g, b] = css.startsWith('#')
    ? [1, 3, 5].map((at) => Number.parseInt(css.slice(at, at + 2), 16))
    : (css.match(/\d+/g) ?? []).map(Number);
  return ((b as number) << 16) | ((g as number) << 8) | (r as number);
}

function contrast(a: number, b: number): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

test('text on every frame has a contrast of 4.5 or more', () => {
  const frames = Array.from({ length: 400 }, (_, i) =>
    formatFrame({
      name: i % 5 === 0 ? `m+0x${i}` : `f${i}`,
      module: ['app', '[kernel]', '[jit]', `lib${i}`][i % 4] as string,
    }),
  );
  for (const theme of THEMES) {
    const colours = frameColours([...frames, 'other'], theme);
    for (const colour of [...colours.frame, colours.root]) {
      assert.ok(contrast(colour, pixelOf(colours.text)) >= 4.5);
    }
    for (const colour of colours.emphasised) {
      assert.ok(contrast(colour, pixelOf(colours.emphasisedText)) >= 4.5);
    }
  }
});

/** A pixel as someone with deuteranopia or protanopia sees it (Viénot, Brettel and Mollon 1999). */
function seenBy(blindness: 'protan' | 'deutan', pixel: number): [number, number, number] {
  const [r, g, b] = [0, 8, 16].map((shift) => (((pixel >>> shift) & 0xff) / 255) ** 2.2) as [
    number,
    number,
    number,
  ];
  const redGreen = blindness === 'protan' ? 0.1121 * r + 0.8853 * g : 0.2928 * r + 0.7072 * g;
  const blue = blindness === 'protan' ? 0.0046 * r - 0.0046 * g + b : -0.0223 * r + 0.0223 * g + b;
  return [redGreen, redGreen, Math.max(0, blue)].map((x) => x ** (1 / 2.2)) as [
    number,
    number,
    number,
  ];
}

test('native, JIT and kernel stay apart without red or green', () => {
  for (const theme of THEMES) {
    for (const blindness of ['protan', 'deutan'] as const) {
      const kinds = FRAME_KINDS.filter((kind) => ['native', 'jit', 'kernel'].includes(kind));
      const seen = kinds.map((kind) => seenBy(blindness, pixelOf(kindColour(kind, theme))));
      for (let a = 0; a < seen.length; a++) {
        for (let b = a + 1; b < seen.length; b++) {
          const distance = Math.hypot(...[0, 1, 2].map((i) => seen[a]![i]! - seen[b]![i]!));
          assert.ok(distance > 0.12, `${theme}, ${blindness}: ${kinds[a]} ${kinds[b]} ${distance}`);
        }
      }
    }
  }
});

test('text on every change has a contrast of 4.5 or more', () => {
  const change = Float32Array.from({ length: 41 }, (_, i) => i / 20 - 1);
  for (const theme of THEMES) {
    const { node, text } = withChange(frameColours([], theme), change, theme);
    for (const colour of node?.plain ?? []) assert.ok(contrast(colour, pixelOf(text)) >= 4.5);
  }
});

test('less, the same and more stay apart without red or green', () => {
  for (const theme of THEMES) {
    for (const blindness of ['protan', 'deutan'] as const) {
      const [less, same, more] = [-1, 0, 1].map((change) =>
        seenBy(blindness, pixelOf(changeColour(change, theme))),
      ) as unknown as [number[], number[], number[]];
      for (const [a, b] of [
        [less, same],
        [same, more],
        [less, more],
      ] as const) {
        const distance = Math.hypot(...[0, 1, 2].map((i) => a[i]! - b[i]!));
        assert.ok(distance > 0.12, `${theme}, ${blindness}: ${distance}`);
      }
    }
  }
});

test('a change has its sign unless it is small', () => {
  assert.deepEqual([-1, -0.2, -0.05, 0, 0.09, 0.3].map(changeSign), ['−', '−', '', '', '', '+']);
});
