import {
  type Deletion,
  type DeletionsResponse,
  type DiffMeta,
  type DiffResponse,
  type DiffSide,
  FLAME_CONTENT_TYPE,
  type FlameJson,
  type FunctionCostsResponse,
  type FunctionsResponse,
  type LabelNamesResponse,
  type LabelValuesResponse,
  type ProfileTypesResponse,
  type SeriesResponse,
  type ServicesResponse,
} from '@bunsen/profile';
import { type Answer, operation } from '../operation.ts';
import type { Params, TextParam } from '../params.ts';
import { EXPORT_FORMATS } from '../query/exports/export-form.ts';
import {
  INTEGER,
  type JsonSchema,
  LABELS,
  list,
  NUMBER,
  object,
  TEXT,
  TIME_MS,
} from '../reference/json-schema.ts';

/** Bunsen's own API: what its routes take and answer. */

/** Nodes of a flame graph: more than a screen has pixels to show, few enough to draw at once. */
export const DEFAULT_MAX_NODES = 16_384;
export const MOST_MAX_NODES = 1_048_576;
const MAX_STEP_MS = 366 * 86_400_000;
export const MAX_GROUP_BY = 8;
const DEFAULT_FUNCTIONS = 100;
const MAX_FUNCTIONS = 10_000;
/** Functions of a call graph: pprof's default, and what Graphviz still lays out in seconds. */
export const DOT_NODES = { default: 80, most: 2_000 };
/** Nodes of a picture of a flame graph: some hundred bytes each. */
export const SVG_NODES = { default: 4_096, most: 65_536 };

const QUERY_EXAMPLE = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="api"}';
const TIME_HELP = 'Milliseconds since 1970, `now`, or `now-1h` (units ms, s, m, h, d, w).';

const QUERY = {
  help: 'Profile type and matchers of labels.',
  required: true,
  example: QUERY_EXAMPLE,
} as const satisfies TextParam;
const MATCHERS = {
  help: 'Only of series that match; a profile type in front is one condition more.',
  default: '{}',
} as const satisfies TextParam;
const RANGE = {
  from: { help: `Beginning, inclusive. ${TIME_HELP}`, default: 'now-1h' },
  until: { help: `End, exclusive. ${TIME_HELP}`, default: 'now' },
} as const satisfies Params;
const MAX_NODES = {
  help: 'Nodes of the tree; smaller ones are merged into `other`.',
  min: 1,
  max: MOST_MAX_NODES,
  default: DEFAULT_MAX_NODES,
} as const;
const FUNCTION = {
  help: 'Name of a function, as a flame graph has it.',
  required: true,
} as const satisfies TextParam;
const MODULE = { help: 'Its module; any, if left out.' } as const satisfies TextParam;

const UNIT: JsonSchema = { ...TEXT, description: 'Of all values, such as `nanoseconds`.' };
const WARNINGS = list(TEXT, 'What the reader should know, such as a label that no series has.');
const FRAMES = list(object<FlameJson['frames'][number]>({ name: TEXT, module: TEXT }));
const COLUMN = list(NUMBER);
const FRAME_COLUMN = list(INTEGER, 'Index into `frames`; -1 for the root.');

function json(schema: JsonSchema, help = 'What was asked for.'): Answer {
  return { help, content: { 'application/json': schema } };
}

export const PROFILE_TYPES = operation({
  group: 'Queries',
  summary: 'Profile types that there are',
  params: RANGE,
  answers: {
    200: json(
      object<ProfileTypesResponse>({
        profileTypes: list(
          object<ProfileTypesResponse['profileTypes'][number]>({
            id: TEXT,
            sampleType: TEXT,
            sampleUnit: TEXT,
          }),
        ),
      }),
    ),
  },
});

export const SERVICES = operation({
  group: 'Queries',
  summary: 'Services with profiles of a type',
  params: {
    type: {
      help: 'Profile type.',
      required: true,
      example: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
    },
    ...RANGE,
  },
  answers: {
    200: json(
      object<ServicesResponse>({
        services: list(
          object<ServicesResponse['services'][number]>({
            service: TEXT,
            total: NUMBER,
            series: INTEGER,
            lastSeenMs: TIME_MS,
          }),
          'By total, largest first.',
        ),
        unit: UNIT,
      }),
    ),
  },
});

export const LABEL_NAMES = operation({
  group: 'Queries',
  summary: 'Names of labels',
  params: { query: MATCHERS, ...RANGE },
  answers: {
    200: json(
      object<LabelNamesResponse>({
        labels: list(
          object<LabelNamesResponse['labels'][number]>({ name: TEXT, values: INTEGER }),
          'In byte order, with the number of distinct values.',
        ),
      }),
    ),
  },
});

export const LABEL_VALUES = operation({
  group: 'Queries',
  summary: 'Values of a label',
  path: { name: 'Name of the label.' },
  params: { query: MATCHERS, ...RANGE },
  answers: {
    200: json(
      object<LabelValuesResponse>({ values: list(TEXT, 'In byte order.'), warnings: WARNINGS }),
    ),
  },
});

export const SERIES = operation({
  group: 'Queries',
  summary: 'Sums over time',
  help: 'With `function`: of the samples that have it in their stack, as long as samples are kept. Then `stepMs` is a multiple of 15000.',
  params: {
    query: QUERY,
    ...RANGE,
    stepMs: {
      help: 'Width of a point; one that fits the range, if left out.',
      min: 1,
      max: MAX_STEP_MS,
    },
    groupBy: {
      help: `Names of labels, separated by commas, at most ${MAX_GROUP_BY}: a series for each combination of their values.`,
      default: '',
    },
    function: { help: 'Name of a function.' },
    module: MODULE,
  },
  answers: {
    200: json(
      object<SeriesResponse>({
        unit: UNIT,
        fromMs: TIME_MS,
        untilMs: TIME_MS,
        stepMs: INTEGER,
        series: list(
          object<SeriesResponse['series'][number]>({
            labels: LABELS,
            values: list({ type: ['number', 'null'] }),
          }),
          'By sum, largest first. Value i is the sum from fromMs + i * stepMs on, for stepMs; null if there is no data.',
        ),
        warnings: WARNINGS,
      }),
    ),
  },
});

export const FUNCTIONS = operation({
  group: 'Queries',
  summary: 'Functions that cost most',
  help: 'The range is widened to whole minutes or hours.',
  params: {
    query: QUERY,
    ...RANGE,
    name: { help: 'Regular expression (RE2), found anywhere in a name.', default: '' },
    orderBy: {
      help: 'What the first ones have most of.',
      choices: ['self', 'total'],
      default: 'total',
    },
    limit: { help: 'Functions at most.', min: 1, max: MAX_FUNCTIONS, default: DEFAULT_FUNCTIONS },
  },
  answers: {
    200: json(
      object<FunctionsResponse>({
        profileType: TEXT,
        unit: UNIT,
        fromMs: TIME_MS,
        untilMs: TIME_MS,
        total: { ...NUMBER, description: 'Of the whole selection: what shares are of.' },
        functions: list(
          object<FunctionsResponse['functions'][number]>({
            name: TEXT,
            module: TEXT,
            self: NUMBER,
            total: NUMBER,
          }),
        ),
        warnings: WARNINGS,
      }),
    ),
  },
});

export const FUNCTION_COSTS = operation({
  group: 'Queries',
  summary: 'One function by service and version',
  help: 'The range is widened to whole minutes or hours.',
  params: { query: QUERY, ...RANGE, function: FUNCTION, module: MODULE },
  answers: {
    200: json(
      object<FunctionCostsResponse>({
        profileType: TEXT,
        unit: UNIT,
        fromMs: TIME_MS,
        untilMs: TIME_MS,
        costs: list(
          object<FunctionCostsResponse['costs'][number]>({
            service: TEXT,
            version: TEXT,
            self: NUMBER,
            total: NUMBER,
            whole: NUMBER,
          }),
          '`whole` is of all functions of the version: what shares are of.',
        ),
        warnings: WARNINGS,
      }),
    ),
  },
});

const DELETION = object<Deletion>({
  id: TEXT,
  query: TEXT,
  fromMs: TIME_MS,
  untilMs: TIME_MS,
  requestedMs: TIME_MS,
  state: { type: 'string', enum: ['running', 'done'] },
});

export const DELETE_PROFILES = operation({
  group: 'Profiles',
  summary: 'Delete profiles',
  help: 'Whole slots of 15 s, and whole hours or days where only those are left. It goes on when the client goes away.',
  params: {
    from: { help: RANGE.from.help, required: true },
    until: { help: RANGE.until.help, required: true },
    query: { ...QUERY, help: 'Matchers of labels; without a profile type, profiles of all types.' },
  },
  answers: {
    200: json(DELETION, 'All is deleted.'),
    202: json(DELETION, 'It goes on.'),
  },
});

export const DELETIONS = operation({
  group: 'Profiles',
  summary: 'Deletions that were asked for',
  params: {},
  answers: {
    200: json(
      object<DeletionsResponse>({ deletions: list(DELETION, 'The latest first, at most 1000.') }),
    ),
  },
});

const FLAME: Answer = {
  help: 'JSON, or the binary form for who accepts it. Nodes are columns, in preorder.',
  content: {
    'application/json': object<FlameJson>({
      profileType: TEXT,
      unit: UNIT,
      fromMs: TIME_MS,
      untilMs: TIME_MS,
      foldedNodes: { ...INTEGER, description: 'Nodes that were merged into `other`.' },
      foldedValue: { ...NUMBER, description: 'What these held.' },
      warnings: WARNINGS,
      frames: FRAMES,
      nodes: object<FlameJson['nodes']>({
        depth: COLUMN,
        frame: FRAME_COLUMN,
        self: COLUMN,
        total: COLUMN,
      }),
    }),
    [FLAME_CONTENT_TYPE]: undefined,
  },
};

export const FLAMEGRAPH = operation({
  group: 'Queries',
  summary: 'Flame graph',
  params: { query: QUERY, ...RANGE, maxNodes: MAX_NODES },
  answers: { 200: FLAME },
});

export const FOCUSED = {
  callees: operation({
    group: 'Queries',
    summary: 'What a function calls',
    help: 'Below the root stands the function. A stack counts once: it is parted where the function occurs first, seen from the root.',
    params: { ...FLAMEGRAPH.params, function: FUNCTION, module: MODULE },
    answers: { 200: FLAME },
  }),
  callers: operation({
    group: 'Queries',
    summary: 'What calls a function',
    help: 'Below the root stands the function, below it its callers.',
    params: { ...FLAMEGRAPH.params, function: FUNCTION, module: MODULE },
    answers: { 200: FLAME },
  }),
};

const SIDE = object<DiffSide>({ fromMs: TIME_MS, untilMs: TIME_MS });

export const DIFF = operation({
  group: 'Queries',
  summary: 'Two selections as one flame graph',
  params: {
    left: { ...QUERY, help: 'Profile type and matchers of the left side.' },
    leftFrom: RANGE.from,
    leftUntil: RANGE.until,
    right: { ...QUERY, help: 'Of the right side; the profile type is the same.' },
    rightFrom: RANGE.from,
    rightUntil: RANGE.until,
    maxNodes: MAX_NODES,
  },
  answers: {
    200: {
      help: 'JSON, or the binary form for who accepts it. Nodes are columns, in preorder.',
      content: {
        'application/json': object<DiffResponse & DiffMeta>({
          profileType: TEXT,
          unit: UNIT,
          left: SIDE,
          right: SIDE,
          foldedNodes: INTEGER,
          foldedValue: NUMBER,
          warnings: WARNINGS,
          frames: FRAMES,
          nodes: object<DiffResponse['nodes']>({
            depth: COLUMN,
            frame: FRAME_COLUMN,
            leftSelf: COLUMN,
            leftTotal: COLUMN,
            rightSelf: COLUMN,
            rightTotal: COLUMN,
          }),
        }),
        [FLAME_CONTENT_TYPE]: undefined,
      },
    },
  },
});

export const EXPORT = operation({
  group: 'Queries',
  summary: 'Selection as a file',
  params: {
    query: QUERY,
    ...RANGE,
    format: { help: 'What other tools read.', required: true, choices: EXPORT_FORMATS },
    maxNodes: {
      help: `For dot (functions, ${DOT_NODES.default} if left out, at most ${DOT_NODES.most}) and svg (nodes, ${SVG_NODES.default} if left out); the others have everything.`,
      min: 1,
      max: SVG_NODES.most,
    },
  },
  answers: {
    200: {
      help: 'By `format`.',
      content: {
        'application/gzip': undefined,
        'text/plain': undefined,
        'application/json': {},
        'text/vnd.graphviz': undefined,
        'image/svg+xml': undefined,
      },
    },
  },
});

export const PPROF = operation({
  group: 'Queries',
  summary: 'Selection as a pprof',
  help: 'The same as export with format=pprof.',
  params: { query: QUERY, ...RANGE },
  answers: { 200: { help: 'A gzipped pprof.', content: { 'application/gzip': undefined } } },
});
