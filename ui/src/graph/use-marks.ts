import { compileSearch, matchedTotal, matchFrames } from '@bunsen/flame';
import { type CallTree, functionOfFrame } from '@bunsen/profile';
import { useDeferredValue, useMemo } from 'react';

/** What a search found. */
export interface Marks {
  /** Per frame: 1 if it matches. */
  marked: Uint8Array;
  /** Distinct functions that match. */
  functions: number;
}

/**
 * Searches the frames of a tree.
 * @returns null for an empty search, or why the regular expression does not compile
 */
export function useSearchMarks(
  frames: string[],
  search: string,
  isRegex: boolean,
): Marks | { error: string } | null {
  const deferred = useDeferredValue(search);
  return useMemo(() => searchFrames(frames, deferred, isRegex), [frames, deferred, isRegex]);
}

function searchFrames(
  frames: string[],
  search: string,
  isRegex: boolean,
): Marks | { error: string } | null {
  const matcher = compileSearch(search, isRegex);
  if (matcher === null || typeof matcher === 'object') return matcher;
  const marked = matchFrames(frames, matcher);
  const functions = new Set<string>();
  frames.forEach((frame, index) => {
    if (marked[index] === 1) functions.add(functionOfFrame(frame));
  });
  return { marked, functions: functions.size };
}

/** The marks of a search that found anything or nothing; null for none, or one that is malformed. */
export function marksOf(found: Marks | { error: string } | null): Uint8Array | null {
  return found && 'marked' in found ? found.marked : null;
}

/** Value of the stacks that hold a marked frame, each counted once, as a share of the `whole`. */
export function useMarkedShare(
  tree: CallTree,
  marked: Uint8Array | null,
  whole = tree.total[0] ?? 0,
): number {
  return useMemo(
    () => (marked ? matchedTotal(tree, marked) / (whole || 1) : 0),
    [tree, marked, whole],
  );
}

/** Per frame: 1 if it is of the function; null for no function. */
export function useFunctionMarks(frames: string[], fn: string): Uint8Array | null {
  return useMemo(
    () =>
      fn === ''
        ? null
        : Uint8Array.from(frames, (frame) => (functionOfFrame(frame) === fn ? 1 : 0)),
    [frames, fn],
  );
}
