// One decoder, damaged and random bodies for so many seconds of this process' CPU time; tells its parent what
// came of it.

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
/** How often the parent is told which input it is: to tell it costs more than to decode a small one. */
const TELL_MS = 100;

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
const cpuMs = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;
const endMs = cpuMs(process.cpuUsage()) + Number(seconds) * 1000;
let told = 0;
/** Bytes of inputs that are gone: no limit makes the engine free them, and they would look like the decoder's. */
let garbageBytes = 0;
for (let number = 0; ; number++) {
  const input = fuzzInput(target, number);
  if (performance.now() - told > TELL_MS) {
    process.send?.({ begun: number });
    told = performance.now();
  }
  const before = process.cpuUsage();
  if (cpuMs(before) > endMs) break;
  try {
    decodeBody(input, false, target.source, limits);
    result.taken++;
  } catch (error) {
    if (!(error instanceof BunsenError || error instanceof ProfileError)) {
      result.crashes.push(`input ${number}: ${(error as Error).stack}`);
    }
  }
  const ms = cpuMs(process.cpuUsage(before));
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
