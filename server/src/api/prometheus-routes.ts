import { parse as parseQueryString } from 'node:querystring';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { BunsenError } from '../errors.ts';
import { sendJsonInTurns } from '../json-in-turns.ts';
import { route } from '../operation.ts';
import { type Expr, unwrapped } from '../query/promql/ast.ts';
import { type Evaluation, evaluate } from '../query/promql/evaluate.ts';
import { formatPromql } from '../query/promql/format.ts';
import { parsePromql } from '../query/promql/parse.ts';
import type { Grid } from '../query/promql/windows.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { Store } from '../store/store.ts';
import { answerPromError, instantData, rangeData, success } from './prometheus-answers.ts';
import { prometheusLists } from './prometheus-lists.ts';
import {
  PROM_BUILDINFO,
  PROM_FORMAT_QUERY,
  PROM_QUERY,
  PROM_QUERY_RANGE,
} from './prometheus-operations.ts';
import { formRoute, promDuration, promTime } from './prometheus-params.ts';
import { whileConnected } from './query-routes.ts';

/** As in Prometheus. */
const MAX_POINTS = 11_000;
const MAX_FORM_BYTES = 1 << 20;
/** The Prometheus whose API this is; Grafana chooses by it what to ask. */
const API_VERSION = '3.0.0';

/** Prometheus' query API over profiles, below `/prometheus/api/v1`. PromQL and answers: PROMQL.md */
export function prometheusRoutes(app: FastifyInstance, store: Store, status: RollupStatus): void {
  app.setErrorHandler(answerPromError);
  app.removeAllContentTypeParsers(); // a body is a form, or refused
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
    (_request, body, done) => done(null, { ...parseQueryString(body as string) }),
  );

  formRoute(app, '/query', PROM_QUERY, async (params, _request, reply) => {
    const expr = parsePromql(params.query);
    const startMs = params.time === undefined ? Date.now() : promTime('time', params.time);
    const evaluation = await run(expr, { startMs, stepMs: 0, points: 1 }, params, reply);
    const { value, warnings } = limited(evaluation, params.limit);
    const last = unwrapped(expr);
    const ranked = last.kind === 'aggregate' && /^(top|bottom)k$/.test(last.name);
    return sendJsonInTurns(reply, success(instantData(value, startMs, !ranked), warnings));
  });

  formRoute(app, '/query_range', PROM_QUERY_RANGE, async (params, _request, reply) => {
    const expr = parsePromql(params.query);
    const grid = gridOf(
      promTime('start', params.start),
      promTime('end', params.end),
      promDuration('step', params.step),
    );
    const evaluation = await run(expr, grid, params, reply);
    const { value, warnings } = limited(evaluation, params.limit);
    return sendJsonInTurns(reply, success(rangeData(value, grid), warnings));
  });

  formRoute(app, '/format_query', PROM_FORMAT_QUERY, ({ query }) =>
    success(formatPromql(parsePromql(query))),
  );

  route(app, 'GET', '/status/buildinfo', PROM_BUILDINFO, () =>
    success({
      application: 'Bunsen',
      version: API_VERSION,
      revision: '',
      branch: '',
      buildUser: '',
      buildDate: '',
      goVersion: '',
    }),
  );

  prometheusLists(app, store, status);

  async function run(
    expr: Expr,
    grid: Grid,
    params: { timeout: string | undefined; lookback_delta: string | undefined },
    reply: FastifyReply,
  ): Promise<Evaluation> {
    const timeoutMs = params.timeout && promDuration('timeout', params.timeout);
    const lookbackMs =
      params.lookback_delta && promDuration('lookback_delta', params.lookback_delta);
    const gone = whileConnected(reply);
    const timeout = timeoutMs ? AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1)) : undefined;
    const signal = timeout ? AbortSignal.any([gone, timeout]) : gone;
    try {
      return await evaluate({ store, status, signal }, expr, grid, lookbackMs || undefined);
    } catch (error) {
      if (!timeout?.aborted || gone.aborted) throw error;
      throw new BunsenError(
        'QUERY_TIMEOUT',
        `the query took longer than timeout=${params.timeout}`,
      );
    }
  }
}

/** @throws BunsenError `RANGE_EMPTY`, `PARAMETER_INVALID` */
function gridOf(startMs: number, endMs: number, stepMs: number): Grid {
  if (endMs < startMs) {
    throw new BunsenError('RANGE_EMPTY', `end=${endMs / 1000} is before start=${startMs / 1000}`);
  }
  const points = Math.floor((endMs - startMs) / stepMs) + 1;
  if (points <= MAX_POINTS) return { startMs, stepMs, points };
  throw new BunsenError(
    'PARAMETER_INVALID',
    `step=${stepMs / 1000} makes ${points} points a series; at most ${MAX_POINTS} are allowed: take a longer step`,
  );
}

/** At most so many series, as the client wishes; 0 = all. */
function limited({ value, warnings }: Evaluation, most: number): Evaluation {
  if (value.type === 'scalar' || most === 0 || value.series.length <= most) {
    return { value, warnings };
  }
  return {
    value: { type: 'vector', series: value.series.slice(0, most) },
    warnings: [...warnings, `there are ${value.series.length} series; limit=${most} is given`],
  };
}
