import type { Matcher } from '@bunsen/profile';
import { formatSelector } from '@bunsen/profile';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BunsenError } from '../errors.ts';
import type { Handler, Operation } from '../operation.ts';
import { type Params, readParams } from '../params.ts';
import { FUNCTION_LABELS } from '../query/promql/function-source.ts';
import { parseDuration } from '../query/promql/literals.ts';
import { parseMetricSelector } from '../query/promql/parse.ts';
import { METRIC_NAME } from '../query/promql/values.ts';
import { checkTime, HOUR_MS, type TimeRange } from '../time.ts';

/** Registers a route that reads its parameters from the address and from a form alike. */
export function formRoute<const P extends Params>(
  app: FastifyInstance,
  url: string,
  operation: Operation<P>,
  handler: Handler<P>,
): void {
  app.route({
    method: ['GET', 'POST'],
    url,
    config: { operation },
    handler: (request, reply) =>
      handler(readParams(formOf(request), operation.params), request, reply),
  });
}

function formOf(request: FastifyRequest): Record<string, string | string[]> {
  const form = { ...(request.query as Record<string, string | string[]>) };
  for (const [name, value] of Object.entries((request.body ?? {}) as typeof form)) {
    form[name] = name in form ? [form[name] as string | string[], value].flat() : value;
  }
  return form;
}

/** Seconds since 1970, with a fraction, or RFC 3339. @returns whole milliseconds */
export function promTime(name: string, text: string): number {
  const ms = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)
    ? Math.round(Number(text) * 1000)
    : /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text)
      ? Date.parse(text.replace(' ', 'T'))
      : Number.NaN;
  if (!Number.isNaN(ms)) return checkTime(name, text, ms);
  throw new BunsenError(
    'PARAMETER_INVALID',
    `${name}=${text} is not a time: give seconds since 1970, or RFC 3339 such as 2026-11-21T10:00:00Z`,
  );
}

/** Seconds, or `1h30m`. @returns milliseconds, more than 0 */
export function promDuration(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `${name}=${text} is not a length of time longer than 0: give seconds, or 15s, 5m, 1h30m`,
  );
}

/** The last hour by default. Both ends count. */
export function promRange(params: {
  start: string | undefined;
  end: string | undefined;
}): TimeRange {
  const untilMs = params.end === undefined ? Date.now() : promTime('end', params.end);
  const fromMs = params.start === undefined ? untilMs - HOUR_MS : promTime('start', params.start);
  if (fromMs <= untilMs) return { fromMs, untilMs: untilMs + 1 };
  throw new BunsenError('RANGE_EMPTY', `end=${params.end} is before start=${params.start}`);
}

/** A selector of series as our own queries take it; the metric's name is the profile type. */
export interface SeriesMatch {
  query: string;
  /** The metric, if the selector names one. */
  metric: string | undefined;
  /** Whether it has matchers of functions, which no list of series knows. */
  hasFunctions: boolean;
}

export function seriesMatch(text: string): SeriesMatch {
  const { name, matchers } = parseMetricSelector(text);
  const all: Matcher[] =
    name === '' ? matchers : [{ name: METRIC_NAME, operator: '=', value: name }, ...matchers];
  const ofSeries = all.filter((matcher) => !FUNCTION_LABELS.includes(matcher.name));
  const exact = all.find((matcher) => matcher.name === METRIC_NAME && matcher.operator === '=');
  return {
    query: formatSelector({
      profileType: '',
      matchers: ofSeries.map((matcher) =>
        matcher.name === METRIC_NAME ? { ...matcher, name: '__profile_type__' } : matcher,
      ),
    }),
    metric: exact?.value,
    hasFunctions: ofSeries.length < all.length,
  };
}
