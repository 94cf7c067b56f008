// One decoder, damaged and random bodies for so many seconds of its own CPU time; tells its parent what came of it.

import { setImmediate as turn } from 'node:timers/promises';
import { ProfileError } from '@bunsen/profile';
import { readConfig } from '@bunsen/server/config';
import { BunsenError } from '@bunsen/server/errors';
import { decodeBody } from '@bunsen/server/ingest/decode';
import { fuzzInput, fuzzTargets } from '@bunsen/server/testing/fuzz-inputs';

/** What a decoder did with its inputs. */
export interface FuzzResult {
  inputs: number;
  taken: number;
  /** CPU time of the input that took the most, and its number. */
  slowestMs: number;
  slowest: number;
  /** The most memory of the process, with its engine, the inputs, and 60 MB that it has at first. */
  rssMb: number;
  /** Anything thrown that is not an error for the sender: the input's number, and the stack. */
  crashes: string[];
}

const MOST_GARBAGE_BYTES = 32e6;
const INPUTS_A_TURN = 1000;

const [name, seconds] = process.argv.slice(2) as [string, string];
const target = fuzzTargets().find((each) => each.name === name);
if (!target) throw new Error(`there is no decoder ${name}`);
const limits = readConfig({}).ingest;
const result: FuzzResult = {
  inputs: 0,
  taken: 0,
  slowestMs: 0,
  slowest: 0,
  rssMb: 0,
  crashes: [],
};
let usedMs = 0;
/** Bytes of inputs that are gone: no limit makes the engine free them, and they would look like the decoder's. */
let garbageBytes = 0;
for (let number = 0; usedMs < Number(seconds) * 1000; number++) {
  const input = fuzzInput(target, number);
  process.send?.({ begun: number });
  const before = process.cpuUsage();
  try {
    decodeBody(input, false, target.source, limits);
    result.taken++;
  } catch (error) {
    if (!(error instanceof BunsenError || error instanceof ProfileError)) {
      result.crashes.push(`input ${number}: ${(error as Error).stack}`);
    }
  }
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  usedMs += ms;
  result.inputs++;
  garbageBytes += input.length;
  if (garbageBytes > MOST_GARBAGE_BYTES || number % INPUTS_A_TURN === 0) {
    await turn(); // what a broken gzip took is freed between turns of the event loop
    globalThis.gc?.();
    garbageBytes = 0;
  }
  if (ms > result.slowestMs) [result.slowestMs, result.slowest] = [ms, number];
}
result.rssMb = process.resourceUsage().maxRSS / 1024;
process.send?.({ result }, () => process.disconnect());
