import { type Labels, type Profile, SERVICE_NAME } from '@bunsen/profile';
import { hashTexts } from './content-hash.ts';
import { Dictionary } from './dictionary.ts';
import { sumFunctions } from './function-sums.ts';
import { type Column, encodeBlock } from './native-block.ts';
import type { SeenSet } from './seen-set.ts';

const MINUTE_S = 60;
const HOUR_S = 3600;

/** Labels that say which version of a service a series is of: the first that is there. */
export const VERSION_LABELS = ['version', 'service_version', 'service.version'] as const;

/** The version of a series; empty if it has none. */
export function versionOf(labels: Labels): string {
  for (const name of VERSION_LABELS) {
    const version = labels[name];
    if (version !== undefined && version !== '') return version;
  }
  return '';
}

/** Functions whose ids a worker remembers: those of many services, some 20 MB. */
const KNOWN_IDS = 1 << 17;
const knownIds = new Map<string, bigint>();

/**
 * The id of a function: a content hash of its stored form (name and module). Remembered, since a
 * profile has mostly the functions of the one before, and a hash takes 1.5 µs.
 */
export function functionId(text: string): bigint {
  let id = knownIds.get(text);
  if (id === undefined) {
    id = hashTexts([text]);
    if (knownIds.size === KNOWN_IDS) knownIds.clear();
    knownIds.set(text, id);
  }
  return id;
}

export interface FunctionSource {
  tenant: string;
  profile: Profile;
  /** Profile type of each of the profile's sample types. */
  types: string[];
  timeMs: number;
  /** Monday of the week, in days since 1970. */
  week: number;
  pushId: bigint;
}

export interface FunctionBatch {
  tables: Record<'function_minutes' | 'function_hours', Uint8Array<ArrayBuffer>>;
  /** Names that are not known to be stored; undefined if there are none. */
  functions: Uint8Array<ArrayBuffer> | undefined;
  /** What becomes known when `functions` has been written. */
  newKeys: bigint[];
}

/** Encodes what a push says about functions. Every label set has a `service_name`. */
export function encodeFunctions(source: FunctionSource, seen: SeenSet): FunctionBatch {
  const { tenant, profile, types, timeMs, pushId } = source;
  const services = new Dictionary();
  const versions = new Dictionary();
  const groups = new Dictionary();
  const groupService: number[] = [];
  const groupVersion: number[] = [];
  const groupOf = profile.labelSets.map((labels) => {
    const service = services.code(labels[SERVICE_NAME] as string);
    const version = versions.code(versionOf(labels));
    const group = groups.code(`${service} ${version}`);
    groupService[group] = service;
    groupVersion[group] = version;
    return group;
  });
  const sums = sumFunctions(profile, groupOf, groups.texts.length);
  const ids = BigUint64Array.from(sums.functions, functionId);

  // The last row is the mark of the push: of no service and no type (profile-batch.ts).
  const rows = sums.group.length + 1;
  const seconds = Math.floor(timeMs / 1000);
  const at = (name: string, bucket: number): Column => ({
    name,
    type: 'DateTime',
    values: new Uint32Array(rows).fill(Math.floor(seconds / bucket) * bucket),
  });
  const codes = (of: (row: number) => number, mark: number): Uint32Array =>
    Uint32Array.from({ length: rows }, (_, row) => (row === rows - 1 ? mark : of(row)));
  const group = (row: number) => sums.group[row] as number;
  const columns: Column[] = [
    {
      name: 'tenant',
      type: 'LowCardinality(String)',
      dictionary: [tenant],
      codes: new Uint32Array(rows),
    },
    {
      name: 'service',
      type: 'LowCardinality(String)',
      dictionary: [...services.texts, ''],
      codes: codes((row) => groupService[group(row)] as number, services.texts.length),
    },
    {
      name: 'type',
      type: 'LowCardinality(String)',
      dictionary: [...types, ''],
      codes: codes((row) => sums.type[row] as number, types.length),
    },
    {
      name: 'function_id',
      type: 'UInt64',
      values: withMark(
        BigUint64Array.from(sums.function, (code) => ids[code] as bigint),
        pushId,
      ),
    },
    {
      name: 'version',
      type: 'LowCardinality(String)',
      dictionary: [...versions.texts, ''],
      codes: codes((row) => groupVersion[group(row)] as number, versions.texts.length),
    },
    { name: 'self', type: 'Int64', values: withMark(sums.self, 0n) },
    // Not 0, as the summing tables drop rows of 0.
    { name: 'total', type: 'Int64', values: withMark(sums.total, 1n) },
  ];
  return {
    tables: {
      function_minutes: encodeBlock(rows, [...columns, at('minute', MINUTE_S)]),
      function_hours: encodeBlock(rows, [...columns, at('h', HOUR_S)]),
    },
    ...newFunctions(source, sums.functions, ids, seen),
  };
}

function withMark<Values extends BigInt64Array | BigUint64Array>(
  values: Values,
  mark: bigint,
): Values {
  const all = new (values.constructor as { new (length: number): Values })(values.length + 1);
  all.set(values);
  all[values.length] = mark;
  return all;
}

function newFunctions(
  { tenant, week }: FunctionSource,
  functions: string[],
  ids: BigUint64Array,
  seen: SeenSet,
): Pick<FunctionBatch, 'functions' | 'newKeys'> {
  const salt = hashTexts(['function', String(week)]);
  const keyOf = (code: number) => (ids[code] as bigint) ^ salt || 1n;
  const fresh = Array.from(functions.keys()).filter((code) => !seen.has(keyOf(code)));
  const rows = fresh.length;
  if (rows === 0) return { functions: undefined, newKeys: [] };
  return {
    functions: encodeBlock(rows, [
      {
        name: 'tenant',
        type: 'LowCardinality(String)',
        dictionary: [tenant],
        codes: new Uint32Array(rows),
      },
      { name: 'week', type: 'Date', values: new Uint16Array(rows).fill(week) },
      {
        name: 'function_id',
        type: 'UInt64',
        values: BigUint64Array.from(fresh, (code) => ids[code] as bigint),
      },
      {
        name: 'function',
        type: 'LowCardinality(String)',
        dictionary: fresh.map((code) => functions[code] as string),
        codes: Uint32Array.from(fresh.keys()),
      },
    ]),
    newKeys: fresh.map(keyOf),
  };
}
