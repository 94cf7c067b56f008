/** What each API that reads says about a selection: they must agree with what was sent, to the unit. */
import { gunzipSync } from 'node:zlib';
import type { FlameJson, FunctionsResponse, SeriesResponse } from '@bunsen/profile';
import { ProfileFormat, QuerierService } from '@bunsen/proto/querier/v1/querier';
import { createClient } from '@connectrpc/connect';
import { Profile } from 'pprof-format';
import { TRANSPORTS } from './rpc-clients.ts';
import { searchOf } from './test-server.ts';

const HOUR_MS = 3_600_000;

/**
 * The total of the last hour by each API, and self values by name out of the exported pprof.
 * @param type profile type
 */
export async function readTotals(
  url: string,
  type: string,
  service: string,
): Promise<{ totals: Record<string, bigint>; self: Map<string, bigint> }> {
  const labelSelector = `{service_name="${service}"}`;
  // Series end with a whole step, the newest of which ends after now.
  const untilMs = Math.ceil(Date.now() / 15_000) * 15_000 + 15_000;
  const fromMs = untilMs - HOUR_MS;
  const params = { query: type + labelSelector, from: fromMs, until: untilMs };
  const get = async (path: string, more: Record<string, string | number> = {}) => {
    const response = await fetch(`${url}${path}?${searchOf({ ...params, ...more })}`);
    if (response.status !== 200) throw new Error(`${path}: ${await response.text()}`);
    return response;
  };
  const json = async <T>(...args: Parameters<typeof get>) =>
    (await (await get(...args)).json()) as T;
  const pprofOf = async (path: string, more?: Record<string, string>) =>
    Profile.decode(gunzipSync(Buffer.from(await (await get(path, more)).arrayBuffer())));

  const flame = await json<FlameJson>('/api/v1/flamegraph');
  const functions = await json<FunctionsResponse>('/api/v1/functions', { limit: 1000 });
  const { series } = await json<SeriesResponse>('/api/v1/series', { stepMs: 15_000 });
  const exported = await pprofOf('/api/v1/export', { format: 'pprof' });
  const folded = await (await get('/api/v1/export', { format: 'folded' })).text();
  const render = await json<{
    flamebearer: { numTicks: number };
    timeline: { samples: number[] };
  }>('/pyroscope/render');

  const querier = createClient(QuerierService, TRANSPORTS['gRPC, gzip']!(url));
  const request = {
    profileTypeID: type,
    labelSelector,
    start: BigInt(fromMs),
    end: BigInt(untilMs),
  };
  const merged = await querier.selectMergeStacktraces(request);
  const asPprof = await querier.selectMergeStacktraces({ ...request, format: ProfileFormat.PPROF });
  const profile = await querier.selectMergeProfile(request);
  const points = await querier.selectSeries({ ...request, step: 15 });

  return {
    totals: {
      flamegraph: BigInt(flame.nodes.total[0] ?? 0),
      functions: BigInt(functions.total),
      'self values of functions': sum(functions.functions.map(({ self }) => self)),
      series: sum(series.flatMap(({ values }) => values.map((value) => value ?? 0))),
      'GET /api/v1/pprof': sumOf(await pprofOf('/api/v1/pprof')),
      'exported pprof': sumOf(exported),
      'exported folded text': sum(
        folded
          .trim()
          .split('\n')
          .map((line) => line.split(' ').at(-1)!),
      ),
      render: BigInt(render.flamebearer.numTicks),
      'timeline of render': sum(render.timeline.samples),
      SelectMergeStacktraces: merged.flamegraph?.total ?? 0n,
      'SelectMergeStacktraces as pprof': sum(
        asPprof.pprof?.profile?.sample.flatMap(({ value }) => value) ?? [],
      ),
      SelectMergeProfile: sum(profile.sample.flatMap(({ value }) => value)),
      SelectSeries: sum(points.series.flatMap(({ points }) => points.map(({ value }) => value))),
    },
    self: selfOf(exported),
  };
}

/** The sum of one of the values of each sample. */
export function sumOf(profile: Profile, column = 0): bigint {
  return sum(profile.sample.map(({ value }) => value[column] ?? 0));
}

/** Sums by the function in which samples end; what has no function is `module+0xaddress`. */
export function selfOf(profile: Profile, column = 0): Map<string, bigint> {
  const text = (index: number | bigint = 0) => profile.stringTable.strings[Number(index)] ?? '';
  const byId = <T extends { id: number | bigint }>(list: T[]) =>
    new Map(list.map((item) => [Number(item.id), item]));
  const [locations, functions, mappings] = [
    byId(profile.location),
    byId(profile.function),
    byId(profile.mapping),
  ];
  const self = new Map<string, bigint>();
  for (const { locationId, value } of profile.sample) {
    const location = locations.get(Number(locationId[0]));
    const module = text(mappings.get(Number(location?.mappingId))?.filename)
      .split('/')
      .at(-1);
    const name =
      text(functions.get(Number(location?.line[0]?.functionId))?.name) ||
      `${module}+0x${location?.address.toString(16)}`;
    const added = BigInt(value[column] ?? 0);
    if (added !== 0n) self.set(name, (self.get(name) ?? 0n) + added);
  }
  return self;
}

function sum(values: (number | bigint | string)[]): bigint {
  return values.reduce<bigint>((total, value) => total + BigInt(value), 0n);
}
