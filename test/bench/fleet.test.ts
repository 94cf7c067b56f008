import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { decodePprof, type Profile } from '@bunsen/profile';
import { Fleet, type HostWindow, PERIOD_NS } from './fleet.ts';
import { pprofOfWindow } from './fleet-pprof.ts';

const OPTIONS = { seed: 1, functions: 100, stacks: () => 400, depth: [30, 40] as [number, number] };
const HOST: HostWindow = {
  pods: ['api', 'web'].map((service) => ({
    service,
    labels: { service_name: service, host: 'a' },
    samples: 150,
  })),
  number: 7,
  timeMs: 1_700_000_000_000,
};

/** Samples as text: labels, stack and value. */
function linesOf(profile: Profile): string[] {
  return Array.from(profile.sampleStack, (stack, sample) => {
    const [start, end] = [profile.stackOffsets[stack], profile.stackOffsets[stack + 1]];
    const frames = Array.from(profile.stackFrames.subarray(start, end), (at) => profile.frames[at]);
    const labels = JSON.stringify(profile.labelSets[profile.sampleLabels[sample] as number]);
    return `${labels} ${frames.join(';')} ${profile.sampleValues[sample]}`;
  });
}

test('the same seed makes the same window, whatever was made before; another one does not', () => {
  const fleet = new Fleet(OPTIONS);
  const first = linesOf(fleet.window(HOST));
  fleet.window({ ...HOST, number: 8 });
  assert.deepEqual(linesOf(fleet.window(HOST)), first);
  assert.deepEqual(linesOf(new Fleet(OPTIONS).window(HOST)), first);
  assert.notDeepEqual(linesOf(fleet.window({ ...HOST, number: 8 })), first);
  assert.notDeepEqual(linesOf(new Fleet({ ...OPTIONS, seed: 2 }).window(HOST)), first);
});

test('a window has as many distinct stacks as it was asked for, in multiples of the period', () => {
  const window = new Fleet(OPTIONS).window(HOST);
  const lines = linesOf(window);
  assert.equal(lines.length, 300);
  assert.equal(new Set(lines.map((line) => line.slice(0, line.lastIndexOf(' ')))).size, 300);
  for (const value of window.sampleValues) {
    assert.ok(value > 0n && value % PERIOD_NS === 0n, `${value}`);
  }
});

test('as pprof, a window is what a push of it is decoded to', () => {
  const window = new Fleet(OPTIONS).window(HOST);
  const decoded = decodePprof(gunzipSync(pprofOfWindow(window)));
  assert.deepEqual(linesOf(decoded), linesOf(window));
  assert.equal(decoded.timeNs, window.timeNs);
  assert.equal(decoded.period, window.period);
});
