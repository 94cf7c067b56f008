import {
  formatProfileType,
  type LabelNamesResponse,
  type Labels,
  type LabelValuesResponse,
  type ProfileTypesResponse,
  parseProfileType,
  SERVICE_NAME,
  type ServicesResponse,
} from '@bunsen/profile';
import { DEFAULT_TENANT } from '../store/profile-batch.ts';
import type { ReadOptions, Store } from '../store/store.ts';
import type { TimeRange } from '../time.ts';
import {
  checkSelection,
  keyColumn,
  PROFILE_TIMES,
  rangeParams,
  selectionOf,
  seriesCondition,
  TYPE_LABELS,
} from './selection.ts';

/** Label sets of an answer: a list that is longer is of no use to anyone, and takes seconds to send. */
const MAX_LABEL_SETS = 50_000;

/** Values of one label that an answer holds: a menu cannot show more, and a search narrows them. */
const MAX_VALUES = 10_000;

const IN_RANGE = `tenant = {tenant:String} AND ${PROFILE_TIMES}`;

/** Profile types with at least one profile in the range, in byte order. */
export async function queryProfileTypes(
  store: Store,
  range: TimeRange,
  read: ReadOptions,
): Promise<ProfileTypesResponse> {
  const rows = await store.rows<{ id: string }>(
    `SELECT DISTINCT type AS id FROM profiles WHERE ${IN_RANGE} AND type != '' ORDER BY id`,
    { ...read, params: { tenant: DEFAULT_TENANT, ...range } },
  );
  return {
    profileTypes: rows.map(({ id }) => {
      const { sampleType, sampleUnit } = parseProfileType(id);
      return { id, sampleType, sampleUnit };
    }),
  };
}

/** Services with profiles of the type in the range, the largest total first. */
export async function queryServices(
  store: Store,
  profileType: string,
  range: TimeRange,
  read: ReadOptions,
): Promise<ServicesResponse> {
  const type = parseProfileType(profileType);
  const services = await store.rows<ServicesResponse['services'][number]>(
    `SELECT service, toFloat64(sum(toInt128(total))) AS total, toUInt32(uniqExact(series)) AS series,
       toFloat64(max(toUnixTimestamp64Milli(ts))) AS lastSeenMs
     FROM profiles WHERE ${IN_RANGE} AND type = {type:String}
     GROUP BY service ORDER BY total DESC, service`,
    { ...read, params: { tenant: DEFAULT_TENANT, type: formatProfileType(type), ...range } },
  );
  return { services, unit: type.sampleUnit };
}

/** Labels of the series that match, by the day: what lived on a day of the range is in it. */
export async function queryLabelNames(
  store: Store,
  query: string,
  range: TimeRange,
  read: ReadOptions,
): Promise<LabelNamesResponse> {
  const selection = selectionOf(query, range, false);
  await checkSelection(store, selection, read);
  const labels = await store.rows<{ name: string; values: number }>(
    `SELECT label.1 AS name, toUInt32(uniqExact(label.2)) AS values
     FROM (
       SELECT arrayJoin(arrayConcat(
         [({serviceName:String}, toString(service))],
         arrayMap((name, value) -> (toString(name), value), mapKeys(labels), mapValues(labels))
       )) AS label
       FROM series WHERE ${seriesCondition(selection)}
     )
     GROUP BY name ORDER BY name`,
    { ...read, params: { ...rangeParams(selection), serviceName: SERVICE_NAME } },
  );
  return { labels };
}

export async function queryLabelValues(
  store: Store,
  name: string,
  query: string,
  range: TimeRange,
  read: ReadOptions,
): Promise<LabelValuesResponse> {
  const selection = selectionOf(query, range, false);
  await checkSelection(store, selection, read);
  const value = labelSql(name, 'name');
  const rows = await store.rows<{ value: string }>(
    `SELECT DISTINCT ${value} AS value FROM series
     WHERE ${seriesCondition(selection)} AND value != '' ORDER BY value LIMIT ${MAX_VALUES + 1}`,
    { ...read, params: { ...rangeParams(selection), name } },
  );
  return {
    values: rows.slice(0, MAX_VALUES).map((row) => row.value),
    warnings:
      rows.length > MAX_VALUES
        ? [`there are more than ${MAX_VALUES} values: narrow them with a query`]
        : [],
  };
}

/**
 * Distinct label sets of the series that match, by the day.
 * @param names the labels that are of interest; none = all, with those that the type makes
 */
export async function queryLabelSets(
  store: Store,
  query: string,
  names: string[],
  range: TimeRange,
  read: ReadOptions,
): Promise<{ labelSets: Labels[]; warnings: string[] }> {
  const selection = selectionOf(query, range, false);
  await checkSelection(store, selection, read);
  const keys = [SERVICE_NAME, ...TYPE_LABELS];
  const columns = names.length > 0 ? names : keys;
  const values = columns.map((name, i) => labelSql(name, `column${i}`));
  const [others, order] = names.length > 0 ? ['', ''] : [', labels', ', toString(labels)'];
  const rows = await store.rows<{ values: string[]; labels?: Labels }>(
    `SELECT DISTINCT [${values}] AS values${others} FROM series
     WHERE ${seriesCondition(selection)} ORDER BY values${order} LIMIT ${MAX_LABEL_SETS + 1}`,
    {
      ...read,
      params: {
        ...rangeParams(selection),
        ...Object.fromEntries(columns.map((name, i) => [`column${i}`, name])),
      },
    },
  );
  return {
    labelSets: rows.slice(0, MAX_LABEL_SETS).map(({ values, labels = {} }) => ({
      ...labels,
      ...Object.fromEntries(
        columns.map((name, i) => [name, values[i] ?? '']).filter(([, value]) => value !== ''),
      ),
    })),
    warnings:
      rows.length > MAX_LABEL_SETS
        ? [
            `there are more than ${MAX_LABEL_SETS} label sets: match fewer series, or name fewer labels`,
          ]
        : [],
  };
}

/** The value of a label on the table `series`; `param` is its name. */
function labelSql(name: string, param: string): string {
  const column = keyColumn(name);
  return column === undefined ? `labels[{${param}:String}]` : `toString(${column})`;
}
