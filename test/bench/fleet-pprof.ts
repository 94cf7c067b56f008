import { gzipSync } from 'node:zlib';
import { encodePprof, type Profile, parseFrame } from '@bunsen/profile';

/** A window as the agent sends it: a gzipped pprof with the labels on each sample. */
export function pprofOfWindow(window: Profile): Buffer {
  const { frames, stackOffsets, stackFrames } = window;
  const parsed = frames.map(parseFrame);
  const modules = [...new Set(parsed.map(({ module }) => module))];
  const leafFirst = new Uint32Array(stackFrames.length);
  for (let stack = 0; stack + 1 < stackOffsets.length; stack++) {
    const [start, end] = [stackOffsets[stack] as number, stackOffsets[stack + 1] as number];
    leafFirst.set(stackFrames.slice(start, end).reverse(), start);
  }
  const pprof = encodePprof({
    ...window,
    mappings: modules.map((module) => ({ file: `/usr/bin/${module}`, buildId: '' })),
    functions: parsed.map(({ name, module }, address) => ({
      name,
      systemName: name,
      mapping: modules.indexOf(module),
      address: BigInt(address),
    })),
    stackFunctions: leafFirst,
  });
  return gzipSync(pprof, { level: 6 });
}
