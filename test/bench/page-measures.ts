import type { CDPSession, Page } from 'playwright-core';

/** The function by which a page tells that its flame graph is there. */
const BINDING = 'reportFlameGraph';

/** What the script below leaves in the page. */
interface InPage {
  /** Times of the animation frames since this was emptied, ms. */
  frames: number[];
  /** How long callbacks of animation frames took, those that did something, ms. */
  draws: number[];
}

/**
 * Runs in the page before anything else. A flame graph is there when its canvas shows several colours,
 * or when it has elements. Looking at it reads a strip of pixels a frame, until it is there.
 */
function watch({ selector, binding }: { selector: string; binding: string }): void {
  const state: InPage = { frames: [], draws: [] };
  let isThere = false;
  Object.assign(window, { measures: state });
  const nextFrame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) =>
    nextFrame((time) => {
      const start = performance.now();
      callback(time);
      const took = performance.now() - start;
      if (took > 0.2) state.draws.push(took);
    });
  let copy: CanvasRenderingContext2D | undefined;
  const isPainted = (found: Element): boolean => {
    if (!(found instanceof HTMLCanvasElement)) return true;
    if (found.width < 600 || found.height < 100) return false;
    copy ??= new OffscreenCanvas(600, 100).getContext('2d', {
      willReadFrequently: true,
    }) as unknown as CanvasRenderingContext2D;
    copy.fillStyle = '#fff';
    copy.fillRect(0, 0, 600, 100);
    copy.drawImage(found, 0, 0);
    const { data } = copy.getImageData(0, 0, 600, 100);
    return new Set(new Uint32Array(data.buffer)).size > 8;
  };
  const look = (time: number) => {
    state.frames.push(time);
    if (!isThere && [...document.querySelectorAll(selector)].some(isPainted)) {
      isThere = true;
      (window as unknown as Record<string, (text: string) => void>)[binding]?.(
        String(performance.now()),
      );
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
    await page.addInitScript(watch, { selector, binding: BINDING });
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Performance.enable');
    await devtools.send('Runtime.enable');
    await devtools.send('Runtime.addBinding', { name: BINDING });
    return new MeasuredPage(page, devtools);
  }

  /**
   * From the beginning of the navigation to the first frame with a flame graph, ms. The page tells it by
   * itself: to ask it, as playwright does, would run 330 kB of script in it while it starts.
   */
  async firstPaintMs(url: string, timeoutMs: number): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const painted = new Promise<number>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`nothing was painted in ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#devtools.on('Runtime.bindingCalled', ({ name, payload }) => {
        if (name === BINDING) resolve(Number(payload));
      });
    });
    painted.catch(() => {}); // it may come while nobody waits for it, if there is no page
    await this.page.goto(url, { waitUntil: 'commit', timeout: timeoutMs });
    return painted.finally(() => clearTimeout(timer));
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
