import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Buckets,
  exactBuckets,
  type Grid,
  overWindows,
  STATISTICS,
  type Statistic,
  slotBuckets,
} from './windows.ts';

interface Profile {
  ms: number;
  value: number;
}

function byBucket(
  profiles: Profile[],
  { originMs, widthMs, usedMs }: Buckets,
): Map<number, Profile[]> {
  const buckets = new Map<number, Profile[]>();
  for (const profile of profiles) {
    const bucket = Math.floor((profile.ms - originMs) / widthMs);
    if ((profile.ms - originMs) % widthMs >= usedMs) continue;
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), profile]);
  }
  return buckets;
}

/** A statistic by its definition. */
function statisticOf(profiles: Profile[], statistic: Statistic): number {
  const values = profiles.map(({ value }) => value);
  const sum = values.reduce((all, value) => all + value, 0);
  switch (statistic) {
    case 'sum':
      return sum;
    case 'count':
      return values.length;
    case 'avg':
      return sum / values.length;
    case 'min':
      return Math.min(...values);
    case 'max':
      return Math.max(...values);
    case 'last':
      return profiles.at(-1)?.value as number;
  }
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('every statistic of every window is that of the profiles in it', () => {
  const next = random(3);
  for (let round = 0; round < 60; round++) {
    const grid: Grid = {
      startMs: 1e12 + next(100_000),
      stepMs: 1000 * (1 + next(40)),
      points: 1 + next(30),
    };
    const rangeMs = 1000 * (1 + next(90));
    const profiles = Array.from({ length: next(60) }, () => ({
      ms: grid.startMs - rangeMs + next(grid.points * grid.stepMs + rangeMs),
      value: next(1000),
    })).sort((a, b) => a.ms - b.ms);
    const buckets = exactBuckets(grid, rangeMs);
    const filled = [...byBucket(profiles, buckets)];
    for (const statistic of STATISTICS) {
      const series = {
        bucket: Float64Array.from(filled, ([bucket]) => bucket),
        value: Float64Array.from(filled, ([, inside]) =>
          statisticOf(inside, statistic === 'avg' ? 'sum' : statistic),
        ),
        count: Float64Array.from(filled, ([, inside]) => inside.length),
      };
      const { values, present } = overWindows(series, buckets, statistic);
      for (let point = 0; point < grid.points; point++) {
        const untilMs = grid.startMs + point * grid.stepMs;
        const inside = profiles.filter(({ ms }) => ms >= untilMs - rangeMs && ms < untilMs);
        const expected = inside.length > 0 ? statisticOf(inside, statistic) : undefined;
        const actual = present[point] === 1 ? values[point] : undefined;
        assert.equal(actual, expected, `${statistic} at ${point} of round ${round}`);
      }
    }
  }
});

test('windows of slots begin and end at the slot before, and are as long as asked', () => {
  const grid = { startMs: 1_000_007, stepMs: 10_000, points: 4 };
  const { originMs, widthMs, first, end } = slotBuckets(grid, 60_000, 15_000);
  assert.equal(widthMs, 15_000);
  const times = (buckets: Float64Array) => Array.from(buckets, (at) => originMs + at * widthMs);
  assert.deepEqual(times(end), [990_000, 1_005_000, 1_020_000, 1_020_000]);
  assert.deepEqual(times(first), [930_000, 945_000, 960_000, 960_000]);
});

test('buckets of slots are as wide as the grid allows', () => {
  const hour = 3_600_000;
  const aligned = { startMs: 10 * hour, stepMs: hour, points: 3 };
  assert.equal(slotBuckets(aligned, 2 * hour, 60_000).widthMs, hour);
  assert.equal(slotBuckets({ ...aligned, startMs: 10 * hour + 1 }, hour, 60_000).widthMs, 60_000);
  assert.equal(slotBuckets({ ...aligned, points: 1, stepMs: 0 }, 300_000, 60_000).widthMs, 300_000);
});
