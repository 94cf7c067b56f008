import { type Answer, operation } from '../operation.ts';
import type { IntegerParam, Params, TextParam } from '../params.ts';
import { list, TEXT } from '../reference/json-schema.ts';
import { MOST_MAX_NODES } from './flame-operations.ts';

/** The read side of Pyroscope over HTTP: what its routes take and answer. */

const TIME_HELP =
  'Seconds since 1970 (or ms, µs, ns by the number of digits), `YYYYMMDD`, `now`, or `now-1h`.';
const UNTIL_HELP = `End, exclusive; now, if left out. ${TIME_HELP}`;
const QUERY = {
  help: 'Profile type and matchers of labels.',
  required: true,
  example: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="api"}',
} as const satisfies TextParam;
const FROM = {
  help: `Beginning, inclusive. ${TIME_HELP}`,
  required: true,
} as const satisfies TextParam;
const UNTIL = { help: UNTIL_HELP } as const satisfies TextParam;
const NODES = {
  help: 'Nodes of the tree, or functions of the call graph; 0 stands for the default.',
  min: 0,
  max: MOST_MAX_NODES,
} as const satisfies IntegerParam;
const MAX_NODES = {
  'max-nodes': NODES,
  maxNodes: { ...NODES, help: 'The same as `max-nodes`.' },
} as const satisfies Params;

const FLAMEBEARER: Answer = {
  help: "Pyroscope's flamebearer; warnings are in the header `bunsen-warning`.",
  content: { 'application/json': { type: 'object' } },
};
const TEXTS: Answer = { help: 'In byte order.', content: { 'application/json': list(TEXT) } };

export const RENDER = operation({
  group: 'Pyroscope',
  summary: 'Flame graph and timeline',
  params: {
    query: QUERY,
    from: FROM,
    until: UNTIL,
    groupBy: { help: 'Name of one label: a timeline for each of its values.', default: '' },
    aggregation: {
      help: 'Of the totals of profiles in a step of the timeline.',
      choices: ['sum', 'avg', 'average'],
      default: 'sum',
    },
    format: {
      help: 'dot is the call graph.',
      choices: ['json', 'dot'],
      default: 'json',
      code: 'FORMAT_UNSUPPORTED',
    },
    ...MAX_NODES,
  },
  answers: {
    200: { ...FLAMEBEARER, content: { ...FLAMEBEARER.content, 'text/vnd.graphviz': undefined } },
  },
});

export const RENDER_DIFF = operation({
  group: 'Pyroscope',
  summary: 'Two selections as one flame graph',
  params: {
    leftQuery: QUERY,
    leftFrom: FROM,
    leftUntil: UNTIL,
    rightQuery: QUERY,
    rightFrom: FROM,
    rightUntil: UNTIL,
    format: { help: 'Only json.', choices: ['json'], default: 'json', code: 'FORMAT_UNSUPPORTED' },
    ...MAX_NODES,
  },
  answers: { 200: FLAMEBEARER },
});

const LISTED = {
  query: { help: 'Only of series that match.' },
  from: { help: `Beginning, inclusive; the last hour, if neither end is given. ${TIME_HELP}` },
  until: UNTIL,
} as const satisfies Params;

export const PYROSCOPE_LABEL_NAMES = operation({
  group: 'Pyroscope',
  summary: 'Names of labels',
  params: LISTED,
  answers: { 200: TEXTS },
});

export const PYROSCOPE_LABEL_VALUES = operation({
  group: 'Pyroscope',
  summary: 'Values of a label',
  params: {
    label: { help: 'Its name; values of `__name__` are profile types.', required: true },
    ...LISTED,
  },
  answers: { 200: TEXTS },
});
