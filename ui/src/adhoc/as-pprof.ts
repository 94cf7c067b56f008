import { encodePprof, parseFrame } from '@bunsen/profile';
import type { FileProfile } from './formats/file-profile.ts';

/**
 * What was read of a file as a pprof, uncompressed: the server and most tools read that, and not each
 * format that is read here. Values are rounded; a sample has those of one profile, and none of the others.
 */
export function asPprof(profiles: FileProfile[]): Uint8Array {
  const modules = new Map<string, number>();
  const functions = profiles.flatMap(({ stacks }) =>
    stacks.frames.map((frame) => {
      const { name, module, file, line } = parseFrame(frame);
      if (module !== '' && !modules.has(module)) modules.set(module, modules.size);
      return {
        name,
        systemName: name,
        mapping: modules.get(module) ?? -1,
        address: 0n,
        file,
        line,
      };
    }),
  );
  const count = profiles.reduce((sum, { values }) => sum + values.length, 0);
  const stackOffsets = new Uint32Array(count + 1);
  const stackFunctions: number[] = [];
  const sampleValues = new BigInt64Array(count * profiles.length);
  let stack = 0;
  let firstFunction = 0;
  for (const [type, { stacks, values }] of profiles.entries()) {
    for (let own = 0; own < values.length; own++) {
      const from = stacks.stackOffsets[own] as number;
      // Leaf first, as pprof has them.
      for (let at = (stacks.stackOffsets[own + 1] as number) - 1; at >= from; at--) {
        stackFunctions.push(firstFunction + (stacks.stackFrames[at] as number));
      }
      sampleValues[stack * profiles.length + type] = BigInt(Math.round(values[own] as number));
      stackOffsets[++stack] = stackFunctions.length;
    }
    firstFunction += stacks.frames.length;
  }
  const range = profiles[0]?.range ?? { fromMs: 0, untilMs: 0 };
  const none = { type: '', unit: '' };
  return encodePprof({
    timeNs: BigInt(Math.round(range.fromMs)) * 1_000_000n,
    durationNs: BigInt(Math.round((range.untilMs - range.fromMs) * 1e6)),
    sampleTypes: profiles.map(({ name, unit }) => ({ type: name, unit })),
    periodType: none,
    period: 0n,
    mappings: Array.from(modules.keys(), (file) => ({ file, buildId: '' })),
    functions,
    stackOffsets,
    stackFunctions: Uint32Array.from(stackFunctions),
    sampleStack: Array.from({ length: count }, (_, i) => i),
    sampleLabels: new Uint32Array(count),
    sampleValues,
    labelSets: [{}],
  });
}
