import { setTimeout as sleep } from 'node:timers/promises';
import { DRAIN_INTERVAL_MS, WINDOW_MS } from '../config.ts';
import type { Sampler, WindowColumns } from './native.ts';

/** The samples between two moments. */
export interface SampledWindow {
  startMs: number;
  endMs: number;
  columns: WindowColumns;
}

/** Errors of a drain after which the next one has everything, or all but a new CPU. */
const PASSING = new Set(['BUNSEN_DRAIN', 'BUNSEN_BPF_ATTACH']);

/**
 * Drains the sampler every second and yields a window at each multiple of 15 s since 1970. When
 * `signal` aborts, the sampler is stopped and what it still held is yielded as the last window.
 * @param onTrouble told why a drain failed, once as long as the reason is the same
 */
export async function* sampledWindows(
  sampler: Sampler,
  signal: AbortSignal,
  onTrouble: (reason: string) => void,
): AsyncGenerator<SampledWindow> {
  let trouble = '';
  const tolerate = async (work: Promise<unknown>) => {
    try {
      await work;
      trouble = '';
    } catch (error) {
      const { code = '', message } = error as Error & { code?: string };
      if (!PASSING.has(code)) throw error;
      if (message !== trouble) onTrouble(message);
      trouble = message;
    }
  };
  let startMs = Date.now();
  let nextDrainMs = startMs;
  while (!signal.aborted) {
    const endMs = (Math.floor(startMs / WINDOW_MS) + 1) * WINDOW_MS;
    nextDrainMs = Math.min(Math.max(nextDrainMs + DRAIN_INTERVAL_MS, Date.now()), endMs);
    await sleep(nextDrainMs - Date.now(), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    await tolerate(sampler.drain());
    // A clock that was set back must not hold a window open for hours.
    const nowMs = Date.now();
    if (nowMs >= endMs || nowMs < startMs) {
      yield { startMs, endMs: Math.max(nowMs, startMs), columns: await sampler.takeWindow() };
      startMs = nowMs;
    }
  }
  await tolerate(sampler.stop());
  yield { startMs, endMs: Math.max(Date.now(), startMs), columns: await sampler.takeWindow() };
}
