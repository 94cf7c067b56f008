import { parseProfileType, parseSelector } from '@bunsen/profile';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { BunsenError } from '../errors.ts';
import { route } from '../operation.ts';
import type { FlamegraphQuery } from '../query/flamegraph.ts';
import { renderMetadata } from '../query/render-metadata.ts';
import { type Aggregation, querySeries } from '../query/series.ts';
import type { Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import { DOT_NODES } from './flame-operations.ts';
import { RENDER, RENDER_DIFF } from './pyroscope-operations.ts';
import {
  DEFAULT_DOT_NODES,
  DEFAULT_FLAME_NODES,
  maxNodesOf,
  pyroscopeRange,
  warn,
} from './pyroscope-params.ts';
import { whileConnected } from './query-routes.ts';

const MIN_STEP_MS = 15_000;
const POINTS = 1_500;
const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;
/** Key in `groups` of the series that do not have the label, as in Pyroscope. */
const NO_VALUE = '*';

/** `GET /pyroscope/render` and `/pyroscope/render-diff`: Pyroscope's flamebearer JSON. */
export function pyroscopeRender(
  app: FastifyInstance,
  store: Store,
  flamegraph: FlamegraphQuery,
): void {
  route(app, 'GET', '/pyroscope/render', RENDER, async (params, _request, reply) => {
    const { query } = params;
    const range = pyroscopeRange(['from', params.from], ['until', params.until]);
    const aggregation = params.aggregation === 'sum' ? 'sum' : 'average';
    const groupBy = groupByOf(params.groupBy);
    const signal = whileConnected(reply);
    switch (params.format) {
      case 'dot': {
        if (groupBy.length > 0 || aggregation !== 'sum') {
          throw new BunsenError(
            'PARAMETER_INVALID',
            'groupBy and aggregation are for the timeline, which format=dot does not have: leave them out',
          );
        }
        const limit = { fallback: DEFAULT_DOT_NODES, most: DOT_NODES.most };
        const form = { format: 'dot', maxNodes: maxNodesOf(params, limit) } as const;
        const bytes = await flamegraph.export({ query, range, form, signal });
        return send(reply, 'text/vnd.graphviz', bytes);
      }
      case 'json': {
        const maxNodes = maxNodesOf(params, { fallback: DEFAULT_FLAME_NODES });
        const { warnings, ...series } = await timelines({
          query,
          range,
          aggregation,
          groupBy,
          signal,
        });
        warn(reply, warnings);
        const envelope = { metadata: metadataOf(query, 'single'), ...series, heatmap: null };
        const form = { kind: 'render', envelope } as const;
        const bytes = await flamegraph.run({ query, range, maxNodes, form, signal });
        return send(reply, 'application/json', bytes);
      }
    }
  });

  route(app, 'GET', '/pyroscope/render-diff', RENDER_DIFF, async (params, _request, reply) => {
    const bytes = await flamegraph.diff({
      left: {
        query: params.leftQuery,
        range: pyroscopeRange(['leftFrom', params.leftFrom], ['leftUntil', params.leftUntil]),
      },
      right: {
        query: params.rightQuery,
        range: pyroscopeRange(['rightFrom', params.rightFrom], ['rightUntil', params.rightUntil]),
      },
      maxNodes: maxNodesOf(params, { fallback: DEFAULT_FLAME_NODES }),
      form: {
        kind: 'render',
        envelope: {
          metadata: metadataOf(params.leftQuery, 'double'),
          timeline: null,
          groups: null,
          heatmap: null,
        },
      },
      signal: whileConnected(reply),
    });
    return send(reply, 'application/json', bytes);
  });

  async function timelines({
    groupBy,
    ...of
  }: {
    query: string;
    range: TimeRange;
    aggregation: Aggregation;
    groupBy: string[];
    signal: AbortSignal;
  }): Promise<{ timeline: unknown; groups: unknown; warnings: string[] }> {
    const { fromMs, untilMs } = of.range;
    const stepMs = Math.max(1, Math.round((untilMs - fromMs) / POINTS / MIN_STEP_MS)) * MIN_STEP_MS;
    const [whole, byGroup] = await Promise.all([
      querySeries(store, { ...of, stepMs, groupBy: [] }),
      groupBy.length > 0 ? querySeries(store, { ...of, stepMs, groupBy }) : undefined,
    ]);
    const points = (whole.untilMs - whole.fromMs) / stepMs;
    const timeline = (values: (number | null)[] = []) => ({
      startTime: whole.fromMs / 1000,
      samples: Array.from({ length: points }, (_, i) => values[i] ?? 0),
      durationDelta: stepMs / 1000,
    });
    const groups = byGroup?.series.map(({ labels, values }) => [
      labels[groupBy[0] as string] || NO_VALUE,
      timeline(values),
    ]);
    return {
      timeline: timeline(whole.series[0]?.values),
      groups: groups ? Object.fromEntries(groups) : null,
      warnings: [...whole.warnings, ...(byGroup?.warnings ?? [])],
    };
  }
}

/** The one label that there may be; an empty parameter is none. */
function groupByOf(name: string): string[] {
  if (name === '') return [];
  if (LABEL_NAME.test(name)) return [name];
  throw new BunsenError(
    'PARAMETER_INVALID',
    `groupBy=${name} is not the name of one label, of the form [A-Za-z_][A-Za-z0-9_.]*`,
  );
}

function metadataOf(query: string, format: 'single' | 'double'): Record<string, unknown> {
  return renderMetadata(parseProfileType(parseSelector(query).profileType), format);
}

function send(reply: FastifyReply, type: string, bytes: Uint8Array): FastifyReply {
  return reply
    .type(`${type}; charset=utf-8`)
    .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
