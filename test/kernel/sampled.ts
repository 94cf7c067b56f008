// Samples this host with the addon alone, without agent and server.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Feature } from '@bunsen/agent/sample/features';
import { openSampler, type WindowColumns } from '@bunsen/agent/sample/native';

const FREQUENCY_HZ = 199;

export interface Frame {
  name: string;
  /** File that holds the code, and the code's address in it. */
  file: string;
  address: number;
  /** Source file and line, `/src/a.c:7`; empty if unknown. */
  source: string;
}

export interface Stack {
  pid: number;
  /** The process' executable; empty if the process was gone before anything was known of it. */
  exe: string;
  comm: string;
  count: number;
  /** Leaf first. */
  frames: Frame[];
}

const sourceOf = (file: string, line: number) => (file === '' ? '' : `${file}:${line}`);

export function stacksOf(columns: WindowColumns): Stack[] {
  const text = (i: number) =>
    columns.strings.toString('utf8', columns.stringOffsets[i], columns.stringOffsets[i + 1]);
  const at = (column: Uint32Array | Uint8Array, i: number) => column[i] as number;
  return Array.from(columns.sampleStack, (stack, sample) => {
    const functions = columns.stackFunctions.subarray(
      columns.stackOffsets[stack],
      columns.stackOffsets[stack + 1],
    );
    return {
      pid: at(columns.processPid, at(columns.sampleProcess, sample)),
      exe: text(at(columns.processExe, at(columns.sampleProcess, sample))),
      comm: text(at(columns.sampleComm, sample)),
      count: Number(columns.sampleCount[sample]),
      frames: Array.from(functions, (index) => ({
        name: text(at(columns.functionName, index)),
        file: text(at(columns.mappingFile, at(columns.functionMapping, index))),
        address: Number(columns.functionAddress[index]),
        source: sourceOf(text(at(columns.functionFile, index)), at(columns.functionLine, index)),
      })),
    };
  });
}

/** Samples the host while `work` runs. */
export async function sampled(work: () => Promise<unknown>, without: Feature[] = []) {
  const sampler = openSampler({
    frequencyHz: FREQUENCY_HZ,
    drainIntervalMs: 1000,
    includeIdle: false,
    excludeKernelThreads: false,
    without,
  });
  const started = await sampler.start();
  let running = true;
  const drains = (async () => {
    while (running) {
      await sleep(500);
      await sampler.drain();
    }
  })();
  // An agent has long been there when a program starts: first the host's other programs have tables.
  await sleep(3000);
  await work();
  running = false;
  await drains;
  await sampler.stop();
  const counters = sampler.counters();
  const stacks = stacksOf(await sampler.takeWindow());
  sampler.close();
  return { started, stacks, counters };
}
