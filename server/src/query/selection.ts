import {
  formatProfileType,
  type Matcher,
  parseProfileType,
  parseSelector,
  SERVICE_NAME,
} from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { DEFAULT_TENANT } from '../store/profile-batch.ts';
import type { QueryParams, ReadOptions, Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import type { SampleSelector } from './sample-selector.ts';

/** A parsed query over a range: which rows it is about, as conditions for WHERE. */
export interface Selection {
  /** Canonical; empty if the query names none, which only the routes about labels allow. */
  profileType: string;
  range: TimeRange;
  /** On `tenant`, `service` and `type`: the columns that most tables begin with. */
  keys: string;
  /** The same without `type`, for the table `stacks`. */
  serviceKeys: string;
  /** A matcher names the service. */
  isOneService: boolean;
  /** Matchers of other labels than those of {@link keyColumn}, on the columns of the table `series`; empty if there are none. */
  labels: string;
  /** Names of the labels in `labels`. */
  labelNames: string[];
  /** The conditions of `labels` on another expression for their label's value. */
  labelsOn: (expression: string) => string;
  /** The regular expressions as they were given: `a)|(b` is one only between the anchors. They are checked before anything is read. */
  regexes: string[];
  params: QueryParams;
  /** Which of the samples. */
  samples: SampleSelector;
}

/**
 * @param query `type{matchers}`
 * @throws ProfileError `SELECTOR_MALFORMED`, `PROFILE_TYPE_MALFORMED`; BunsenError `PARAMETER_INVALID`
 *   if there is no type and one is needed
 */
export function selectionOf(query: string, range: TimeRange, needsType: boolean): Selection {
  const selector = parseSelector(query);
  if (selector.profileType === '' && needsType) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `query=${query}: a profile type must stand in front of the braces, such as process_cpu:cpu:nanoseconds:cpu:nanoseconds{}`,
    );
  }
  const profileType =
    selector.profileType && formatProfileType(parseProfileType(selector.profileType));
  const params: QueryParams = { tenant: DEFAULT_TENANT };
  const services = ['tenant = {tenant:String}'];
  // Marks of pushes have the type '' (store/profile-batch.ts), and are not profiles.
  const types = [profileType === '' ? `type != ''` : 'type = {type:String}'];
  const labels: ((expression?: string) => string)[] = [];
  const labelNames: string[] = [];
  const regexes: string[] = [];
  selector.matchers.forEach((matcher, index) => {
    const value = `matcher${index}`;
    const isRegex = matcher.operator === '=~' || matcher.operator === '!~';
    if (isRegex) regexes.push(matcher.value);
    params[value] = isRegex ? anchored(matcher.value) : matcher.value;
    const column = keyColumn(matcher.name);
    if (column !== undefined) {
      (column === 'service' ? services : types).push(condition(column, matcher, value));
      return;
    }
    params[`name${index}`] = matcher.name;
    labels.push((expression = `labels[{name${index}:String}]`) =>
      condition(expression, matcher, value),
    );
    labelNames.push(matcher.name);
  });
  const serviceKeys = services.join(' AND ');
  if (profileType !== '') params['type'] = profileType;
  return {
    profileType,
    range,
    keys: [serviceKeys, ...types].join(' AND '),
    serviceKeys,
    isOneService: selector.matchers.some(
      ({ name, operator }) => keyColumn(name) === 'service' && operator === '=',
    ),
    labels: labels.map((on) => on()).join(' AND '),
    labelNames,
    labelsOn: (expression) => labels.map((on) => on(expression)).join(' AND '),
    regexes,
    params,
    samples: {},
  };
}

/** Labels that are made of a profile type, beside `__profile_type__`, which is all of it. */
const TYPE_PARTS = ['__name__', '__type__', '__unit__', '__period_type__', '__period_unit__'];

/** Labels that no series is sent with, and every series has. */
export const TYPE_LABELS: readonly string[] = ['__profile_type__', ...TYPE_PARTS];

/** A label that is in the columns `service` and `type`: its value in SQL. undefined = another label */
export function keyColumn(label: string): string | undefined {
  // The latter is what Pyroscope calls it inside.
  if (label === SERVICE_NAME || label === '__service_name__') return 'service';
  if (label === '__profile_type__') return 'type';
  const part = TYPE_PARTS.indexOf(label) + 1;
  return part === 0 ? undefined : `splitByChar(':', toString(type))[${part}]`;
}

/** On the days of a range in the table `series`, which has a row a day while a series lives. */
export const SERIES_DAYS = `day >= toDate(fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC'))
  AND day <= toDate(fromUnixTimestamp64Milli({untilMs:Int64} - 1, 'UTC'))`;

/** On the exact times of the table `profiles`. */
export const PROFILE_TIMES = `ts >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC')
  AND ts < fromUnixTimestamp64Milli({untilMs:Int64}, 'UTC')`;

/** Series in the table `series` that match, for `WHERE`. Needs {@link rangeParams}. */
export function seriesCondition({ keys, labels }: Selection): string {
  return [keys, SERIES_DAYS, labels].filter((part) => part !== '').join(' AND ');
}

/** The condition on `series` of the other tables; empty if every series of the service matches. */
export function seriesIn(selection: Selection): string {
  if (selection.labels === '') return '';
  return `AND series IN (SELECT series FROM series WHERE ${seriesCondition(selection)})`;
}

export function rangeParams({ range, params }: Selection): QueryParams {
  return { ...params, fromMs: range.fromMs, untilMs: range.untilMs };
}

/**
 * Warnings about labels that no series has: such a matcher is not wrong, but seldom meant.
 * @throws BunsenError `REGEX_MALFORMED`, also where no row would have been compared with it
 */
export async function checkSelection(
  store: Store,
  selection: Selection,
  read: ReadOptions,
): Promise<string[]> {
  if (selection.regexes.length > 0) {
    // With a flag in front, as ClickHouse looks for some patterns without compiling them.
    const matches = selection.regexes.map((_, i) => `match('', '(?s)' || {regex${i}:String})`);
    const params = Object.fromEntries(selection.regexes.map((regex, i) => [`regex${i}`, regex]));
    await store.rows(`SELECT ${matches.join(', ')}`, { ...read, params });
  }
  if (selection.labelNames.length === 0) return [];
  const rows = await store.rows<{ name: string }>(
    `SELECT DISTINCT arrayJoin(mapKeys(labels)) AS name FROM series
     WHERE ${selection.keys} AND ${SERIES_DAYS} ORDER BY name`,
    { ...read, params: rangeParams(selection) },
  );
  const known = [SERVICE_NAME, ...rows.map(({ name }) => name)];
  return selection.labelNames
    .filter((name) => !known.includes(name))
    .map((name) => `no series has the label '${name}'; labels here: ${known.join(', ')}`);
}

/** As in Prometheus: a regular expression must match the whole value, and `.` any character. */
export function anchored(regex: string): string {
  return `^(?s:${regex})$`;
}

/** On a label's value. @param param name of the parameter with the value, or the {@link anchored} regex */
export function condition(expression: string, { operator }: Matcher, param: string): string {
  const value = `{${param}:String}`;
  switch (operator) {
    case '=':
      return `${expression} = ${value}`;
    case '!=':
      return `${expression} != ${value}`;
    case '=~':
      return `match(${expression}, ${value})`;
    case '!~':
      return `NOT match(${expression}, ${value})`;
  }
}
