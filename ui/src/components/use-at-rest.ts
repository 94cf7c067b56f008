import { useSyncExternalStore } from 'react';
import { queryClient } from '../api/query-client.ts';

/** Then it is soon enough, even if answers are still on their way. */
const AT_MOST_MS = 2000;

let isAtRest = false;
const listeners = new Set<() => void>();

// Safari has no such callback.
const whenIdle = (callback: () => void) =>
  'requestIdleCallback' in window ? requestIdleCallback(callback) : setTimeout(callback, 100);

/** What was asked for first is there and drawn once no answer is on its way and nothing is to be done. */
function look(): void {
  if (queryClient.isFetching() > 0) return;
  whenIdle(() => {
    if (queryClient.isFetching() === 0) rest();
  });
}

function rest(): void {
  isAtRest = true;
  unsubscribe();
  clearTimeout(timer);
  for (const listener of listeners) listener();
}

const unsubscribe = queryClient.getQueryCache().subscribe(look);
const timer = setTimeout(rest, AT_MOST_MS);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Whether the first picture of this visit is there, or two seconds have passed: then is soon enough for
 * what is in none, such as what a menu offers. That would take the server's and the browser's time from it.
 */
export function useAtRest(): boolean {
  return useSyncExternalStore(subscribe, () => isAtRest);
}
