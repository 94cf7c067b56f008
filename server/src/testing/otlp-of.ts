import type { MessageInitShape } from '@bufbuild/protobuf';
import { nameOfFrame, parseFolded } from '@bunsen/profile';
import type * as v1_10 from '@bunsen/proto/otlp/v1_10/profiles';

type Request = Exclude<
  MessageInitShape<typeof v1_10.ExportProfilesServiceRequestSchema>,
  v1_10.ExportProfilesServiceRequest
>;

export interface OtlpOptions {
  timeMs?: number;
  service?: string;
  /** [type, unit]; samples counted on CPU by default. */
  sampleType?: [string, string];
  periodType?: [string, string];
  period?: bigint;
  /** Attributes of the resource besides its service. */
  resource?: Record<string, string>;
  /** Attributes of every sample. */
  sample?: Record<string, string>;
  /** Span of each line, 16 hexadecimal digits; undefined = none. */
  spans?: (string | undefined)[];
  /** Trace of each line that has a span, 32 hexadecimal digits. */
  traces?: (string | undefined)[];
  /** In place of values: as many timestamps. */
  timestamps?: boolean;
}

/** A request drawn as folded text, of either version: they differ when it is encoded. */
export function otlpOf(folded: string, options: OtlpOptions = {}): Request {
  const { frames, stackOffsets, stackFrames, values } = parseFolded(folded);
  const strings = [''];
  const text = (value: string) => {
    const known = strings.indexOf(value);
    return known >= 0 ? known : strings.push(value) - 1;
  };
  const valueType = ([type, unit]: [string, string]) => ({
    typeStrindex: text(type),
    unitStrindex: text(unit),
  });
  const string = (value: string) => ({ value: { case: 'stringValue' as const, value } });
  const sample = Object.entries(options.sample ?? {});
  const timeMs = options.timeMs ?? Date.now();
  return {
    resourceProfiles: [
      {
        resource: {
          attributes: [
            ...(options.service === undefined
              ? []
              : [{ key: 'service.name', value: string(options.service) }]),
            ...Object.entries(options.resource ?? {}).map(([key, value]) => ({
              key,
              value: string(value),
            })),
            { key: 'process.pid', value: { value: { case: 'intValue' as const, value: 7n } } },
          ],
        },
        scopeProfiles: [
          {
            scope: { name: 'test' },
            profiles: [
              {
                sampleType: valueType(options.sampleType ?? ['samples', 'count']),
                periodType: valueType(options.periodType ?? ['cpu', 'nanoseconds']),
                period: options.period ?? 10_000_000n,
                timeUnixNano: BigInt(timeMs) * 1_000_000n,
                durationNano: 15_000_000_000n,
                samples: Array.from(values, (value, index) => ({
                  stackIndex: index + 1,
                  attributeIndices: sample.map((_, i) => i + 1),
                  linkIndex: options.spans?.[index] === undefined ? 0 : index + 1,
                  values: options.timestamps ? [] : [value],
                  timestampsUnixNano: options.timestamps
                    ? Array.from({ length: Number(value) }, () => BigInt(timeMs) * 1_000_000n)
                    : [],
                })),
              },
            ],
          },
        ],
      },
    ],
    dictionary: {
      mappingTable: [{}, { filenameStrindex: text('/usr/bin/app') }],
      functionTable: [{}, ...frames.map((frame) => ({ nameStrindex: text(nameOfFrame(frame)) }))],
      locationTable: [
        {},
        ...frames.map((_, i) => ({
          mappingIndex: 1,
          lines: [{ functionIndex: i + 1, line: BigInt(i + 1) }],
        })),
      ],
      stackTable: [
        {},
        ...Array.from(values, (_, stack) => ({
          locationIndices: Array.from(
            stackFrames.subarray(stackOffsets[stack], stackOffsets[stack + 1]),
            (frame) => frame + 1,
          ).reverse(),
        })),
      ],
      attributeTable: [
        {},
        ...sample.map(([key, value]) => ({ keyStrindex: text(key), value: string(value) })),
      ],
      linkTable: options.spans
        ? [
            {},
            ...options.spans.map((id = '', line) => ({
              spanId: Buffer.from(id, 'hex'),
              traceId: Buffer.from(options.traces?.[line] ?? '', 'hex'),
            })),
          ]
        : [],
      stringTable: strings,
    },
  };
}
