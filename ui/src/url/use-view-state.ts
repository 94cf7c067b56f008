import { useCallback, useMemo } from 'react';
import { navigate, usePathname, useSearch } from 'wouter/use-browser-location';
import { parseRoute, type Route } from './route.ts';
import { formatViewState, parseViewState, type ViewState } from './view-state.ts';

/**
 * Changes the URL. `replace` is for what changes with every key: back then leads past all of it.
 * Reads the location itself, so two changes in one tick build on each other.
 */
export function updateViewState(patch: Partial<ViewState>, options?: { replace?: boolean }): void {
  const state = { ...parseViewState(location.search), ...patch };
  const target = location.pathname + formatViewState(state);
  if (target !== location.pathname + location.search) navigate(target, options);
}

export function useViewState(): ViewState {
  const search = useSearch();
  return useMemo(() => parseViewState(search), [search]);
}

export function useRoute(): Route {
  const path = usePathname();
  return useMemo(() => parseRoute(path), [path]);
}

/**
 * The URL of another page with the same time, type and labels: what belongs to one graph (search,
 * zoom, function) stays behind.
 */
export function useLinkTo(): (path: string, patch?: Partial<ViewState>) => string {
  const state = useViewState();
  return useCallback(
    (path, patch) => path + formatViewState({ ...state, search: '', fn: '', focus: '', ...patch }),
    [state],
  );
}
