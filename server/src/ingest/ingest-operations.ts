import { IDEMPOTENCY_KEY, type PushResponse } from '@bunsen/profile';
import { operation } from '../operation.ts';
import { FLAG, INTEGER, object } from '../reference/json-schema.ts';
import { DEFAULT_SAMPLE_RATE } from './profile-types.ts';

/** The ways in over HTTP: what their routes take and answer. */

const HEADERS = {
  [IDEMPOTENCY_KEY]:
    'Text of 1 to 256 bytes: a request that is sent again with the same one counts once.',
  'content-encoding': 'gzip, or none.',
};

export const PPROF_TYPES = [
  'application/octet-stream',
  'application/x-protobuf',
  'application/protobuf',
  'application/vnd.google.protobuf',
  'application/vnd.google.protobuf+gzip',
  'application/gzip',
];

export const PUSH = operation({
  group: 'Profiles',
  summary: 'A pprof whose samples have labels',
  help: 'Answers when all of it is durable.',
  params: {},
  headers: HEADERS,
  body: Object.fromEntries(PPROF_TYPES.map((type) => [type, 'A pprof, gzipped or not.'])),
  answers: {
    200: {
      help: 'All is durable.',
      content: {
        'application/json': object<PushResponse>({
          samples: {
            ...INTEGER,
            description:
              'Samples that are now durable: those that were new, or all of a repeated request.',
          },
          duplicate: {
            ...FLAG,
            description: 'The key had been seen before: nothing was counted again.',
          },
        }),
      },
    },
  },
});

export const OTLP_TYPES = {
  'application/x-protobuf': 'protobuf',
  'application/protobuf': 'protobuf',
  'application/json': 'json',
} as const;

const OTLP_BODY = 'An ExportProfilesServiceRequest of version 1.9 or 1.10.';

export const OTLP_PUSH = operation({
  group: 'Profiles',
  summary: "OpenTelemetry's profiles",
  params: {},
  headers: HEADERS,
  body: Object.fromEntries(Object.keys(OTLP_TYPES).map((type) => [type, OTLP_BODY])),
  answers: {
    200: {
      help: 'All is durable. An empty ExportProfilesServiceResponse, in the type of the request.',
      content: {
        'application/json': { type: 'object' },
        'application/x-protobuf': undefined,
        'application/protobuf': undefined,
      },
    },
  },
});

const TIME_HELP =
  'Seconds since 1970 (or ms, µs, ns by the number of digits), `YYYYMMDD`, `now`, or `now-1h`.';
const MAX_SAMPLE_RATE = 1_000_000_000;

export const INGEST = operation({
  group: 'Profiles',
  summary: 'As Pyroscope has it',
  help: 'A multipart form has the part `profile`, and may have `sample_type_config` and `prev_profile`; with format=jfr `jfr`, and may have `labels`.',
  params: {
    name: {
      help: 'Application and labels.',
      required: true,
      example: 'app{key=value}',
      code: 'APP_NAME_MALFORMED',
    },
    from: { help: `Beginning of the profile. ${TIME_HELP}` },
    until: { help: `End of the profile. ${TIME_HELP}` },
    sampleRate: {
      help: 'Samples a second, where the body counts samples; 0 stands for the default.',
      min: 0,
      max: MAX_SAMPLE_RATE,
      default: DEFAULT_SAMPLE_RATE,
    },
    spyName: {
      help: 'Becomes the label `pyroscope_spy`. pyspy, rbspy and scripting put the file in front of the names of functions of a pprof; dotnetspy has types with underscores.',
    },
    format: {
      help: 'If left out: pprof in a form; otherwise as the content type says, or groups. The same as groups are folded and collapsed.',
      choices: [
        'pprof',
        'jfr',
        'speedscope',
        'groups',
        'folded',
        'collapsed',
        'lines',
        'tree',
        'trie',
      ],
      code: 'FORMAT_UNSUPPORTED',
    },
    units: {
      help: 'Of text: must be what the application name says. A pprof and a recording say it themselves, whatever stands here.',
    },
    aggregationType: {
      help: 'Of text: must be what the application name says. A pprof and a recording say it themselves, whatever stands here.',
      choices: ['sum', 'average', 'avg'],
    },
  },
  headers: HEADERS,
  body: {
    'multipart/form-data': 'The profile as a part.',
    '*/*': 'The profile as it is.',
  },
  answers: { 200: { help: 'All is durable.' } },
  bodyErrorStatus: 422,
});
