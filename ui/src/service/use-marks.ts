import { compileSearch, matchedTotal, matchFrames, type PreparedFlame } from '@bunsen/flame';
import { functionOfFrame } from '@bunsen/profile';
import { useDeferredValue, useMemo } from 'react';

/** What a search found. */
export interface SearchResult {
  /** Per frame: 1 if it matches. */
  marked: Uint8Array;
  /** Value of the stacks that hold a match, each counted once, as a share of all. */
  share: number;
  /** Distinct functions that match. */
  functions: number;
}

/**
 * Searches a flame graph.
 * @returns null for an empty search, or why the regular expression does not compile
 */
export function useSearchResult(
  { layout }: PreparedFlame,
  search: string,
  isRegex: boolean,
): SearchResult | { error: string } | null {
  const deferred = useDeferredValue(search);
  return useMemo(() => {
    const matcher = compileSearch(deferred, isRegex);
    if (matcher === null || typeof matcher === 'object') return matcher;
    const marked = matchFrames(layout.tree.frames, matcher);
    const functions = new Set(
      layout.tree.frames.filter((_, frame) => marked[frame] === 1).map(functionOfFrame),
    );
    return {
      marked,
      share: matchedTotal(layout.tree, marked) / (layout.tree.total[0] || 1),
      functions: functions.size,
    };
  }, [layout, deferred, isRegex]);
}

/** Per frame: 1 if it is of the function; null for no function. */
export function useFunctionMarks({ layout }: PreparedFlame, fn: string): Uint8Array | null {
  return useMemo(
    () =>
      fn === ''
        ? null
        : Uint8Array.from(layout.tree.frames, (frame) => (functionOfFrame(frame) === fn ? 1 : 0)),
    [layout, fn],
  );
}
