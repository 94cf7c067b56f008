import { WORKER_BYTES } from '@bunsen/flame';
import {
  API,
  FLAME_CONTENT_TYPE,
  formatSelector,
  type Matcher,
  SERVICE_NAME,
} from '@bunsen/profile';
import type { TimeRange } from '../time/time-range.ts';
import { getBytes, type Params } from './client.ts';
import { loadFlame, warmUpFlameLoader } from './flame-loader.ts';
import type { Loaded, LoadedKind } from './loaders.ts';
import { reportReceived } from './received.ts';

/** What a flame graph, a series or a list of labels is about. */
export interface Subject {
  profileType: string;
  /** Empty for all services. */
  service: string;
  filters: Matcher[];
}

/** The selector of a subject: `process_cpu:…{service_name="api", pod=~"api-.*"}`. */
export function selectorOf({ profileType, service, filters }: Subject): string {
  const own: Matcher[] =
    service === '' ? [] : [{ name: SERVICE_NAME, operator: '=', value: service }];
  return formatSelector({ profileType, matchers: [...own, ...filters] });
}

export const rangeParams = ({ fromMs, untilMs }: TimeRange) => ({ from: fromMs, until: untilMs });

/** Something to draw, as the server is asked for it. */
export interface FlameRequest<K extends LoadedKind> {
  kind: K;
  path: string;
  params: Params;
}

/** @param query a selector */
export function flameRequest(
  query: string,
  range: TimeRange,
  maxNodes: number,
): FlameRequest<'flame'> {
  const params = { query, ...rangeParams(range), maxNodes };
  return { kind: 'flame', path: API.flamegraph, params };
}

/**
 * How a request is made and its answer kept. Whoever asks for the same while it is on its way waits
 * for the same answer.
 */
export function flameQuery<K extends LoadedKind>({ kind, path, params }: FlameRequest<K>) {
  const queryKey = [path, params] as const;
  const queryFn = async ({ signal }: { signal: AbortSignal }): Promise<Loaded[K]> => {
    try {
      const report = (bytes: number) => {
        if (bytes >= WORKER_BYTES) warmUpFlameLoader();
        reportReceived(queryKey, bytes);
      };
      return await loadFlame(
        kind,
        await getBytes(path, params, FLAME_CONTENT_TYPE, signal, report),
      );
    } finally {
      reportReceived(queryKey, 0);
    }
  };
  // A million nodes take 60 MB: only what back is likely to lead to is kept, and never compared.
  return { queryKey, queryFn, gcTime: 60_000, structuralSharing: false };
}
