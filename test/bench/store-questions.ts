import {
  API,
  CPU_PROFILE_TYPE,
  decodeFlame,
  FLAME_CONTENT_TYPE,
  type FunctionsResponse,
  type LabelValuesResponse,
  type SeriesResponse,
  SLOT_MS,
} from '@bunsen/profile';
import { mergeParams, mergeSql, planMerge, STACK_ROLLUPS } from '@bunsen/server/query/merge-plan';
import { selectionOf } from '@bunsen/server/query/selection';
import { rawMsOf } from '@bunsen/server/store/retention';
import type { RollupStatus } from '@bunsen/server/store/rollups';
import type { Store } from '@bunsen/server/store/store';
import { type JsonStack, jsonTreeOf } from './json-tree.ts';
import { type Figure, median } from './report.ts';
import { BUSY, type StoreFleet } from './store-fleet.ts';
import type { Loaded } from './store-load.ts';

const RUNS = 7;
const HOUR_MS = 3_600_000;

/** Merges by stack in SQL alone, as the product plans them, and over the flat table. */
export async function mergeFigures(
  store: Store,
  status: RollupStatus,
  { untilMs }: StoreFleet,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, service, hours, bar] of [
    ['merge_6h', BUSY, 6, '>= 8'],
    ['merge_7d', BUSY, 7 * 24, '>= 8'],
    ['merge_fleet_1h', undefined, 1, '>= 9'],
  ] as const) {
    const asked = { fromMs: untilMs - hours * HOUR_MS, untilMs };
    const matchers = service === undefined ? '' : `service_name="${service}"`;
    const options = {
      rollups: STACK_ROLLUPS,
      slotMs: SLOT_MS,
      status,
      nowMs: Date.now(),
      rawMs: rawMsOf(store.retention),
    };
    const plan = planMerge(asked, options);
    const selection = selectionOf(`${CPU_PROFILE_TYPE}{${matchers}}`, plan.range, true);
    const params = mergeParams(selection);
    const sums = (merge: string) =>
      store.rows<Sums>(`SELECT count() AS stacks, sum(v) AS total FROM (${merge})`, { params });
    const planned = await timed(() => sums(mergeSql(plan, selection)));
    const flat = await timed(() =>
      sums(
        `SELECT stack_id, sum(value) AS v FROM flat
         WHERE type = '${CPU_PROFILE_TYPE}' ${service === undefined ? '' : `AND service = '${service}'`}
           AND ts >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC')
           AND ts < fromUnixTimestamp64Milli({untilMs:Int64}, 'UTC')
         GROUP BY stack_id`,
      ),
    );
    same(name, planned.result[0]?.total, flat.result[0]?.total);
    const note = `${planned.result[0]?.stacks} stacks`;
    figures.push(
      { name, value: planned.ms, unit: 'ms', note },
      { name: `${name}.flat`, value: flat.ms, unit: 'ms' },
      { name: `${name}.ratio`, value: flat.ms / planned.ms, unit: 'x', bar },
    );
  }
  return figures;
}

interface Sums {
  stacks: string;
  total: string;
}

/** The busy service over 6 h: names joined, rows as JSON, the tree as a Map of Maps. */
export async function timeJsonTree(store: Store, { untilMs }: StoreFleet): Promise<Timed<number>> {
  const sql = `SELECT Stack AS stack, v AS value FROM (
      SELECT StackHash, sum(Value) AS v FROM coroot_samples
      WHERE ServiceName = '${BUSY}' AND Type = '${CPU_PROFILE_TYPE}'
        AND Start >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC')
        AND Start < fromUnixTimestamp64Milli({untilMs:Int64}, 'UTC')
      GROUP BY StackHash
    ) AS samples
    INNER JOIN (
      SELECT Hash, any(Stack) AS Stack FROM coroot_stacks WHERE ServiceName = '${BUSY}' GROUP BY Hash
    ) AS stacks ON samples.StackHash = stacks.Hash`;
  const params = { fromMs: untilMs - 6 * HOUR_MS, untilMs };
  return timed(async () => jsonTreeOf(await store.rows<JsonStack>(sql, { params })).total);
}

export async function httpFigures(
  url: string,
  { untilMs, plan }: StoreFleet,
  { total }: Loaded,
  jsonTree: Timed<number>,
): Promise<Figure[]> {
  const get = async (path: string, hours: number, params: Record<string, string>) => {
    const range = { from: String(untilMs - hours * HOUR_MS), until: String(untilMs) };
    const response = await fetch(`${url}${path}?${new URLSearchParams({ ...range, ...params })}`, {
      headers: { accept: path === API.flamegraph ? FLAME_CONTENT_TYPE : 'application/json' },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const json = async <T>(...args: Parameters<typeof get>) =>
    (await (await get(...args)).json()) as T;
  const flame = async (query: string, hours: number) => {
    const response = await get(API.flamegraph, hours, { query });
    return decodeFlame(new Uint8Array(await response.arrayBuffer())).tree.total[0] as number;
  };
  const everything = `${CPU_PROFILE_TYPE}{}`;
  const busy = `${CPU_PROFILE_TYPE}{service_name="${BUSY}"}`;

  same('flame graph of everything', await flame(everything, 7 * 24), Number(total));
  const fleetFlame = await timed(() => flame(everything, 1));
  const busyFlame = await timed(() => flame(busy, 6));
  same('flame graph as JSON', jsonTree.result, busyFlame.result);
  const functions = await timed(() =>
    json<FunctionsResponse>(API.functions, 24, { query: everything, limit: '100' }),
  );
  same('functions', functions.result.functions.length, 100);
  const series = await timed(() => json<SeriesResponse>(API.series, 24, { query: busy }));
  const values = await timed(() =>
    json<LabelValuesResponse>(API.labelValues('pod'), 24, { query: busy }),
  );
  same('label values', values.result.values.length, plan.pods);
  const ms = (name: string, { ms }: Timed<unknown>, bar: string): Figure => ({
    name,
    value: ms,
    unit: 'ms',
    bar,
  });
  return [
    ms('http.flame_fleet_1h', fleetFlame, '<= 1500'),
    ms('http.flame_busy_6h', busyFlame, '<= 250'),
    { name: 'flame_busy_6h.json_map', value: jsonTree.ms, unit: 'ms' },
    { name: 'flame_busy_6h.ratio', value: jsonTree.ms / busyFlame.ms, unit: 'x', bar: '>= 4' },
    ms('http.functions_fleet_24h', functions, '<= 100'),
    ms('http.series_busy_24h', series, '<= 20'),
    ms('http.label_values_24h', values, '<= 5'),
  ];
}

export interface Timed<T> {
  /** Median of the warm runs. */
  ms: number;
  /** Of the last run. */
  result: T;
}

/** Two runs to warm up, then the ones that count. */
async function timed<T>(run: () => Promise<T>): Promise<Timed<T>> {
  await run();
  let result = await run();
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const begin = performance.now();
    result = await run();
    times.push(performance.now() - begin);
  }
  return { ms: median(times), result };
}

/** A fast wrong answer is worth nothing. */
export function same(what: string, got: unknown, expected: unknown): void {
  if (got !== expected) throw new Error(`${what}: ${got} is not ${expected}`);
}
