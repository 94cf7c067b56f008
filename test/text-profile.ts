import { encodePprof, parseFolded } from '@bunsen/profile';

/** 99 Hz in whole nanoseconds, as the agent counts. */
export const PERIOD_NS = 10_101_010;

/**
 * A pprof like the agent's from folded text, whose counts are samples: `main;work 3`.
 * Frames are written root first; a frame `name@module` has a mapping.
 */
export function pprofOf(
  text: string,
  {
    timeMs,
    service = 'demo',
    host = 'h1',
    labels = {},
  }: { timeMs: number; service?: string; host?: string; labels?: Record<string, string> },
): Uint8Array {
  const folded = parseFolded(text);
  const modules = [...new Set(folded.frames.map((frame) => frame.split('@')[1] ?? '[test]'))];
  const stacks = folded.values.length;
  const leafFirst = new Uint32Array(folded.stackFrames.length);
  for (let stack = 0; stack < stacks; stack++) {
    const from = folded.stackOffsets[stack] as number;
    const to = folded.stackOffsets[stack + 1] as number;
    leafFirst.set(folded.stackFrames.slice(from, to).reverse(), from);
  }
  return encodePprof({
    timeNs: BigInt(timeMs) * 1_000_000n,
    durationNs: 15_000_000_000n,
    sampleTypes: [{ type: 'cpu', unit: 'nanoseconds' }],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: BigInt(PERIOD_NS),
    mappings: modules.map((file) => ({ file, buildId: '' })),
    functions: folded.frames.map((frame) => {
      const [name = '', module = '[test]'] = frame.split('@');
      return { name, systemName: name, mapping: modules.indexOf(module), address: 0n };
    }),
    stackOffsets: folded.stackOffsets,
    stackFunctions: leafFirst,
    sampleStack: Uint32Array.from({ length: stacks }, (_, stack) => stack),
    sampleLabels: new Uint32Array(stacks),
    sampleValues: folded.values.map((count) => count * BigInt(PERIOD_NS)),
    labelSets: [{ service_name: service, host, comm: service, ...labels }],
  });
}
