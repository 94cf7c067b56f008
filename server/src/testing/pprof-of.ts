import {
  encodePprof,
  type Labels,
  nameOfFrame,
  parseFolded,
  type ValueType,
} from '@bunsen/profile';

export const PERIOD_NS = 10_000_000;

export interface PprofOptions {
  timeMs?: number;
  /** Labels of the samples, the same for all. */
  labels?: Labels;
  /** Labels of each line, instead. */
  labelsOf?: (line: number) => Labels;
  /** Each value is multiplied by it. 1 CPU sample is 10 ms by default. */
  period?: number;
  /** Names that folded text cannot draw, instead of those that it has. */
  names?: Record<string, string>;
  /** Binary of a function; `app` by default. */
  moduleOf?: (functionName: string) => string;
  /** The value of a line is repeated for each. */
  sampleTypes?: ValueType[];
  periodType?: ValueType;
}

/** A pprof drawn as folded text: `main;a;b 7` is seven samples of that stack. */
export function pprofOf(folded: string, options: PprofOptions = {}): Uint8Array {
  const { frames, stackOffsets, stackFrames, values } = parseFolded(folded);
  const period = BigInt(options.period ?? PERIOD_NS);
  const sampleTypes = options.sampleTypes ?? [{ type: 'cpu', unit: 'nanoseconds' }];
  const labelsOf = options.labelsOf ?? (() => options.labels ?? { service_name: 'api' });
  const names = frames.map(nameOfFrame);
  const modules = names.map(options.moduleOf ?? (() => 'app'));
  const leafFirst = new Uint32Array(stackFrames.length);
  for (let stack = 0; stack + 1 < stackOffsets.length; stack++) {
    const [from, to] = [stackOffsets[stack] as number, stackOffsets[stack + 1] as number];
    leafFirst.set(stackFrames.slice(from, to).reverse(), from);
  }
  return encodePprof({
    timeNs: BigInt(options.timeMs ?? Date.now()) * 1_000_000n,
    durationNs: 15_000_000_000n,
    sampleTypes,
    periodType: options.periodType ?? { type: 'cpu', unit: 'nanoseconds' },
    period,
    mappings: modules.map((module) => ({ file: `/usr/bin/${module}`, buildId: 'abcd' })),
    functions: names.map((drawn, mapping) => {
      const name = options.names?.[drawn] ?? drawn;
      return { name, systemName: name, mapping, address: 0n };
    }),
    stackOffsets,
    stackFunctions: leafFirst,
    sampleStack: Array.from(values.keys()),
    sampleLabels: Array.from(values.keys()),
    sampleValues: BigInt64Array.from(
      Array.from(values).flatMap((value) => sampleTypes.map(() => value * period)),
    ),
    labelSets: Array.from(values.keys(), labelsOf),
  });
}

/** A pprof of one function that is sampled at these lines, as often at each. */
export function pprofWithLines(
  lines: number[],
  value: number,
  { service, timeMs }: { service: string; timeMs: number },
): Uint8Array {
  const cpu = { type: 'cpu', unit: 'nanoseconds' };
  const each = lines.map((_, i) => i);
  return encodePprof({
    timeNs: BigInt(timeMs) * 1_000_000n,
    durationNs: 15_000_000_000n,
    sampleTypes: [cpu],
    periodType: cpu,
    period: 1n,
    mappings: [{ file: '/usr/bin/app', buildId: 'abcd' }],
    functions: lines.map((line) => ({
      name: 'hot',
      systemName: 'hot',
      mapping: 0,
      address: 0n,
      file: 'hot.go',
      line,
    })),
    stackOffsets: Uint32Array.from([...each, lines.length]),
    stackFunctions: Uint32Array.from(each),
    sampleStack: each,
    sampleLabels: each.map(() => 0),
    sampleValues: BigInt64Array.from(each, () => BigInt(value)),
    labelSets: [{ service_name: service }],
  });
}
