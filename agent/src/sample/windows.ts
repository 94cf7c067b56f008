import { setTimeout as sleep } from 'node:timers/promises';
import { DRAIN_INTERVAL_MS, WINDOW_MS } from '../config.ts';
import type { Pace } from '../govern/governor.ts';
import type { Sampler, WindowColumns } from './native.ts';

/** The samples between two moments, all of one frequency. */
export interface SampledWindow {
  startMs: number;
  endMs: number;
  frequencyHz: number;
  columns: WindowColumns;
}

/** Errors of a drain after which the next one has everything, or all but a new CPU. */
const PASSING = new Set(['BUNSEN_DRAIN', 'BUNSEN_BPF_ATTACH']);

/** What the loop below is told, and tells. */
export interface WindowEvents {
  /** Asked at the end of each window how to go on. */
  pace(): Pace;
  /** The frequency is another one from `fromMs` on. */
  paceChanged(pace: Pace, fromMs: number): void;
  /** Why a drain failed, once as long as the reason is the same. */
  trouble(reason: string): void;
}

/**
 * Drains the sampler every second and yields a window at each multiple of 15 s since 1970. When
 * `signal` aborts, the sampler is stopped and what it still held is yielded as the last window.
 * The frequency changes between two windows, so that each sample of a window stands for equally much.
 */
export async function* sampledWindows(
  sampler: Sampler,
  signal: AbortSignal,
  firstHz: number,
  events: WindowEvents,
): AsyncGenerator<SampledWindow> {
  let trouble = '';
  /** @returns whether it succeeded */
  const tolerate = async (work: Promise<unknown>) => {
    try {
      await work;
      trouble = '';
      return true;
    } catch (error) {
      const { code = '', message } = error as Error & { code?: string };
      if (!PASSING.has(code)) throw error;
      if (message !== trouble) events.trouble(message);
      trouble = message;
      return false;
    }
  };
  let frequencyHz = firstHz;
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
      const pace = events.pace();
      const changes =
        pace.frequencyHz !== frequencyHz &&
        (await tolerate(sampler.setFrequency(pace.frequencyHz)));
      const columns = await sampler.takeWindow(pace.trim);
      const window = { startMs, endMs: Math.max(nowMs, startMs), frequencyHz, columns };
      startMs = nowMs;
      if (changes) {
        frequencyHz = pace.frequencyHz;
        events.paceChanged(pace, startMs);
      }
      yield window;
    }
  }
  await tolerate(sampler.stop());
  const columns = await sampler.takeWindow();
  yield { startMs, endMs: Math.max(Date.now(), startMs), frequencyHz, columns };
}
