import type { FastifyInstance } from 'fastify';
import { BunsenError } from '../errors.ts';
import { readParams } from '../params.ts';
import { queryLabelNames, queryLabelValues, queryProfileTypes } from '../query/labels.ts';
import type { Store } from '../store/store.ts';
import { HOUR_MS } from '../time.ts';
import { pyroscopeRange, warn } from './pyroscope-params.ts';
import { required, whileConnected } from './query-routes.ts';

/** The label whose values are profile types. */
const NAME_LABEL = '__name__';

/**
 * `GET /pyroscope/label-names` and `/pyroscope/label-values?label=`: arrays of text, by default of the
 * last hour. A `query` narrows them.
 */
export function pyroscopeLabels(app: FastifyInstance, store: Store): void {
  app.get('/pyroscope/label-names', async (request, reply) => {
    const params = readParams(request.query, ['query', 'from', 'until']);
    const signal = whileConnected(reply);
    const { labels } = await queryLabelNames(store, params.query || '{}', rangeOf(params), {
      signal,
    });
    const names = labels.map(({ name }) => name);
    return names.length === 0 ? [] : [NAME_LABEL, ...names];
  });

  app.get('/pyroscope/label-values', async (request, reply) => {
    const { label: asked, ...params } = readParams(request.query, [
      'label',
      'query',
      'from',
      'until',
    ]);
    const label = required('label', asked);
    const range = rangeOf(params);
    const signal = whileConnected(reply);
    if (label === NAME_LABEL) {
      if (params.query) {
        throw new BunsenError(
          'PARAMETER_INVALID',
          `query=${params.query} cannot narrow the values of ${NAME_LABEL}, which are profile types: leave it out`,
        );
      }
      const { profileTypes } = await queryProfileTypes(store, range, { signal });
      return profileTypes.map(({ id }) => id);
    }
    const found = await queryLabelValues(store, label, params.query || '{}', range, { signal });
    warn(reply, found.warnings);
    return found.values;
  });
}

function rangeOf(params: { from?: string; until?: string }) {
  return params.from === undefined && params.until === undefined
    ? { fromMs: Date.now() - HOUR_MS, untilMs: Date.now() }
    : pyroscopeRange(params, 'from', 'until');
}
