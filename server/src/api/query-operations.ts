import type {
  Deletion,
  DeletionsResponse,
  FunctionCostsResponse,
  FunctionsResponse,
  LabelDifferencesResponse,
  LabelNamesResponse,
  LabelValuesResponse,
  ProfileTypesResponse,
  SeriesResponse,
  ServicesResponse,
} from '@bunsen/profile';
import { type Answer, operation } from '../operation.ts';
import type { Params, TextParam } from '../params.ts';
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

const MAX_STEP_MS = 366 * 86_400_000;
export const MAX_GROUP_BY = 8;
const DEFAULT_FUNCTIONS = 100;
const MAX_FUNCTIONS = 10_000;
const DEFAULT_VALUES = 100;
const MAX_VALUES = 1000;
const QUERY_EXAMPLE = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="api"}';
const TIME_HELP = 'Milliseconds since 1970, `now`, or `now-1h` (units ms, s, m, h, d, w).';

export const QUERY = {
  help: 'Profile type and matchers of labels.',
  required: true,
  example: QUERY_EXAMPLE,
} as const satisfies TextParam;
const MATCHERS = {
  help: 'Only of series that match; a profile type in front is one condition more.',
  default: '{}',
} as const satisfies TextParam;
export const RANGE = {
  from: { help: `Beginning, inclusive. ${TIME_HELP}`, default: 'now-1h' },
  until: { help: `End, exclusive. ${TIME_HELP}`, default: 'now' },
} as const satisfies Params;
export const FUNCTION = {
  help: 'Name of a function, as a flame graph has it.',
  required: true,
} as const satisfies TextParam;
export const MODULE = { help: 'Its module; any, if left out.' } as const satisfies TextParam;

export const UNIT: JsonSchema = { ...TEXT, description: 'Of all values, such as `nanoseconds`.' };
export const WARNINGS = list(
  TEXT,
  'What the reader should know, such as a label that no series has.',
);
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

export const LABEL_DIFFERENCES = operation({
  group: 'Queries',
  summary: 'Values of a label that are least like the rest',
  help: 'By what they spend in which function. Only of times of which there are samples.',
  params: {
    query: QUERY,
    ...RANGE,
    label: { help: 'Name of the label.', required: true, example: 'host' },
    limit: { help: 'Values at most.', min: 1, max: MAX_VALUES, default: DEFAULT_VALUES },
  },
  answers: {
    200: json(
      object<LabelDifferencesResponse>({
        profileType: TEXT,
        label: TEXT,
        unit: UNIT,
        fromMs: TIME_MS,
        untilMs: TIME_MS,
        total: NUMBER,
        values: list(
          object<LabelDifferencesResponse['values'][number]>({
            value: { ...TEXT, description: 'Empty for series without the label.' },
            total: NUMBER,
            distance: {
              ...NUMBER,
              description:
                'Part of its total that it spends in other functions than all other values together: half the sum of the differences of shares.',
            },
            chance: {
              ...NUMBER,
              description: 'What that would be on average if there were no difference.',
            },
            functions: list(
              object<LabelDifferencesResponse['values'][number]['functions'][number]>({
                name: TEXT,
                module: TEXT,
                share: NUMBER,
                restShare: NUMBER,
              }),
              'The three with the largest differences, of those that it has.',
            ),
          }),
          'By `distance` - `chance`, the largest first.',
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
  help: 'Whole slots of 15 s, and whole hours or days where only those are left: `now` and `now-1h` are widened to that, and milliseconds must be such. The answer has the range that was taken. It goes on when the client goes away.',
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
