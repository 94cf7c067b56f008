import type { DescEnum } from '@bufbuild/protobuf';
import {
  formatProfileType,
  formatSelector,
  type Matcher,
  parseProfileType,
  parseSelector,
  type Selector,
} from '@bunsen/profile';
import type { StackFrameFilter, StackTraceSelector } from '@bunsen/proto/types/v1/types';
import type { HandlerContext } from '@connectrpc/connect';
import { BunsenError } from '../errors.ts';
import { type ProfileKey, parseProfileId } from '../query/profile-id.ts';
import { regexesOf, type StackSelector } from '../query/stack-selector.ts';
import { HOUR_MS, parseTime, type TimeRange } from '../time.ts';
import { MOST_MAX_NODES } from './flame-operations.ts';
import { DEFAULT_FLAME_NODES } from './pyroscope-params.ts';

/** Fields that requests of `querier.v1.QuerierService` have in common, as our own queries take them. */

/**
 * Selectors that must all match, as one query. A type in front of the braces is a condition on the
 * type, as Grafana's variables have it, and a name there one on `__name__`, as in Prometheus.
 * @throws ProfileError `SELECTOR_MALFORMED`, `PROFILE_TYPE_MALFORMED`
 */
export function queryOfMatchers(matchers: string[]): string {
  return formatSelector({
    profileType: '',
    matchers: matchers.flatMap((text) => conditionsOf(parseSelector(text))),
  });
}

/**
 * `type{matchers}` of a request for profiles of one type.
 * @throws ProfileError `SELECTOR_MALFORMED` also if the selector is empty, `PROFILE_TYPE_MALFORMED`
 */
export function queryOf(request: { profileTypeID: string; labelSelector: string }): string {
  return formatSelector({
    profileType: formatProfileType(parseProfileType(request.profileTypeID)),
    matchers: conditionsOf(parseSelector(request.labelSelector)),
  });
}

function conditionsOf({ profileType, matchers }: Selector): Matcher[] {
  if (profileType === '') return matchers;
  const of: Matcher = profileType.includes(':')
    ? {
        name: '__profile_type__',
        operator: '=',
        value: formatProfileType(parseProfileType(profileType)),
      }
    : { name: '__name__', operator: '=', value: profileType };
  return [of, ...matchers];
}

interface Bounds {
  start: bigint;
  end: bigint;
}

/** @throws BunsenError `PARAMETER_INVALID` also if one is missing, `RANGE_EMPTY` */
export function rangeOf({ start, end }: Bounds): TimeRange {
  for (const [name, ms] of [
    ['start', start],
    ['end', end],
  ] as const) {
    if (ms === 0n) {
      throw new BunsenError(
        'PARAMETER_INVALID',
        `${name} is missing: give milliseconds since 1970, as for the other end of the range`,
      );
    }
  }
  return rangeBetween({ start, end });
}

/** For what is asked without a range as well, by variables of dashboards: then it is the last hour. */
export function rangeOrLastHour({ start, end }: Bounds): TimeRange {
  if (start !== 0n || end !== 0n) return rangeBetween({ start, end });
  const untilMs = Date.now();
  return { fromMs: untilMs - HOUR_MS, untilMs };
}

function rangeBetween({ start, end }: Bounds): TimeRange {
  const fromMs = parseTime('start', String(start), 0);
  const untilMs = parseTime('end', String(end), 0);
  if (untilMs <= fromMs) {
    throw new BunsenError('RANGE_EMPTY', `end=${end} is not after start=${start}`);
  }
  return { fromMs, untilMs };
}

/** Whether the client takes label names that old versions of Prometheus do not, such as those with dots. */
export function takesAnyName({ requestHeader }: HandlerContext): boolean {
  return (requestHeader.get('accept') ?? '')
    .split(',')
    .some((type) => /;\s*allow-utf8-labelnames=true\s*(;|$)/.test(type));
}

/** The label names that such a client may be given. */
export function isOldName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** What the reader should know, as headers: messages have no place for it. */
export function warn({ responseHeader }: HandlerContext, warnings: string[]): void {
  for (const warning of warnings) {
    responseHeader.append('bunsen-warning', warning.replace(/[^ -~]/g, '?'));
  }
}

/**
 * 0 stands for the default.
 * @throws BunsenError `PARAMETER_INVALID`
 */
export function maxNodesOf(
  maxNodes: bigint | undefined,
  { fallback, most } = { fallback: DEFAULT_FLAME_NODES, most: MOST_MAX_NODES },
): number {
  const asked = maxNodes ?? 0n;
  if (asked < 0n || asked > most) {
    throw new BunsenError('PARAMETER_INVALID', `max_nodes=${asked} is not from 0 to ${most}`);
  }
  return Number(asked) || fallback;
}

/** Of a filter of frames, all of its lists together. */
const MOST_FRAMES = 100;
const MOST_FRAMES_LENGTH = 65_536;

/** @throws BunsenError `PARAMETER_INVALID` */
export function stackSelectorOf(
  selector: StackTraceSelector | undefined,
): StackSelector | undefined {
  if (!selector) return undefined;
  const { callSite, goPgo, frameFilter } = selector;
  if (frameFilter) checkFrames(frameFilter);
  return { callSite: callSite.map(({ name }) => name), goPgo, frames: frameFilter };
}

function checkFrames(filter: StackFrameFilter): void {
  const { includeFunctionNames, excludeFunctionNames } = filter;
  const texts = [
    ...includeFunctionNames,
    ...excludeFunctionNames,
    ...regexesOf({ frames: filter }),
  ];
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  for (const [what, asked, most] of [
    ['names and regular expressions', texts.length, MOST_FRAMES],
    ['characters', length, MOST_FRAMES_LENGTH],
  ] as const) {
    if (asked <= most) continue;
    throw new BunsenError(
      'PARAMETER_INVALID',
      `stack_trace_selector.frame_filter has ${asked} ${what}; at most ${most} are allowed`,
    );
  }
}

const MOST_IDS = 1_000;

/** The spans that a request names. */
export function spansOf(ids: string[]): bigint[] | undefined {
  const wrong = 'is not of 16 hexadecimal digits, one of them not 0';
  return idsOf('span_selector', ids, wrong, (id) =>
    isHexId(id, 16) ? BigInt(`0x${id}`) : undefined,
  );
}

/** The traces that a request names. */
export function tracesOf(ids: string[]): string[] | undefined {
  const wrong = 'is not of 32 hexadecimal digits, one of them not 0';
  return idsOf('trace_id_selector', ids, wrong, (id) => (isHexId(id, 32) ? id : undefined));
}

/** An id of zeros is none, as in OpenTelemetry. */
function isHexId(id: string, digits: number): boolean {
  return id.length === digits && /^[0-9A-Fa-f]+$/.test(id) && !/^0+$/.test(id);
}

/** The profiles that a request names. */
export function profilesOf(ids: string[]): ProfileKey[] | undefined {
  const wrong = 'is not the id of a profile here: take it from an exemplar';
  return idsOf('profile_id_selector', ids, wrong, parseProfileId);
}

/**
 * @returns undefined if there are none: then the request is about all samples
 * @throws BunsenError `PARAMETER_INVALID`
 */
function idsOf<Id>(
  field: string,
  ids: string[],
  wrong: string,
  parse: (id: string) => Id | undefined,
): Id[] | undefined {
  if (ids.length > MOST_IDS) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `${field} has ${ids.length} ids; at most ${MOST_IDS} are allowed`,
    );
  }
  if (ids.length === 0) return undefined;
  return ids.map((id, index) => {
    const parsed = parse(id);
    if (parsed !== undefined) return parsed;
    const shown = JSON.stringify(id.slice(0, 80));
    throw new BunsenError('PARAMETER_INVALID', `${field}[${index}] ${shown} ${wrong}`);
  });
}

/** Of an enum, as they are in requests. */
export function enumNames({ values }: DescEnum): string {
  return values.map(({ name }) => name).join(', ');
}

/**
 * Fields that are not there yet, by their names in the protocol.
 * @throws BunsenError `NOT_IMPLEMENTED` for the first one that is set
 */
export function refuse(fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    throw new BunsenError('NOT_IMPLEMENTED', `${name} is not supported: leave it out`);
  }
}
