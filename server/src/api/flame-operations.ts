import {
  type DiffMeta,
  type DiffResponse,
  type DiffSide,
  FLAME_CONTENT_TYPE,
  type FlameJson,
} from '@bunsen/profile';
import { type Answer, operation } from '../operation.ts';
import { EXPORT_FORMATS } from '../query/exports/export-form.ts';
import { INTEGER, list, NUMBER, object, TEXT, TIME_MS } from '../reference/json-schema.ts';
import { FUNCTION, MODULE, QUERY, RANGE, UNIT, WARNINGS } from './query-operations.ts';

/** Flame graphs of Bunsen's own API, and selections as files: what their routes take and answer. */

/** Nodes of a flame graph: more than a screen has pixels to show, few enough to draw at once. */
export const DEFAULT_MAX_NODES = 16_384;
export const MOST_MAX_NODES = 1_048_576;
/** Functions of a call graph: pprof's default, and what Graphviz still lays out in seconds. */
export const DOT_NODES = { default: 80, most: 2_000 };
/** Nodes of a picture of a flame graph: some hundred bytes each. */
export const SVG_NODES = { default: 4_096, most: 65_536 };

const MAX_NODES = {
  help: 'Nodes of the tree; smaller ones are merged into `other`.',
  min: 1,
  max: MOST_MAX_NODES,
  default: DEFAULT_MAX_NODES,
} as const;
const FRAMES = list(object<FlameJson['frames'][number]>({ name: TEXT, module: TEXT }));
const COLUMN = list(NUMBER);
const FRAME_COLUMN = list(INTEGER, 'Index into `frames`; -1 for the root.');

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
