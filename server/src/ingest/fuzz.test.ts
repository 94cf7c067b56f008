/** Damaged and random bodies; `npm run bench -- fuzz` gives each decoder minutes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProfileError } from '@bunsen/profile';
import { readConfig } from '../config.ts';
import { BunsenError } from '../errors.ts';
import { fuzzInput, fuzzTargets } from '../testing/fuzz-inputs.ts';
import { decodeBody } from './decode.ts';

const INPUTS = 300;
const limits = readConfig({}).ingest;

for (const target of fuzzTargets()) {
  test(`${target.name}: what is sent well-formed is taken`, () => {
    for (const seed of target.seeds) {
      assert.ok(decodeBody(seed, false, target.source, limits).length > 0);
    }
  });

  test(`${target.name}: whatever is sent, it is taken or refused with a code`, () => {
    const outcomes = new Set<string>();
    for (let number = 0; number < INPUTS; number++) {
      try {
        decodeBody(fuzzInput(target, number), false, target.source, limits);
        outcomes.add('taken');
      } catch (error) {
        const refused = error instanceof BunsenError || error instanceof ProfileError;
        assert.ok(refused, `input ${number}: ${(error as Error).stack}`);
        outcomes.add(error.code);
      }
    }
    // Else the inputs would not reach what they are to try.
    assert.ok(outcomes.has('taken') && outcomes.size > 1, [...outcomes].join(' '));
  });
}
