import { useCallback, useMemo } from 'react';
import { navigate, usePathname, useSearch } from 'wouter/use-browser-location';
import { type CompareState, DEFAULT_COMPARE } from './compare-state.ts';
import { parseRoute, type Route } from './route.ts';
import { DEFAULT_VIEW, formatViewState, parseViewState, type ViewState } from './view-state.ts';

/**
 * Changes the URL. `replace` is for what changes with every key: back then leads past all of it.
 * Reads the location itself, so two changes in one tick build on each other.
 */
export function updateViewState(patch: Partial<ViewState>, options?: { replace?: boolean }): void {
  const state = { ...parseViewState(location.search), ...patch };
  const target = location.pathname + formatViewState(state);
  if (target !== location.pathname + location.search) navigate(target, options);
}

/** As {@link updateViewState}, for what belongs to a comparison. */
export function updateCompare(patch: Partial<CompareState>, options?: { replace?: boolean }): void {
  updateViewState({ compare: { ...parseViewState(location.search).compare, ...patch } }, options);
}

export function useViewState(): ViewState {
  const search = useSearch();
  return useMemo(() => parseViewState(search), [search]);
}

export function useRoute(): Route {
  const path = usePathname();
  return useMemo(() => parseRoute(path), [path]);
}

/** What belongs to one graph. */
const OF_ONE_GRAPH = {
  search: '',
  fn: '',
  focus: '',
  compare: DEFAULT_COMPARE,
  module: DEFAULT_VIEW.module,
  direction: DEFAULT_VIEW.direction,
  steps: DEFAULT_VIEW.steps,
  inverted: DEFAULT_VIEW.inverted,
  label: DEFAULT_VIEW.label,
  box: DEFAULT_VIEW.box,
  heatScale: DEFAULT_VIEW.heatScale,
  host: DEFAULT_VIEW.host,
  file: DEFAULT_VIEW.file,
  shared: DEFAULT_VIEW.shared,
  against: DEFAULT_VIEW.against,
};

/** The URL of another page with the same time, type and labels: what belongs to one graph stays behind. */
export function useLinkTo(): (path: string, patch?: Partial<ViewState>) => string {
  const state = useViewState();
  return useCallback(
    (path, patch) => path + formatViewState({ ...state, ...OF_ONE_GRAPH, ...patch }),
    [state],
  );
}
