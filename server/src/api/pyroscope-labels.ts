import type { FastifyInstance } from 'fastify';
import { BunsenError } from '../errors.ts';
import { route } from '../operation.ts';
import { queryLabelNames, queryLabelValues, queryProfileTypes } from '../query/labels.ts';
import type { Store } from '../store/store.ts';
import { HOUR_MS } from '../time.ts';
import { PYROSCOPE_LABEL_NAMES, PYROSCOPE_LABEL_VALUES } from './pyroscope-operations.ts';
import { pyroscopeRange, warn } from './pyroscope-params.ts';
import { whileConnected } from './query-routes.ts';

/** The label whose values are profile types. */
const NAME_LABEL = '__name__';

/**
 * `GET /pyroscope/label-names` and `/pyroscope/label-values?label=`: arrays of text, by default of the
 * last hour. A `query` narrows them.
 */
export function pyroscopeLabels(app: FastifyInstance, store: Store): void {
  route(app, 'GET', '/pyroscope/label-names', PYROSCOPE_LABEL_NAMES, async (params, _, reply) => {
    const signal = whileConnected(reply);
    const { labels } = await queryLabelNames(store, params.query || '{}', rangeOf(params), {
      signal,
    });
    const names = labels.map(({ name }) => name);
    return names.length === 0 ? [] : [NAME_LABEL, ...names];
  });

  route(app, 'GET', '/pyroscope/label-values', PYROSCOPE_LABEL_VALUES, async (params, _, reply) => {
    const { label, query } = params;
    const range = rangeOf(params);
    const signal = whileConnected(reply);
    if (label === NAME_LABEL) {
      if (query) {
        throw new BunsenError(
          'PARAMETER_INVALID',
          `query=${query} cannot narrow the values of ${NAME_LABEL}, which are profile types: leave it out`,
        );
      }
      const { profileTypes } = await queryProfileTypes(store, range, { signal });
      return profileTypes.map(({ id }) => id);
    }
    const found = await queryLabelValues(store, label, query || '{}', range, { signal });
    warn(reply, found.warnings);
    return found.values;
  });
}

function rangeOf({ from, until }: { from: string | undefined; until: string | undefined }) {
  if (from === undefined && until === undefined) {
    return { fromMs: Date.now() - HOUR_MS, untilMs: Date.now() };
  }
  if (from) return pyroscopeRange(['from', from], ['until', until]);
  throw new BunsenError('PARAMETER_INVALID', 'the parameter from is missing');
}
