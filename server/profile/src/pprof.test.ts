import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFrame } from './frame.ts';
import { checkLabels, type Labels } from './label.ts';
import { encodePprof, type PprofColumns } from './pprof.ts';
import { decodePprof } from './pprof-decode.ts';

const columns: PprofColumns = {
  timeNs: 1_700_000_000_123_456_789n,
  durationNs: 15_000_000_000n,
  sampleTypes: [{ type: 'cpu', unit: 'nanoseconds' }],
  periodType: { type: 'cpu', unit: 'nanoseconds' },
  period: 10_101_010n,
  mappings: [
    { file: '/usr/bin/app', buildId: 'abcdef' },
    { file: '[kernel]', buildId: '' },
  ],
  functions: [
    { name: 'main', systemName: 'main', mapping: 0, address: 0x1000n },
    { name: 'std::sort<int>()', systemName: '_ZSt4sort', mapping: 0, address: 0x2000n },
    { name: 'app+0x3000', systemName: 'app+0x3000', mapping: 0, address: 0x3000n },
    { name: 'vfs_read', systemName: 'vfs_read', mapping: 1, address: 0xffffffff81000000n },
  ],
  stackOffsets: Uint32Array.from([0, 2, 5]),
  stackFunctions: Uint32Array.from([1, 0, 3, 2, 0]),
  sampleStack: [0, 1, 0],
  sampleLabels: [0, 1, 1],
  sampleValues: BigInt64Array.from([10n, 2n ** 62n, -3n]),
  labelSets: [{ service_name: 'app' }, { service_name: 'app', comm: 'worker' }],
  comments: ['bunsen'],
};

test('what is encoded decodes to the same stacks, values, labels and times', () => {
  const profile = decodePprof(encodePprof(columns));
  assert.equal(profile.timeNs, columns.timeNs);
  assert.equal(profile.durationNs, columns.durationNs);
  assert.equal(profile.period, columns.period);
  assert.deepEqual(profile.sampleTypes, columns.sampleTypes);
  assert.deepEqual(profile.sampleValues, columns.sampleValues);
  assert.deepEqual(
    Array.from(profile.sampleLabels, (set) => profile.labelSets[set]),
    [columns.labelSets[0], columns.labelSets[1], columns.labelSets[1]],
  );
  const stacks = Array.from(profile.sampleStack, (stack) =>
    Array.from(
      profile.stackFrames.subarray(profile.stackOffsets[stack], profile.stackOffsets[stack + 1]),
      (frame) => parseFrame(profile.frames[frame] as string).name,
    ).join(';'),
  );
  assert.deepEqual(stacks, [
    'main;std::sort<int>()',
    'main;app+0x3000;vfs_read',
    'main;std::sort<int>()',
  ]);
});

test('a profile without a type of period is whole', () => {
  const whole = decodePprof(encodePprof({ ...columns, periodType: { type: '', unit: '' } }));
  assert.deepEqual(whole, {
    ...decodePprof(encodePprof(columns)),
    periodType: { type: '', unit: '' },
  });
});

test('a frame without a name keeps its build ID, a named one does not carry it', () => {
  const frames = decodePprof(encodePprof(columns)).frames.map(parseFrame);
  assert.equal(frames.find((frame) => frame.name === 'app+0x3000')?.buildId, 'abcdef');
  assert.equal(frames.find((frame) => frame.name === 'main')?.buildId, '');
  assert.equal(frames.find((frame) => frame.name === 'main')?.module, 'app');
});

test('a profile that is cut off anywhere is refused or loses nothing that it claims to have', () => {
  const bytes = encodePprof(columns);
  let refused = 0;
  for (let length = 0; length < bytes.length; length++) {
    try {
      decodePprof(bytes.subarray(0, length));
    } catch (error) {
      assert.match(String(error), /ProfileError/);
      refused++;
    }
  }
  assert.ok(refused > bytes.length * 0.9, `${refused} of ${bytes.length} cuts refused`);
});

test('other bytes are refused with a reason', () => {
  assert.throws(() => decodePprof(new Uint8Array()), /it is empty/);
  assert.throws(() => decodePprof(new TextEncoder().encode('<html>nope</html>')), /not a pprof/);
});

test('a damaged byte anywhere gives another profile or a ProfileError, never another failure', () => {
  const bytes = encodePprof(columns);
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = value;
      try {
        decodePprof(damaged);
      } catch (error) {
        assert.match(String(error), /ProfileError/);
      }
    }
  }
});

test('numbers of 64 bits, negative ones, and addresses above 2^63 are exact', () => {
  const values = [2n ** 63n - 1n, -(2n ** 63n), -1n, 2n ** 53n + 1n, 0n, 127n, 128n];
  const profile = decodePprof(
    encodePprof({
      ...columns,
      sampleStack: values.map(() => 0),
      sampleLabels: values.map(() => 0),
      sampleValues: BigInt64Array.from(values),
    }),
  );
  assert.deepEqual(Array.from(profile.sampleValues), values);
});

test('a line that is none, below 0 or beyond 64 bits, leaves the profile whole', () => {
  for (const line of [-1, -(2 ** 53), 2 ** 64, 2 ** 53 + 2]) {
    const [first, ...others] = columns.functions;
    const functions = [
      { ...(first as (typeof columns.functions)[0]), file: 'a.c', line },
      ...others,
    ];
    const profile = decodePprof(encodePprof({ ...columns, functions }));
    const names = profile.frames.map((frame) => parseFrame(frame).name).sort();
    assert.deepEqual(names, columns.functions.map(({ name }) => name).sort(), `${line}`);
  }
});

test('a label named __proto__ is not lost on the way to the check of labels', () => {
  const labelSets = [JSON.parse('{"service_name":"app","__proto__":"x"}') as Labels];
  const { labelSets: decoded } = decodePprof(
    encodePprof({ ...columns, sampleLabels: [0, 0, 0], labelSets }),
  );
  assert.throws(() => checkLabels(decoded[0] as Labels), { code: 'LABEL_MALFORMED' });
});
