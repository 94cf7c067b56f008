import { parseProfileType, parseSelector } from '@bunsen/profile';
import type { FastifyInstance } from 'fastify';
import { BunsenError } from '../errors.ts';
import { readInteger, readParams } from '../params.ts';
import type { FlamegraphQuery } from '../query/flamegraph.ts';
import { querySeries } from '../query/series.ts';
import type { Store } from '../store/store.ts';
import { checkRange, parsePyroscopeTime } from '../time.ts';
import { MOST_MAX_NODES, required, whileConnected } from './query-routes.ts';

const PARAMS = ['query', 'from', 'until', 'max-nodes', 'maxNodes', 'groupBy', 'format'] as const;
/** Pyroscope's default. 0 stands for it, too. */
const DEFAULT_MAX_NODES = 8_192;
const MIN_STEP_MS = 15_000;
const POINTS = 1_500;

/** `GET /pyroscope/render`: Pyroscope's flamebearer JSON with a timeline, and one per group. */
export function pyroscopeRender(
  app: FastifyInstance,
  store: Store,
  flamegraph: FlamegraphQuery,
): void {
  app.get('/pyroscope/render', async (request, reply) => {
    const params = readParams(request.query, PARAMS);
    if (params.format !== undefined && params.format !== 'json') {
      throw new BunsenError(
        'FORMAT_UNSUPPORTED',
        `format=${params.format} is not supported yet: leave it out, or send json`,
      );
    }
    const query = required('query', params.query);
    const nowMs = Date.now();
    const range = checkRange({
      fromMs: parsePyroscopeTime('from', required('from', params.from), nowMs),
      untilMs: parsePyroscopeTime('until', params.until ?? 'now', nowMs),
    });
    const nodes = params['max-nodes'] ?? params.maxNodes ?? '0';
    const maxNodes = readInteger('max-nodes', nodes, 0, MOST_MAX_NODES) || DEFAULT_MAX_NODES;
    const groupBy = params.groupBy ? [params.groupBy] : [];
    const stepMs =
      Math.max(1, Math.round((range.untilMs - range.fromMs) / POINTS / MIN_STEP_MS)) * MIN_STEP_MS;
    const signal = whileConnected(reply);
    const { profileType } = parseSelector(query);
    const { name, sampleType, sampleUnit } = parseProfileType(profileType);
    const series = (labels: string[]) =>
      querySeries(store, { query, range, stepMs, groupBy: labels, signal });
    const [whole, byGroup] = await Promise.all([
      series([]),
      groupBy.length > 0 ? series(groupBy) : undefined,
    ]);
    const timeline = (values: (number | null)[] = []) => ({
      startTime: whole.fromMs / 1000,
      samples: Array.from(
        { length: (whole.untilMs - whole.fromMs) / stepMs },
        (_, i) => values[i] ?? 0,
      ),
      durationDelta: stepMs / 1000,
    });
    const bytes = await flamegraph.run({
      query,
      range,
      maxNodes,
      form: {
        kind: 'render',
        envelope: {
          metadata: {
            format: 'single',
            spyName: '',
            sampleRate: sampleUnit === 'nanoseconds' ? 1_000_000_000 : 100,
            units: sampleUnit === 'nanoseconds' ? 'samples' : unitsOf(sampleUnit),
            name: name === 'process_cpu' ? 'cpu' : sampleType,
          },
          timeline: timeline(whole.series[0]?.values),
          groups: Object.fromEntries(
            (byGroup?.series ?? []).map(({ labels, values }) => [
              labels[params.groupBy as string] || '(none)',
              timeline(values),
            ]),
          ),
          heatmap: null,
        },
      },
      signal,
    });
    return reply
      .type('application/json; charset=utf-8')
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
}

function unitsOf(sampleUnit: string): string {
  return sampleUnit === 'count' ? 'objects' : sampleUnit;
}
