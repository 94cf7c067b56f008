import { LABEL_LIMITS, type LabelLimits, ProfileError, type ProfileLimits } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { DAY_MS, MINUTE_MS } from '../time.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

interface Limit {
  /** Environment variable. */
  name: string;
  default: number;
  min: number;
  max?: number;
  /** For people: of what, with its unit, and why the default is what it is. */
  help: string;
}

/** What one request may hold. Each is an option (config.ts), and is named by the error about it. */
export const LIMITS = {
  bodyBytes: {
    name: 'BUNSEN_MAX_BODY_BYTES',
    default: 32 * MIB,
    min: 1,
    help: 'Body of a push as sent. A window of a busy host has 0.1 to 1 MiB.',
  },
  profileBytes: {
    name: 'BUNSEN_MAX_PROFILE_BYTES',
    default: 64 * MIB,
    min: 1,
    max: GIB,
    help: 'A profile after decompression, which stops there.',
  },
  values: {
    name: 'BUNSEN_MAX_VALUES',
    default: 1_000_000,
    min: 1,
    max: 1_000_000,
    help: 'Values of a push, samples times sample types: what fits into one insert. For each, 4 messages, lists, objects or labels may be sent.',
  },
  series: {
    name: 'BUNSEN_MAX_SERIES',
    default: 10_000,
    min: 1,
    help: 'Series of a push, that is distinct label sets. More come from a label that is no label.',
  },
  labels: {
    name: 'BUNSEN_MAX_LABELS',
    default: LABEL_LIMITS.labels,
    min: 1,
    help: 'Labels of a series. Agents leave out what is beyond 64.',
  },
  sentLabels: {
    name: 'BUNSEN_MAX_SENT_LABELS',
    default: 256,
    min: 1,
    help: 'Labels of a sample or a series as sent, with those that are not stored, such as spans.',
  },
  labelNameBytes: {
    name: 'BUNSEN_MAX_LABEL_NAME_BYTES',
    default: LABEL_LIMITS.labelNameBytes,
    min: 16,
    help: "Bytes of a label's name.",
  },
  labelValueBytes: {
    name: 'BUNSEN_MAX_LABEL_VALUE_BYTES',
    default: LABEL_LIMITS.labelValueBytes,
    min: 16,
    help: "Bytes of a label's value. Agents cut theirs at 2048.",
  },
  tableEntries: {
    name: 'BUNSEN_MAX_TABLE_ENTRIES',
    default: 1_000_000,
    min: 1,
    help: 'Entries of a table of a profile: strings, functions, locations, attributes, nodes of a tree.',
  },
  stackDepth: {
    name: 'BUNSEN_MAX_STACK_DEPTH',
    default: 2048,
    min: 1,
    help: 'Frames of a stack. Deeper ones are refused, not cut: a stack that was cut is a wrong stack.',
  },
  stackFrames: {
    name: 'BUNSEN_MAX_STACK_FRAMES',
    default: 1 << 25,
    min: 1024,
    max: 1 << 26,
    help: 'Frames of all stacks of a profile together: some kilobytes may refer to one location millions of times.',
  },
  frameBytes: {
    name: 'BUNSEN_MAX_FRAME_BYTES',
    default: 16_384,
    min: 1,
    help: 'Bytes of a frame: name, module, file, line and build ID. C++ templates reach some thousand.',
  },
  textChars: {
    name: 'BUNSEN_MAX_TEXT_CHARS',
    default: 1 << 27,
    min: 1024,
    help: 'Characters of all frames of a profile, or of the labels of all its series: many of them may refer to one string.',
  },
  nesting: {
    name: 'BUNSEN_MAX_NESTING',
    default: 100,
    min: 16,
    max: 1000,
    help: 'Messages, lists, objects or classes of a push in each other. What is well-formed has some ten; one that contains itself has no end.',
  },
  ageMs: {
    name: 'BUNSEN_MAX_AGE_MS',
    default: 7 * DAY_MS,
    min: 0,
    help: 'How old a profile may be. At least a day less than samples are kept.',
  },
  aheadMs: {
    name: 'BUNSEN_MAX_AHEAD_MS',
    default: 10 * MINUTE_MS,
    min: 0,
    max: DAY_MS,
    help: "How far a profile may be ahead of the server's clock.",
  },
  cumulativeBytes: {
    name: 'BUNSEN_CUMULATIVE_BYTES',
    default: 64 * MIB,
    min: 0,
    help: 'Last profiles of the series whose values are sums since the program started, to take the difference to. 0, as with CLICKHOUSE_URL unless it is set, keeps none and refuses them: other servers may get some.',
  },
} as const satisfies Record<string, Limit> & Record<keyof (ProfileLimits & LabelLimits), Limit>;

export type LimitName = keyof typeof LIMITS;
export type IngestLimits = Record<LimitName, number>;

/**
 * Messages of protobuf, or lists and objects of JSON, that a request may have for each value that it may
 * have. What is well-formed has less.
 */
export const MESSAGES_PER_VALUE = 4;

/**
 * Error about more of something than a limit allows.
 * @param times how often the limit is allowed
 */
export function tooMany(
  count: number | 'more',
  what: string,
  limits: IngestLimits,
  limit: LimitName,
  times = 1,
): BunsenError {
  const { name } = LIMITS[limit];
  const setting = times === 1 ? name : `${times} times ${name}`;
  return new BunsenError(
    'PROFILE_TOO_LARGE',
    `the profile has ${count} ${what}; at most ${limits[limit] * times} are allowed (${setting}): send a shorter window, or raise the limit`,
  );
}

/** Error about a stack. @param what it is, with the number of its frames if that is known */
export function tooDeep(what: string, { stackDepth }: IngestLimits): BunsenError {
  const { name } = LIMITS.stackDepth;
  return new BunsenError(
    'STACK_TOO_DEEP',
    `${what} frames; at most ${stackDepth} are allowed (${name}): raise the limit, or cut at the source`,
  );
}

/** @param text of the frame, or as much of it as is at hand */
export function frameTooLong(text: string, bytes: number, limits: IngestLimits): BunsenError {
  const { name } = LIMITS.frameBytes;
  return new BunsenError(
    'STRING_TOO_LONG',
    `the function ${JSON.stringify(text.slice(0, 80))}… has ${bytes} bytes; at most ${limits.frameBytes} are allowed (${name})`,
  );
}

/** An error about a limit of `@bunsen/profile`, with the option that sets it. */
export function withOption(error: unknown): unknown {
  if (!(error instanceof ProfileError) || error.limit === undefined) return error;
  const message = `${error.message} (${LIMITS[error.limit].name})`;
  const { code } = error;
  return code === 'PPROF_LIMIT'
    ? new BunsenError('PROFILE_TOO_LARGE', `${message}: send a shorter window, or raise the limit`)
    : new BunsenError(code, message, { cause: error });
}
