import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodePprof, type FlameDiff, parseFolded } from '@bunsen/profile';
import { FileDesk } from './file-desk.ts';
import { formatFileRef, parseFileRef } from './file-ref.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

test('a file is known by what it holds, and drawn until it is closed', async () => {
  const desk = new FileDesk();
  const opened = await desk.open('a.txt', bytesOf('main;a 3\nmain;b 1'), 1000);
  assert.deepEqual(opened.profiles, [{ name: 'samples', unit: 'count', total: 4 }]);
  const again = await desk.open('copy.txt', bytesOf('main;a 3\nmain;b 1'), 2000);
  assert.equal(again.id, opened.id);
  assert.notEqual((await desk.open('b', bytesOf('main;a 3\nmain;b 2'), 0)).id, opened.id);

  const { layout, meta } = await desk.flame({ id: opened.id, profile: 0 }, 1000);
  assert.equal(layout.tree.total[0], 4);
  assert.equal(meta.unit, 'count');
  assert.equal(meta.fromMs, meta.untilMs); // it does not say how long it took
  desk.close(opened.id);
  await assert.rejects(desk.flame({ id: opened.id, profile: 0 }, 1000), /is not open/);
});

test('a file against another, and against what the server has', async () => {
  const desk = new FileDesk();
  const a = await desk.open('a', bytesOf('main;a 3\nmain;b 1'), 0);
  const b = await desk.open('b', bytesOf('main;b 5\nmain;b;c 2'), 0);
  const source = { id: b.id, profile: 0 };
  const shape = ({ tree }: FlameDiff) =>
    Array.from(tree.frame, (frame, node) => [
      tree.frames[frame] ?? 'all',
      tree.left.total[node],
      tree.right.total[node],
    ]);
  const expected = [
    ['all', 4, 7],
    ['main', 4, 7],
    ['a', 3, 0],
    ['b', 1, 7],
    ['c', 0, 2],
  ];
  assert.deepEqual(shape(await desk.diff({ id: a.id, profile: 0 }, source, 1000)), expected);

  const pprof = new Uint8Array(gzipSync(pprofOf('main;a 3\nmain;b 1')));
  const live = await desk.diff({ pprof }, source, 1000);
  assert.deepEqual(shape(live), expected);
  assert.deepEqual(live.meta.left, { fromMs: 4000, untilMs: 9000 });
});

/** As the server exports it, with the frames of {@link parseFolded}. */
function pprofOf(folded: string): Uint8Array {
  const { frames, stackOffsets, stackFrames, values } = parseFolded(folded);
  const leafFirst = stackFrames.slice();
  for (const stack of values.keys()) {
    leafFirst.subarray(stackOffsets[stack], stackOffsets[stack + 1]).reverse();
  }
  return encodePprof({
    timeNs: 4_000_000_000n,
    durationNs: 5_000_000_000n,
    sampleTypes: [{ type: 'samples', unit: 'count' }],
    periodType: { type: '', unit: '' },
    period: 0n,
    mappings: [{ file: '', buildId: '' }],
    functions: frames.map((name) => ({ name, systemName: name, mapping: 0, address: 0n })),
    stackOffsets,
    stackFunctions: Uint32Array.from(leafFirst),
    sampleStack: Uint32Array.from(values.keys()),
    sampleLabels: new Uint32Array(values.length),
    sampleValues: values,
    labelSets: [{}],
  });
}

test('the URL says which of a file’s values', () => {
  const id = '00ff00ff00ff00ff';
  for (const profile of [0, 3]) {
    assert.deepEqual(parseFileRef(formatFileRef({ id, profile })), { id, profile });
  }
  for (const text of ['', 'live', '../x', `${id}.`, `${id}.-1`]) {
    assert.equal(parseFileRef(text), null);
  }
});
