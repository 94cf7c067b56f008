import { type Answer, operation } from '../operation.ts';
import type { IntegerParam, ListParam, Params, TextParam } from '../params.ts';
import { type JsonSchema, list, object, TEXT } from '../reference/json-schema.ts';

/** Prometheus' query API: what its routes take and answer. */

const TIME_HELP = 'Seconds since 1970, or RFC 3339.';
const DURATION_HELP = 'Seconds, or 15s, 5m, 1h30m.';
const QUERY = {
  help: 'PromQL, as far as server/PROMQL.md has it.',
  required: true,
} as const satisfies TextParam;
const LIMIT = {
  help: 'Entries of the answer at most; 0 stands for all.',
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  default: 0,
} as const satisfies IntegerParam;
const OPTIONS = {
  timeout: { help: `The query ends after it. ${DURATION_HELP}` },
  limit: LIMIT,
  lookback_delta: { help: `How far back a value without a range looks. ${DURATION_HELP}` },
} as const satisfies Params;
const MATCHES = {
  many: true,
  help: 'Selector of series; any number of them.',
} as const satisfies ListParam;
const LISTED = {
  start: { help: `Beginning; an hour before the end, if left out. ${TIME_HELP}` },
  end: { help: `End; now, if left out. ${TIME_HELP}` },
  limit: LIMIT,
} as const satisfies Params;

function success(data: JsonSchema): Readonly<Record<number, Answer>> {
  return {
    200: {
      help: "In Prometheus' envelope.",
      content: {
        'application/json': {
          ...object({ status: { type: 'string', enum: ['success'] }, data }),
        },
      },
    },
  };
}

export const PROM_QUERY = operation({
  group: 'Prometheus',
  summary: 'PromQL at a time',
  params: { query: QUERY, time: { help: `Now, if left out. ${TIME_HELP}` }, ...OPTIONS },
  answers: success({ type: 'object' }),
});

export const PROM_QUERY_RANGE = operation({
  group: 'Prometheus',
  summary: 'PromQL over time',
  params: {
    query: QUERY,
    start: { help: `First point. ${TIME_HELP}`, required: true },
    end: { help: `No point is after it. ${TIME_HELP}`, required: true },
    step: {
      help: `Between points, of which there are 11000 at most. ${DURATION_HELP}`,
      required: true,
    },
    ...OPTIONS,
  },
  answers: success({ type: 'object' }),
});

export const PROM_FORMAT_QUERY = operation({
  group: 'Prometheus',
  summary: 'PromQL, laid out',
  params: { query: QUERY },
  answers: success(TEXT),
});

export const PROM_BUILDINFO = operation({
  group: 'Prometheus',
  summary: 'The Prometheus whose API this is',
  params: {},
  answers: success({ type: 'object' }),
});

export const PROM_SERIES = operation({
  group: 'Prometheus',
  summary: 'Series',
  params: { 'match[]': { ...MATCHES, required: true }, ...LISTED },
  answers: success(list({ type: 'object', additionalProperties: TEXT })),
});

export const PROM_LABELS = operation({
  group: 'Prometheus',
  summary: 'Names of labels',
  params: { 'match[]': MATCHES, ...LISTED },
  answers: success(list(TEXT)),
});

export const PROM_LABEL_VALUES = operation({
  group: 'Prometheus',
  summary: 'Values of a label',
  path: { name: 'Name of the label.' },
  params: { 'match[]': MATCHES, ...LISTED },
  answers: success(list(TEXT)),
});

export const PROM_METADATA = operation({
  group: 'Prometheus',
  summary: 'What metrics are',
  params: {
    metric: { help: 'Only of this one.' },
    limit: LIMIT,
    limit_per_metric: { ...LIMIT, help: 'There is one entry a metric: any will do.' },
  },
  answers: success({ type: 'object' }),
});
