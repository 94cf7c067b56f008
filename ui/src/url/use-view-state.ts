import { useCallback, useMemo, useRef } from 'react';
import { navigate, useLocationProperty, usePathname } from 'wouter/use-browser-location';
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

let latest = { search: '', view: DEFAULT_VIEW };

/** What the URL says now. A part that says the same as before is the same object as before. */
function currentView(): ViewState {
  const { search } = location;
  if (search !== latest.search) {
    const view = parseViewState(search);
    const same = (Object.keys(view) as (keyof ViewState)[]).filter(
      (part) => JSON.stringify(view[part]) === JSON.stringify(latest.view[part]),
    );
    for (const part of same) Object.assign(view, { [part]: latest.view[part] });
    latest = { search, view };
  }
  return latest.view;
}

/**
 * The state of the URL. A component is rendered again when a part changes that it has read: what is
 * typed into the search would render the whole page with every key.
 */
export function useViewState(): ViewState {
  const view = currentView();
  const seen = useRef({ view, read: new Set<keyof ViewState>(), changes: 0 }).current;
  seen.view = view;
  useLocationProperty(() => {
    const now = currentView();
    for (const part of seen.read) {
      if (now[part] === seen.view[part]) continue;
      seen.view = now;
      seen.changes++;
    }
    return seen.changes;
  });
  return useMemo(() => {
    return new Proxy(view, {
      get(all, part) {
        seen.read.add(part as keyof ViewState);
        return all[part as keyof ViewState];
      },
    });
  }, [view, seen]);
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
  agentOrder: DEFAULT_VIEW.agentOrder,
  file: DEFAULT_VIEW.file,
  shared: DEFAULT_VIEW.shared,
  against: DEFAULT_VIEW.against,
};

const KEPT = Object.keys(DEFAULT_VIEW).filter((part) => !(part in OF_ONE_GRAPH));

/** The URL of another page with the same time, type and labels: what belongs to one graph stays behind. */
export function useLinkTo(): (path: string, patch?: Partial<ViewState>) => string {
  const view = useViewState();
  const kept = useMemo(
    () => Object.fromEntries(KEPT.map((part) => [part, view[part as keyof ViewState]])),
    [view],
  );
  return useCallback(
    (path, patch) =>
      path + formatViewState({ ...DEFAULT_VIEW, ...kept, ...OF_ONE_GRAPH, ...patch }),
    [kept],
  );
}
