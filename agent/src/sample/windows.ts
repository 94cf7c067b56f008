import { setTimeout as sleep } from 'node:timers/promises';
import { DRAIN_INTERVAL_MS, WINDOW_MS } from '../config.ts';
import type { Sampler, WindowColumns } from './native.ts';

/** The samples between two moments. */
export interface SampledWindow {
  startMs: number;
  endMs: number;
  columns: WindowColumns;
}

/**
 * Drains the sampler every second and yields a window at each multiple of 15 s since 1970. When
 * `signal` aborts, the sampler is stopped and what it still held is yielded as the last window.
 */
export async function* sampledWindows(
  sampler: Sampler,
  signal: AbortSignal,
): AsyncGenerator<SampledWindow> {
  let startMs = Date.now();
  let nextDrainMs = startMs;
  while (!signal.aborted) {
    const endMs = (Math.floor(startMs / WINDOW_MS) + 1) * WINDOW_MS;
    nextDrainMs = Math.min(Math.max(nextDrainMs + DRAIN_INTERVAL_MS, Date.now()), endMs);
    await sleep(nextDrainMs - Date.now(), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    await sampler.drain();
    // A clock that was set back must not hold a window open for hours.
    const nowMs = Date.now();
    if (nowMs >= endMs || nowMs < startMs) {
      yield { startMs, endMs: Math.max(nowMs, startMs), columns: await sampler.takeWindow() };
      startMs = nowMs;
    }
  }
  await sampler.stop();
  yield { startMs, endMs: Math.max(Date.now(), startMs), columns: await sampler.takeWindow() };
}
