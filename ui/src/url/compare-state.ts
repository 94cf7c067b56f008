import { DIFF_VIEWS, type DiffView } from '@bunsen/flame';
import { formatSelector, type Matcher, parseSelector, SERVICE_NAME } from '@bunsen/profile';
import { earlierTime } from '../time/time-range.ts';

/** One side of a comparison: whose profiles, and when. */
export interface SideState {
  /** Empty for all services. */
  service: string;
  /** Conditions beside the service's name. */
  filters: Matcher[];
  /** As they were typed, as a page's own range. */
  from: string;
  until: string;
}

export const SCALES = ['share', 'absolute'] as const;
/** Shares of each side's total, or values a second: what a comparison is about. */
export type Scale = (typeof SCALES)[number];

export const CHANGE_KINDS = ['all', 'new', 'gone', 'more', 'less'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export const CHANGE_COLUMNS = ['name', 'left', 'right', 'change'] as const;
export type ChangeColumn = (typeof CHANGE_COLUMNS)[number];

export const MEASURES = ['self', 'total'] as const;
export type Measure = (typeof MEASURES)[number];

/** What the compare page shows. Left is A, what was before; right is B. */
export interface CompareState {
  left: SideState;
  right: SideState;
  view: DiffView;
  scale: Scale;
  /** What the table of changes lists. */
  measure: Measure;
  only: ChangeKind;
  by: ChangeColumn;
}

export const DEFAULT_COMPARE: CompareState = {
  left: { service: '', filters: [], from: 'now-1h', until: 'now-30m' },
  right: { service: '', filters: [], from: 'now-30m', until: 'now' },
  view: 'diff',
  scale: 'share',
  measure: 'self',
  only: 'all',
  by: 'change',
};

const VIEW_NAMES: Record<DiffView, string> = { diff: 'd', left: 'a', right: 'b' };

/** Reads the parameters of a comparison: `a`, `aFrom`, `aUntil`, the same of b, `show` and the rest. */
export function parseCompare(params: URLSearchParams): CompareState {
  const oneOf = <T extends string>(name: string, values: readonly T[], otherwise: T): T =>
    values.find((value) => value === params.get(name)) ?? otherwise;
  const side = (letter: 'a' | 'b', otherwise: SideState): SideState => ({
    ...parseSubject(params.get(letter)),
    from: params.get(`${letter}From`) || otherwise.from,
    until: params.get(`${letter}Until`) || otherwise.until,
  });
  return {
    left: side('a', DEFAULT_COMPARE.left),
    right: side('b', DEFAULT_COMPARE.right),
    view: DIFF_VIEWS.find((view) => VIEW_NAMES[view] === params.get('show')) ?? 'diff',
    scale: oneOf('scale', SCALES, DEFAULT_COMPARE.scale),
    measure: oneOf('value', MEASURES, DEFAULT_COMPARE.measure),
    only: oneOf('only', CHANGE_KINDS, DEFAULT_COMPARE.only),
    by: oneOf('by', CHANGE_COLUMNS, DEFAULT_COMPARE.by),
  };
}

/** The parameters of a comparison, without those that have their default value. */
export function compareParams(state: CompareState): [name: string, value: string][] {
  const side = (letter: 'a' | 'b', { from, until, ...subject }: SideState, other: SideState) => [
    [letter, formatSubject(subject), ''],
    [`${letter}From`, from, other.from],
    [`${letter}Until`, until, other.until],
  ];
  const all = [
    ...side('a', state.left, DEFAULT_COMPARE.left),
    ...side('b', state.right, DEFAULT_COMPARE.right),
    ['show', VIEW_NAMES[state.view], VIEW_NAMES[DEFAULT_COMPARE.view]],
    ['scale', state.scale, DEFAULT_COMPARE.scale],
    ['value', state.measure, DEFAULT_COMPARE.measure],
    ['only', state.only, DEFAULT_COMPARE.only],
    ['by', state.by, DEFAULT_COMPARE.by],
  ] as [string, string, string][];
  return all.flatMap(([name, value, otherwise]) => (value === otherwise ? [] : [[name, value]]));
}

/** A side so much earlier; the same where its times are none. */
export function earlierSide(side: SideState, byMs: number, nowMs: number): SideState {
  return {
    ...side,
    from: earlierTime(side.from, byMs, nowMs) ?? side.from,
    until: earlierTime(side.until, byMs, nowMs) ?? side.until,
  };
}

type Subject = Pick<SideState, 'service' | 'filters'>;

function formatSubject({ service, filters }: Subject): string {
  const own: Matcher[] =
    service === '' ? [] : [{ name: SERVICE_NAME, operator: '=', value: service }];
  const matchers = [...own, ...filters];
  return matchers.length === 0 ? '' : formatSelector({ profileType: '', matchers });
}

function parseSubject(text: string | null): Subject {
  const matchers = parseMatchers(text);
  const own = matchers.findIndex(
    ({ name, operator, value }) => name === SERVICE_NAME && operator === '=' && value !== '',
  );
  return {
    service: matchers[own]?.value ?? '',
    filters: matchers.filter((_, index) => index !== own),
  };
}

/** The conditions of `{pod=~"api-.*"}`; none where the text is none such. */
export function parseMatchers(text: string | null): Matcher[] {
  if (!text) return [];
  try {
    return parseSelector(text).matchers;
  } catch {
    return [];
  }
}
