import type { Labels } from '@bunsen/profile';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { route } from '../operation.ts';
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
  PROM_LABEL_VALUES,
  PROM_LABELS,
  PROM_METADATA,
  PROM_SERIES,
} from './prometheus-operations.ts';
import { formRoute, promRange, type SeriesMatch, seriesMatch } from './prometheus-params.ts';
import { whileConnected } from './query-routes.ts';

const EVERYTHING: SeriesMatch = { query: '{}', metric: undefined, hasFunctions: false };
/** Functions that are offered as values of a label: those of the largest total. */
const MAX_FUNCTIONS = 1_000;

/** Metrics, series, labels and their values: what menus and editors ask for. */
export function prometheusLists(app: FastifyInstance, store: Store, status: RollupStatus): void {
  formRoute(app, '/series', PROM_SERIES, async (params, _request, reply) => {
    const { range, signal } = rangeOf(params, reply);
    const matches = matchesOf(params);
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

  formRoute(app, '/labels', PROM_LABELS, async (params, _request, reply) => {
    const { range, signal } = rangeOf(params, reply);
    const matches = matchesOf(params);
    const names = new Set<string>();
    for (const { query } of matches) {
      const { labels } = await queryLabelNames(store, query, range, { signal });
      for (const { name } of labels) names.add(name);
    }
    if (names.size > 0) for (const name of [METRIC_NAME, ...FUNCTION_LABELS]) names.add(name);
    return list([...names].sort(), params.limit, warningsOf(matches));
  });

  route(app, 'GET', '/label/:name/values', PROM_LABEL_VALUES, async (params, request, reply) => {
    const { range, signal } = rangeOf(params, reply);
    const { name: sent } = request.params as { name: string };
    const name = unescaped(sent);
    const matches = matchesOf(params);
    const found = FUNCTION_LABELS.includes(name)
      ? await functionValues(name, matches, range, signal)
      : await labelValues(name, matches, range, signal);
    return list([...new Set(found.values)].sort(), params.limit, found.warnings);
  });

  route(app, 'GET', '/metadata', PROM_METADATA, async ({ metric, limit }, _request, reply) => {
    const untilMs = Date.now();
    const range = { fromMs: untilMs - 24 * HOUR_MS, untilMs };
    const read = { signal: whileConnected(reply) };
    const { values } = await queryLabelValues(store, '__profile_type__', '{}', range, read);
    const wanted = values.filter((type) => metric === undefined || type === metric);
    const most = limit || wanted.length;
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

function matchesOf(params: { 'match[]': string[] }): SeriesMatch[] {
  const matches = params['match[]'].map(seriesMatch);
  return matches.length === 0 ? [EVERYTHING] : matches;
}

function rangeOf(
  params: { start: string | undefined; end: string | undefined },
  reply: FastifyReply,
) {
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

/** At most so many, as the client wishes; 0 = all. */
function list(values: unknown[], most: number, warnings: string[]): unknown {
  if (most === 0 || values.length <= most) return success(values, warnings);
  return success(values.slice(0, most), [
    ...warnings,
    `there are ${values.length}; limit=${most} is given`,
  ]);
}

/** Names that are no identifiers come escaped in addresses: `U__k8s_2e_node` is `k8s.node`, as in Prometheus 3. */
function unescaped(name: string): string {
  if (!name.startsWith('U__')) return name;
  return name
    .slice(3)
    .replace(/__|_([\da-fA-F]{1,6})_/g, (_, hex: string | undefined) =>
      hex === undefined ? '_' : String.fromCodePoint(Math.min(Number.parseInt(hex, 16), 0x10ffff)),
    );
}
