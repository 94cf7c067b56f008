import type { FastifyReply, FastifyRequest } from 'fastify';
import { noteError } from '../error-reply.ts';
import { ERROR_STATUS, type ErrorCode } from '../errors.ts';
import { formatNumber } from '../query/promql/literals.ts';
import type { LabelledPoints, Value } from '../query/promql/values.ts';
import type { Grid } from '../query/promql/windows.ts';

/** `{ status: 'success', data }`, as every answer of Prometheus' API has it. */
export function success(data: unknown, warnings: string[] = []): Record<string, unknown> {
  return { status: 'success', data, ...(warnings.length > 0 && { warnings }) };
}

/** What Prometheus calls an error with this status. */
const ERROR_TYPES: Record<number, string> = {
  400: 'bad_data',
  404: 'not_found',
  405: 'bad_data',
  413: 'bad_data',
  415: 'bad_data',
  422: 'execution',
  500: 'internal',
  503: 'unavailable',
};

/** `{ status: 'error', errorType, error }`. */
export function answerPromError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { code, message, status } = noteError(error, request, reply);
  const timeout: ErrorCode = 'QUERY_TIMEOUT';
  // Prometheus has no 504; its clients repeat what failed with 503.
  const [answered, errorType] =
    code === timeout ? [ERROR_STATUS.STORE_UNAVAILABLE, 'timeout'] : [status, ERROR_TYPES[status]];
  return reply
    .code(answered)
    .type('application/json; charset=utf-8')
    .send({ status: 'error', errorType: errorType ?? 'bad_data', error: `${code}: ${message}` });
}

/** One point: a scalar or a vector. @param sorted whether series are put in order by their labels */
export function instantData(value: Value, timeMs: number, sorted: boolean): unknown {
  const time = timeMs / 1000;
  if (value.type === 'scalar') {
    return { resultType: 'scalar', result: [time, formatNumber(value.values[0] as number)] };
  }
  const series = presentSeries(value.series);
  return {
    resultType: 'vector',
    result: (sorted ? byLabels(series) : series).map(({ labels, values }) => ({
      metric: labels,
      value: [time, formatNumber(values[0] as number)],
    })),
  };
}

/** Many points: a matrix, made while it is written; a scalar is a series without labels. */
export function rangeData(value: Value, { startMs, stepMs, points }: Grid): unknown {
  const all = new Uint8Array(points).fill(1);
  const series =
    value.type === 'scalar'
      ? [{ labels: {}, values: value.values, present: all }]
      : byLabels(presentSeries(value.series));
  function* result() {
    for (const { labels, values, present } of series) {
      const samples: [number, string][] = [];
      for (let i = 0; i < points; i++) {
        if (present[i] === 0) continue;
        samples.push([(startMs + i * stepMs) / 1000, formatNumber(values[i] as number)]);
      }
      yield { metric: labels, values: samples };
    }
  }
  return { resultType: 'matrix', result: result() };
}

function presentSeries(series: LabelledPoints[]): LabelledPoints[] {
  return series.filter(({ present }) => present.includes(1));
}

function byLabels(series: LabelledPoints[]): LabelledPoints[] {
  const keyed = series.map((each) => ({
    key: Object.entries(each.labels).flat().join('\0'),
    each,
  }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ each }) => each);
}
