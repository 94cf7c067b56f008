import { ProfileSchema } from '@bunsen/proto/google/v1/profile';
import {
  DiffResponseSchema,
  ProfileFormat,
  ProfileFormatSchema,
  type QuerierService,
  SelectMergeSpanProfileResponseSchema,
  type SelectMergeStacktracesRequest,
  SelectMergeStacktracesResponseSchema,
} from '@bunsen/proto/querier/v1/querier';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { BunsenError } from '../errors.ts';
import type { FlamegraphQuery, StackSelection } from '../query/flamegraph.ts';
import { answerEncoding, encodedAnswer } from '../rpc.ts';
import { DOT_NODES } from './flame-operations.ts';
import { DEFAULT_DOT_NODES } from './pyroscope-params.ts';
import {
  enumNames,
  maxNodesOf,
  profilesOf,
  queryOf,
  rangeOf,
  refuse,
  spansOf,
  stackSelectorOf,
  tracesOf,
  warn,
} from './querier-request.ts';

type ProfileMethods =
  | 'selectMergeStacktraces'
  | 'selectMergeProfile'
  | 'selectMergeSpanProfile'
  | 'diff';

/** Merged profiles: the methods of `querier.v1.QuerierService` that flame graphs are drawn from. */
export function querierProfiles(
  flamegraph: FlamegraphQuery,
): Pick<ServiceImpl<typeof QuerierService>, ProfileMethods> {
  return {
    async selectMergeStacktraces(request, context) {
      const selection = { ...selectionOf(request), ...reportTo(context) };
      const encoding = answerEncoding(context);
      const answer = (bytes: Uint8Array<ArrayBuffer>) =>
        encodedAnswer(SelectMergeStacktracesResponseSchema, bytes, context);
      switch (request.format) {
        case ProfileFormat.UNSPECIFIED:
        case ProfileFormat.FLAMEGRAPH:
        case ProfileFormat.TREE: {
          const maxNodes = maxNodesOf(request.maxNodes);
          const format = request.format === ProfileFormat.TREE ? 'tree' : 'flamegraph';
          const form = { kind: 'message', format, encoding } as const;
          return answer(await flamegraph.run({ ...selection, maxNodes, form }));
        }
        case ProfileFormat.PPROF: {
          warnOfNodes(request, context);
          const message = { kind: 'stacktraces', encoding } as const;
          const form = { format: 'pprof', message } as const;
          return answer(await flamegraph.export({ ...selection, form }));
        }
        case ProfileFormat.DOT: {
          const limit = { fallback: DEFAULT_DOT_NODES, most: DOT_NODES.most };
          const form = { format: 'dot', maxNodes: maxNodesOf(request.maxNodes, limit) } as const;
          const dot = await flamegraph.export({ ...selection, form });
          return { dot: new TextDecoder().decode(dot) };
        }
        default:
          throw new BunsenError(
            'PARAMETER_INVALID',
            `format=${request.format} is none of ${enumNames(ProfileFormatSchema)}`,
          );
      }
    },

    async selectMergeProfile(request, context) {
      warnOfNodes(request, context);
      const bytes = await flamegraph.export({
        query: queryOf(request),
        range: rangeOf(request),
        stacks: stackSelectorOf(request.stackTraceSelector),
        samples: {
          profiles: profilesOf(request.profileIdSelector),
          traces: tracesOf(request.traceIdSelector),
        },
        form: {
          format: 'pprof',
          message: { kind: 'profile', encoding: answerEncoding(context) },
        },
        ...reportTo(context),
      });
      return encodedAnswer(ProfileSchema, bytes, context);
    },

    async selectMergeSpanProfile(request, context) {
      const spans = spansOf(request.spanSelector);
      if (!spans) {
        throw new BunsenError('PARAMETER_INVALID', 'span_selector is missing: name a span');
      }
      const bytes = await flamegraph.run({
        query: queryOf(request),
        range: rangeOf(request),
        samples: { spans },
        maxNodes: maxNodesOf(request.maxNodes),
        // Both answers have the same fields for these.
        form: {
          kind: 'message',
          format: treeFormatOf(request.format),
          encoding: answerEncoding(context),
        },
        ...reportTo(context),
      });
      return encodedAnswer(SelectMergeSpanProfileResponseSchema, bytes, context);
    },

    async diff({ left, right }, context) {
      const bytes = await flamegraph.diff({
        left: sideOf('left', left),
        right: sideOf('right', right),
        maxNodes: Math.max(maxNodesOf(left?.maxNodes), maxNodesOf(right?.maxNodes)),
        form: { kind: 'message', encoding: answerEncoding(context) },
        ...reportTo(context),
      });
      return encodedAnswer(DiffResponseSchema, bytes, context);
    },
  };
}

function reportTo(context: HandlerContext) {
  return { signal: context.signal, onWarnings: (warnings: string[]) => warn(context, warnings) };
}

/** @throws BunsenError if a side is missing, or what it asks for cannot be */
function sideOf(name: string, side: SelectMergeStacktracesRequest | undefined): StackSelection {
  if (!side) throw new BunsenError('PARAMETER_INVALID', `${name} is missing`);
  const { format } = side;
  if (format !== ProfileFormat.UNSPECIFIED && format !== ProfileFormat.FLAMEGRAPH) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `${name}.format=${format}: a comparison is a flame graph, leave it out`,
    );
  }
  return selectionOf(side);
}

function selectionOf(request: SelectMergeStacktracesRequest): StackSelection {
  refuse({ async: request.async });
  return {
    query: queryOf(request),
    range: rangeOf(request),
    stacks: stackSelectorOf(request.stackTraceSelector),
    samples: {
      spans: spansOf(request.spanSelector),
      traces: tracesOf(request.traceIdSelector),
      profiles: profilesOf(request.profileIdSelector),
    },
  };
}

/** A profile is given whole, as by Pyroscope. */
function warnOfNodes(
  { maxNodes }: { maxNodes?: bigint | undefined },
  context: HandlerContext,
): void {
  const asked = maxNodes !== undefined && maxNodes !== 0n;
  maxNodesOf(maxNodes);
  if (asked) warn(context, [`max_nodes=${maxNodes} has no effect: a profile is given whole`]);
}

/** Of profiles of spans, which have no other forms. */
function treeFormatOf(format: ProfileFormat): 'flamegraph' | 'tree' {
  if (format === ProfileFormat.TREE) return 'tree';
  if (format === ProfileFormat.UNSPECIFIED || format === ProfileFormat.FLAMEGRAPH) {
    return 'flamegraph';
  }
  throw new BunsenError(
    'PARAMETER_INVALID',
    `format=${format} is neither PROFILE_FORMAT_FLAMEGRAPH nor PROFILE_FORMAT_TREE`,
  );
}
