import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { GroupCommit } from './group-commit.ts';

/** A group commit of numbers whose writes end when they are told to. */
function groupsOf(keyOf: (item: number) => number = () => 0, apartMs = 0) {
  const writes: { items: number[]; end: (error?: Error) => void }[] = [];
  const commit = new GroupCommit<number, string>({
    keyOf,
    sizeBytesOf: (item) => item,
    maxItems: 3,
    maxBytes: 100,
    apartMs,
    write: (items) =>
      new Promise((resolve, reject) => {
        const results = items.map((item) => `wrote ${item}`);
        writes.push({ items, end: (error) => (error ? reject(error) : resolve(results)) });
      }),
    onesFault: (error) => (error as Error).message === 'refused',
  });
  return { commit, writes, groups: () => writes.map(({ items }) => items) };
}

test('a lone item is written at once; what comes meanwhile is the next group', async () => {
  const { commit, writes, groups } = groupsOf();
  const first = commit.add(1);
  assert.deepEqual(groups(), [[1]]);
  const others = [commit.add(2), commit.add(3)];
  assert.deepEqual(groups(), [[1]]);
  writes[0]?.end();
  assert.equal(await first, 'wrote 1');
  await turn();
  assert.deepEqual(groups(), [[1], [2, 3]]);
  writes[1]?.end();
  assert.deepEqual(await Promise.all(others), ['wrote 2', 'wrote 3']);
  void commit.add(4);
  assert.deepEqual(groups(), [[1], [2, 3], [4]]);
});

test('a group ends where its count or its bytes would be too many', async () => {
  const { commit, writes, groups } = groupsOf();
  for (const item of [1, 10, 20, 30, 40, 60, 61, 1000, 2]) void commit.add(item);
  for (let i = 0; i < 6; i++) {
    writes[i]?.end();
    await turn();
  }
  assert.deepEqual(groups(), [[1], [10, 20, 30], [40, 60], [61], [1000], [2]]);
});

test('groups that follow each other begin apart, unless they are full or the one before was alone', async () => {
  const { commit, writes, groups } = groupsOf(() => 0, 200);
  const first = commit.add(1);
  void commit.add(2);
  writes[0]?.end();
  await first;
  await turn();
  assert.deepEqual(groups(), [[1]]);
  void commit.add(3);
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.deepEqual(groups(), [[1], [2, 3]]);
  for (const item of [4, 5, 6]) void commit.add(item);
  writes[1]?.end();
  await turn();
  assert.deepEqual(groups(), [[1], [2, 3], [4, 5, 6]]);
  writes[2]?.end();
  await turn();
  void commit.add(7);
  assert.deepEqual(groups(), [[1], [2, 3], [4, 5, 6]]);
  void commit.add(8);
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.deepEqual(groups(), [[1], [2, 3], [4, 5, 6], [7, 8]]);
  writes[3]?.end();
  await new Promise((resolve) => setTimeout(resolve, 250));
  void commit.add(9);
  assert.deepEqual(groups(), [[1], [2, 3], [4, 5, 6], [7, 8], [9]]);
});

test('different keys are written side by side and never together', async () => {
  const { commit, writes, groups } = groupsOf((item) => item % 2);
  for (const item of [1, 2, 3, 4, 5]) void commit.add(item);
  assert.deepEqual(groups(), [[1], [2]]);
  writes[0]?.end();
  await turn();
  assert.deepEqual(groups(), [[1], [2], [3, 5]]);
});

test('a failed group fails each of its items, and the next one is written', async () => {
  const { commit, writes, groups } = groupsOf();
  const all = [commit.add(1), commit.add(2), commit.add(3)];
  writes[0]?.end();
  await turn();
  void commit.add(4);
  writes[1]?.end(new Error('away'));
  const results = await Promise.allSettled(all);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  assert.deepEqual(groups(), [[1], [2, 3], [4]]);
});

test('a group with one item at fault is written item by item', async () => {
  const { commit, writes, groups } = groupsOf();
  const all = Promise.allSettled([commit.add(1), commit.add(2), commit.add(3)]);
  for (const error of [undefined, 'refused', undefined, 'refused']) {
    writes.at(-1)?.end(error === undefined ? undefined : new Error(error));
    await turn();
  }
  assert.deepEqual(
    (await all).map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  );
  assert.deepEqual(groups(), [[1], [2, 3], [2], [3]]);
});
