import type { Labels } from '@bunsen/profile';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BunsenError } from '../errors.ts';
import { readInteger } from '../params.ts';
import { queryFunctions } from '../query/functions.ts';
import { queryLabelNames, queryLabelSets, queryLabelValues } from '../query/labels.ts';
import { FUNCTION_LABELS } from '../query/promql/function-source.ts';
import { profileTypeOfMetric } from '../query/promql/profile-points.ts';
import { labelsKey, METRIC_NAME } from '../query/promql/values.ts';
import { TYPE_LABELS } from '../query/selection.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { Store } from '../store/store.ts';
import { HOUR_MS, type TimeRange } from '../time.ts';
import { success } from './prometheus-answers.ts';
import { metadataOf } from './prometheus-metadata.ts';
import {
  promRange,
  readForm,
  readMatches,
  type SeriesMatch,
  seriesMatch,
} from './prometheus-params.ts';
import { whileConnected } from './query-routes.ts';

const EVERYTHING: SeriesMatch = { query: '{}', metric: undefined, hasFunctions: false };
/** Functions that are offered as values of a label: those of the largest total. */
const MAX_FUNCTIONS = 1_000;

/** Metrics, series, labels and their values: what menus and editors ask for. */
export function prometheusLists(
  app: FastifyInstance,
  both: (path: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown) => void,
  store: Store,
  status: RollupStatus,
): void {
  both('/series', async (request, reply) => {
    const params = readForm(request, LIST_PARAMS);
    const { range, signal } = rangeOf(params, reply);
    const matches = readMatches(request).map(seriesMatch);
    if (matches.length === 0) {
      throw new BunsenError('PARAMETER_INVALID', 'the parameter match[] is missing');
    }
    const warnings = warningsOf(matches);
    const sets = new Map<string, Labels>();
    for (const { query } of matches) {
      const found = await queryLabelSets(store, query, [], range, { signal });
      warnings.push(...found.warnings);
      for (const labels of found.labelSets.map(asPrometheus)) sets.set(labelsKey(labels), labels);
    }
    const sorted = [...sets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, labels]) => labels);
    return list(sorted, params.limit, warnings);
  });

  both('/labels', async (request, reply) => {
    const params = readForm(request, LIST_PARAMS);
    const { range, signal } = rangeOf(params, reply);
    const matches = matchesOf(request);
    const names = new Set<string>();
    for (const { query } of matches) {
      const { labels } = await queryLabelNames(store, query, range, { signal });
      for (const { name } of labels) names.add(name);
    }
    if (names.size > 0) for (const name of [METRIC_NAME, ...FUNCTION_LABELS]) names.add(name);
    return list([...names].sort(), params.limit, warningsOf(matches));
  });

  app.get<{ Params: { name: string } }>('/label/:name/values', async (request, reply) => {
    const params = readForm(request, LIST_PARAMS);
    const { range, signal } = rangeOf(params, reply);
    const { name } = request.params;
    const matches = matchesOf(request);
    const found = FUNCTION_LABELS.includes(name)
      ? await functionValues(name, matches, range, signal)
      : await labelValues(name, matches, range, signal);
    return list([...new Set(found.values)].sort(), params.limit, found.warnings);
  });

  app.get('/metadata', async (request, reply) => {
    const { metric, limit, limit_per_metric } = readForm(request, [
      'metric',
      'limit',
      'limit_per_metric',
    ]);
    limitOf('limit_per_metric', limit_per_metric); // there is one entry a metric: any will do
    const untilMs = Date.now();
    const range = { fromMs: untilMs - 24 * HOUR_MS, untilMs };
    const read = { signal: whileConnected(reply) };
    const { values } = await queryLabelValues(store, '__profile_type__', '{}', range, read);
    const wanted = values.filter((type) => metric === undefined || type === metric);
    const most = limitOf('limit', limit) || wanted.length;
    return success(
      Object.fromEntries(wanted.slice(0, most).map((type) => [type, [metadataOf(type)]])),
    );
  });

  async function labelValues(
    name: string,
    matches: SeriesMatch[],
    range: TimeRange,
    signal: AbortSignal,
  ): Promise<{ values: string[]; warnings: string[] }> {
    const label = name === METRIC_NAME ? '__profile_type__' : name;
    const found = [];
    for (const { query } of matches) {
      found.push(await queryLabelValues(store, label, query, range, { signal }));
    }
    return {
      values: found.flatMap(({ values }) => values),
      warnings: [...warningsOf(matches), ...found.flatMap(({ warnings }) => warnings)],
    };
  }

  async function functionValues(
    name: string,
    matches: SeriesMatch[],
    range: TimeRange,
    signal: AbortSignal,
  ): Promise<{ values: string[]; warnings: string[] }> {
    const values: string[] = [];
    for (const { query, metric } of matches) {
      const profileType = metric && profileTypeOfMetric(metric);
      if (!profileType) continue;
      const { functions } = await queryFunctions(store, status, {
        query: `${profileType}${query}`,
        range,
        name: '',
        orderBy: 'total',
        limit: MAX_FUNCTIONS,
        signal,
      });
      values.push(...functions.map((each) => (name === 'module' ? each.module : each.name)));
    }
    const warnings = [
      `values of ${name} are of the ${MAX_FUNCTIONS} largest functions of each metric that match[] names`,
    ];
    return { values: values.filter((value) => value !== ''), warnings };
  }
}

const LIST_PARAMS = ['start', 'end', 'limit'] as const;

function matchesOf(request: FastifyRequest): SeriesMatch[] {
  const matches = readMatches(request).map(seriesMatch);
  return matches.length === 0 ? [EVERYTHING] : matches;
}

function rangeOf(params: { start?: string; end?: string }, reply: FastifyReply) {
  return { range: promRange(params), signal: whileConnected(reply) };
}

/** The metric's name instead of the labels that its profile type makes. */
function asPrometheus(labels: Labels): Labels {
  const own = Object.entries(labels).filter(([name]) => !TYPE_LABELS.includes(name));
  return { [METRIC_NAME]: labels['__profile_type__'] as string, ...Object.fromEntries(own.sort()) };
}

function warningsOf(matches: SeriesMatch[]): string[] {
  return matches.some(({ hasFunctions }) => hasFunctions)
    ? [`matchers of ${FUNCTION_LABELS.join(' and ')} do not narrow lists`]
    : [];
}

function limitOf(name: string, limit: string | undefined): number {
  return limit === undefined ? 0 : readInteger(name, limit, 0, Number.MAX_SAFE_INTEGER);
}

/** At most so many, as the client wishes; 0 = all. */
function list(values: unknown[], limit: string | undefined, warnings: string[]): unknown {
  const most = limitOf('limit', limit);
  if (most === 0 || values.length <= most) return success(values, warnings);
  return success(values.slice(0, most), [
    ...warnings,
    `there are ${values.length}; limit=${most} is given`,
  ]);
}
