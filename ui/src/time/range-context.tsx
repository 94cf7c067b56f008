import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { useViewState } from '../url/use-view-state.ts';
import { OPENED_AT_MS } from './opened-at.ts';
import { resolveRange, type TimeRange } from './time-range.ts';

interface RangeContext {
  /** The range of the URL in figures; null if the URL names none. */
  range: TimeRange | null;
  /** What is wrong with the URL's range; empty if nothing is. */
  error: string;
  /** What `now` means until the next refresh: the same for everything on a page. */
  nowMs: number;
  refresh(): void;
}

const Context = createContext<RangeContext | null>(null);

/** Fixes what `now` means, and moves it on when the user refreshes, picks a range, or time passes. */
export function RangeProvider({ children }: { children: ReactNode }) {
  const { from, until, refreshS } = useViewState();
  const [clock, setClock] = useState({ from, until, nowMs: OPENED_AT_MS });
  if (clock.from !== from || clock.until !== until) {
    setClock({ from, until, nowMs: Date.now() });
  }
  const { nowMs } = clock;

  useEffect(() => {
    if (refreshS === 0) return;
    const timer = setInterval(() => {
      if (!document.hidden) setClock((before) => ({ ...before, nowMs: Date.now() }));
    }, refreshS * 1000);
    return () => clearInterval(timer);
  }, [refreshS]);

  const value = useMemo<RangeContext>(() => {
    const range = resolveRange(from, until, nowMs);
    return {
      range: 'error' in range ? null : range,
      error: 'error' in range ? range.error : '',
      nowMs,
      refresh: () => setClock((before) => ({ ...before, nowMs: Date.now() })),
    };
  }, [from, until, nowMs]);
  return <Context value={value}>{children}</Context>;
}

export function useClock(): RangeContext {
  const context = useContext(Context);
  if (!context) throw new Error('useClock needs a RangeProvider');
  return context;
}

/** The range of a page, which is shown only when there is one. */
export function useRange(): TimeRange {
  const { range } = useClock();
  if (!range) throw new Error('a page was shown without a time range');
  return range;
}
