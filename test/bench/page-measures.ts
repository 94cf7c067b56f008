import type { CDPSession, Page } from 'playwright-core';

/** What the script below leaves in the page. */
interface InPage {
  /** When the flame graph was first there, ms since the navigation began. */
  paintedAtMs?: number;
  /** Times of the animation frames since this was emptied, ms. */
  frames: number[];
  /** How long callbacks of animation frames took, those that did something, ms. */
  draws: number[];
}

/**
 * Runs in the page before anything else. A flame graph is there when its canvas shows several colours,
 * or when it has elements. Looking at it reads a strip of pixels a frame, until it is there.
 */
function watch(selector: string): void {
  const state: InPage = { frames: [], draws: [] };
  Object.assign(window, { measures: state });
  const nextFrame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) =>
    nextFrame((time) => {
      const start = performance.now();
      callback(time);
      const took = performance.now() - start;
      if (took > 0.2) state.draws.push(took);
    });
  const copy = document.createElement('canvas');
  [copy.width, copy.height] = [600, 100];
  const context = copy.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  const isPainted = (found: Element): boolean => {
    if (!(found instanceof HTMLCanvasElement)) return true;
    if (found.width < 600 || found.height < 100) return false;
    context.fillStyle = '#fff';
    context.fillRect(0, 0, 600, 100);
    context.drawImage(found, 0, 0);
    const { data } = context.getImageData(0, 0, 600, 100);
    return new Set(new Uint32Array(data.buffer)).size > 8;
  };
  const look = (time: number) => {
    state.frames.push(time);
    if (
      state.paintedAtMs === undefined &&
      [...document.querySelectorAll(selector)].some(isPainted)
    ) {
      state.paintedAtMs = performance.now();
    }
    nextFrame(look);
  };
  nextFrame(look);
}

/** A page with one viewer in it, and what it does to the page's main thread. */
export class MeasuredPage {
  readonly page: Page;
  readonly #devtools: CDPSession;

  private constructor(page: Page, devtools: CDPSession) {
    this.page = page;
    this.#devtools = devtools;
  }

  /** @param selector the element in which the flame graph is painted */
  static async open(page: Page, selector: string): Promise<MeasuredPage> {
    await page.addInitScript(watch, selector);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Performance.enable');
    return new MeasuredPage(page, devtools);
  }

  /** From the beginning of the navigation to the first frame with a flame graph, ms. */
  async firstPaintMs(url: string, timeoutMs: number): Promise<number> {
    await this.page.goto(url, { waitUntil: 'commit', timeout: timeoutMs });
    const painted = await this.page.waitForFunction(
      () => (window as unknown as { measures: InPage }).measures.paintedAtMs,
      undefined,
      { timeout: timeoutMs, polling: 100 },
    );
    return Number(await painted.jsonValue());
  }

  /** Times between animation frames, and of what was done in them, while `action` runs, ms. */
  async during(action: () => Promise<void>): Promise<{ frames: number[]; draws: number[] }> {
    await this.page.evaluate(() => {
      Object.assign((window as unknown as { measures: InPage }).measures, {
        frames: [],
        draws: [],
      });
    });
    await action();
    return this.page.evaluate(() => {
      const { frames, draws } = (window as unknown as { measures: InPage }).measures;
      return { frames: frames.slice(1).map((time, i) => time - (frames[i] as number)), draws };
    });
  }

  /** Main-thread time that `action` causes within `waitMs`, beyond what the page does at rest, ms. */
  async mainThreadMs(action: () => Promise<void>, waitMs: number): Promise<number> {
    const busy = async (what: () => Promise<void>) => {
      const before = await this.#metric('TaskDuration');
      await what();
      await this.page.waitForTimeout(waitMs);
      return (await this.#metric('TaskDuration')) - before;
    };
    const atRest = await busy(async () => {});
    return Math.max(0, ((await busy(action)) - atRest) * 1000);
  }

  /** What lives in the page's JavaScript heap after a collection, MB. */
  async heapMb(): Promise<number> {
    await this.#devtools.send('HeapProfiler.collectGarbage');
    return this.page.evaluate(
      () =>
        (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize /
        1e6,
    );
  }

  async #metric(name: string): Promise<number> {
    const { metrics } = await this.#devtools.send('Performance.getMetrics');
    return metrics.find((metric) => metric.name === name)?.value ?? 0;
  }
}
