import type { PreparedFlame } from '@bunsen/flame';
import {
  type AgentsResponse,
  API,
  type FlameDiff,
  type FunctionCostsResponse,
  type FunctionsResponse,
  type LabelDifferencesResponse,
  type LabelNamesResponse,
  type LabelValuesResponse,
  type ProfileTypesResponse,
  type SeriesResponse,
  type ServicesResponse,
} from '@bunsen/profile';
import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import type { TimeRange } from '../time/time-range.ts';
import { getJson } from './client.ts';
import {
  type FlameRequest,
  flameQuery,
  flameRequest,
  rangeParams,
  selectorOf,
} from './flame-requests.ts';
import type { Loaded, LoadedKind } from './loaders.ts';
import { onReceived, receivedBytes } from './received.ts';

export function useProfileTypes(
  range: TimeRange,
  enabled: boolean,
): UseQueryResult<ProfileTypesResponse> {
  return useJson(API.profileTypes, rangeParams(range), enabled);
}

export function useServices(
  type: string,
  range: TimeRange,
  enabled = true,
): UseQueryResult<ServicesResponse> {
  return useJson(API.services, { type, ...rangeParams(range) }, enabled);
}

export function useLabelNames(
  query: string,
  range: TimeRange,
  { enabled = true } = {},
): UseQueryResult<LabelNamesResponse> {
  return useJson(API.labelNames, { query, ...rangeParams(range) }, enabled);
}

export function useLabelValues(
  name: string,
  query: string,
  range: TimeRange,
): UseQueryResult<LabelValuesResponse> {
  return useJson(API.labelValues(name), { query, ...rangeParams(range) }, name !== '');
}

/** The functions that cost most by themselves. */
export function useTopFunctions(
  query: string,
  range: TimeRange,
  limit: number,
): UseQueryResult<FunctionsResponse> {
  return useJson(API.functions, { query, ...rangeParams(range), orderBy: 'self', limit });
}

/** Functions by a part of their name, whatever its case; none while it is empty. */
export function useFunctionSearch(
  text: string,
  profileType: string,
  range: TimeRange,
  limit: number,
): UseQueryResult<FunctionsResponse> {
  const query = selectorOf({ profileType, service: '', filters: [] });
  const name = `(?i)${text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`;
  return useJson(API.functions, { query, ...rangeParams(range), name, limit }, text !== '');
}

/** A function by its name, of one module or of any. */
export interface FunctionName {
  name: string;
  module: string | null;
}

const functionParams = ({ name, module }: FunctionName) => ({
  function: name,
  ...(module === null ? {} : { module }),
});

/** What a function costs in each service and version. */
export function useFunctionCosts(
  fn: FunctionName,
  query: string,
  range: TimeRange,
): UseQueryResult<FunctionCostsResponse> {
  return useJson(API.functionCosts, {
    query,
    ...rangeParams(range),
    ...functionParams(fn),
  });
}

/** The values of a label that are least like the rest, at most so many. */
export function useLabelDifferences(
  label: string,
  query: string,
  range: TimeRange,
  limit: number,
  enabled: boolean,
): UseQueryResult<LabelDifferencesResponse> {
  return useJson(API.labelDifferences, { query, label, ...rangeParams(range), limit }, enabled);
}

export function useAgents(range: TimeRange): UseQueryResult<AgentsResponse> {
  return useJson(API.agents, rangeParams(range));
}

/** Sums over time; of a function, of the samples that have it in their stack. */
export function useSeries(
  query: string,
  range: TimeRange,
  stepMs: number,
  more: { groupBy?: string | undefined; fn?: FunctionName | undefined; enabled?: boolean } = {},
): UseQueryResult<SeriesResponse> {
  const { groupBy, fn, enabled = true } = more;
  const params = {
    query,
    ...rangeParams(range),
    stepMs,
    ...(groupBy ? { groupBy } : {}),
    ...(fn ? functionParams(fn) : {}),
  };
  return useJson(API.series, params, enabled);
}

/** What is drawn, with what came of it so far while it is on its way. */
export type FlameQuery<T> = UseQueryResult<T> & {
  receivedBytes: number;
  queryKey: readonly unknown[];
};

/** A flame graph, ready to paint. */
export function useFlame(
  query: string,
  range: TimeRange,
  maxNodes: number,
): FlameQuery<PreparedFlame> {
  return useLoaded(flameRequest(query, range, maxNodes));
}

/** The URL under which the server gives a selection as a file. */
export function exportUrl(query: string, range: TimeRange, format: string): string {
  const { from, until } = rangeParams(range);
  const params = { query, from: String(from), until: String(until), format };
  return `${API.export}?${new URLSearchParams(params)}`;
}

/** What a function calls, or what calls it; `module`: null for any. */
export function useAround(
  direction: 'callees' | 'callers',
  fn: FunctionName,
  query: string,
  range: TimeRange,
  maxNodes: number,
): FlameQuery<PreparedFlame> {
  const params = {
    query,
    ...functionParams(fn),
    ...rangeParams(range),
    maxNodes,
  };
  return useLoaded({ kind: 'flame', path: API[direction], params });
}

/** One side of a comparison: a selector and its range. */
export interface DiffSubject {
  query: string;
  range: TimeRange;
}

/** Two selections in one tree. */
export function useDiff(
  left: DiffSubject,
  right: DiffSubject,
  maxNodes: number,
): FlameQuery<FlameDiff> {
  const params = {
    left: left.query,
    leftFrom: left.range.fromMs,
    leftUntil: left.range.untilMs,
    right: right.query,
    rightFrom: right.range.fromMs,
    rightUntil: right.range.untilMs,
    maxNodes,
  };
  return useLoaded({ kind: 'diff', path: API.diff, params });
}

function useLoaded<K extends LoadedKind>(request: FlameRequest<K>): FlameQuery<Loaded[K]> {
  const query = flameQuery(request);
  const result = useQuery<Loaded[K]>({ ...query, placeholderData: keepPreviousData as never });
  const receivedSoFar = useSyncExternalStore(onReceived, () => receivedBytes(query.queryKey));
  return { ...result, receivedBytes: receivedSoFar, queryKey: query.queryKey };
}

function useJson<T>(
  path: string,
  params: Record<string, string | number>,
  enabled = true,
): UseQueryResult<T> {
  return useQuery({
    queryKey: [path, params],
    queryFn: ({ signal }) => getJson<T>(path, params, signal),
    placeholderData: keepPreviousData,
    enabled,
  });
}
