import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePprof, nameOfFrame, type Profile } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { versionOf } from './function-batch.ts';
import { type FunctionSums, sumFunctions } from './function-sums.ts';

function profileOf(folded: string, labelsOf = (_line: number) => ({ service_name: 'a' })): Profile {
  return decodePprof(pprofOf(folded, { labelsOf, period: 1 }));
}

/** Rows as text, sorted: `group type function self/total`. */
function draw(sums: FunctionSums): string[] {
  return Array.from(sums.group, (group, row) => {
    const name = nameOfFrame(sums.functions[sums.function[row] as number] as string);
    return `${group} ${sums.type[row]} ${name} ${sums.self[row]}/${sums.total[row]}`;
  }).sort();
}

test('self is of the leaf, and total counts a stack once however often a function recurs', () => {
  const profile = profileOf('main;f;g;f 3\nmain;f 2\nmain 1\nmain;g;g 4');
  assert.deepEqual(draw(sumFunctions(profile, [0], 1)), [
    '0 0 f 5/5',
    '0 0 g 4/7',
    '0 0 main 1/10',
  ]);
});

test('groups and sample types are summed apart, and a sample without frames is visible', () => {
  const profile: Profile = {
    ...profileOf('main;a 1\nmain;b 2\nmain;a 4'),
    sampleTypes: [
      { type: 'x', unit: 'count' },
      { type: 'y', unit: 'bytes' },
    ],
    labelSets: [{ service_name: 'a' }, { service_name: 'b' }],
    stackOffsets: Uint32Array.of(0, 2, 2, 4),
    sampleStack: Uint32Array.of(0, 1, 2),
    sampleLabels: Uint32Array.of(0, 1, 0),
    sampleValues: BigInt64Array.of(1n, 10n, 0n, 20n, 4n, 0n),
  };
  const rows = draw(sumFunctions(profile, [0, 1], 2));
  assert.ok(rows.includes('0 0 main 0/5'));
  assert.ok(rows.includes('0 1 main 0/10'));
  assert.ok(rows.includes('1 1 [unknown] 20/20'));
  assert.equal(rows.filter((row) => row.startsWith('1')).length, 1);
});

test('sums are exact beyond what a double holds, and below zero', () => {
  const profile: Profile = {
    ...profileOf('a 1\na 2\nb 3\nb 4'),
    sampleValues: BigInt64Array.of(2n ** 61n + 1n, 2n ** 60n + 2n, -5n, -(2n ** 40n)),
  };
  assert.deepEqual(draw(sumFunctions(profile, [0], 1)), [
    `0 0 a ${2n ** 61n + 2n ** 60n + 3n}/${2n ** 61n + 2n ** 60n + 3n}`,
    `0 0 b ${-(2n ** 40n) - 5n}/${-(2n ** 40n) - 5n}`,
  ]);
});

test('the version of a series is the first of the labels that say one', () => {
  assert.equal(versionOf({ 'service.version': '3', service_version: '2', version: '1' }), '1');
  assert.equal(versionOf({ 'service.version': '3', version: '' }), '3');
  assert.equal(versionOf({ pod: 'p' }), '');
});
