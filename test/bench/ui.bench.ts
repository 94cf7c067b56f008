// One profile in Bunsen's page and in other flame graph viewers, in a real browser. README.md says what
// each line means, and how the others are installed.
import {
  API,
  type CallTree,
  CPU_PROFILE_TYPE,
  decodeFlame,
  FLAME_CONTENT_TYPE,
  IDEMPOTENCY_KEY,
  nameOfFrame,
} from '@bunsen/profile';
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM } from '../browser/browser.ts';
import { startServer } from '../harness.ts';
import { Fleet } from './fleet.ts';
import { pprofOfWindow } from './fleet-pprof.ts';
import { MeasuredPage } from './page-measures.ts';
import { Cleanups, type Figure, median, parseSize, report } from './report.ts';
import { serveAgain, serveFiles } from './viewer-servers.ts';
import { bunsen, isInstalled, OTHERS, type Viewer } from './viewers.ts';

const size = parseSize();
/** Distinct stacks, of about 9.5 nodes each; and the bars for that many. */
const PROFILES =
  size === 'full'
    ? [
        { name: '100k', stacks: 12_000, paint: 300, draw: 5, frame: 17, search: 20 },
        { name: '1m', stacks: 115_000, paint: 700, draw: 10, frame: 25, search: 100, heap: 150 },
      ]
    : [{ name: '100k', stacks: 12_000 }];
const LOADS = size === 'full' ? 5 : 3;
/** The slowest of the viewers takes a minute for a million nodes. */
const TIMEOUT_MS = 180_000;
const VIEWPORT = { width: 1600, height: 900 };
/** What a server gives at most. */
const MAX_NODES = '1048576';
const SEARCH_WAIT_MS = 1500;
/** A search is done with so many different names. */
const SEARCHES = 3;

await Cleanups.run(async (t) => {
  const server = await startServer(t, { env: { BUNSEN_QUERY_TIME_MS: '120000' } });
  const files = await serveFiles(t);
  const inHand = await serveAgain(t, server.url);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--enable-unsafe-swiftshader', // WebGL without a GPU, for speedscope
      '--enable-precise-memory-info',
      '--disable-background-networking',
      '--no-proxy-server',
    ],
  });
  t.after(() => browser.close());
  const missing = OTHERS.filter((viewer) => !isInstalled(viewer));
  for (const { name } of missing) {
    console.error(`NOT MEASURED: ${name} is not installed (test/bench/README.md says how)`);
  }
  const figures: Figure[] = [];
  for (const { name, stacks, ...bars } of PROFILES) {
    const service = `service-${name}`;
    const { tree, search } = await store(server.url, service, stacks);
    console.log(`${name}: ${tree.depth.length} nodes`);
    const words = namesToSearch(tree);
    const own = [bunsen('bunsen', inHand + search), bunsen('bunsen.live', server.url + search)];
    for (const viewer of [...own, ...OTHERS.filter(isInstalled)]) {
      console.log(`${viewer.name}, ${name} …`);
      if (viewer.format) files.set('/profile.json', Buffer.from(viewer.format(tree).join('')));
      const url = new URL(viewer.path('/profile.json'), files.url);
      const measured = await measure(browser, viewer, url.href, words).catch((error: unknown) => {
        console.error(
          `NOT MEASURED: ${viewer.name}, ${name}: ${String(error).split('\n').slice(0, 12).join(' ')}`,
        );
      });
      if (!measured) continue;
      for (const figure of measured) {
        const bar = viewer.name === 'bunsen' ? barOf(figure.name, bars) : undefined;
        figures.push({
          ...figure,
          name: `${viewer.name}.${name}.${figure.name}`,
          ...(bar && { bar }),
        });
      }
    }
  }
  report('ui', size, figures);
});

function barOf(figure: string, bars: Record<string, number>): string | undefined {
  const key = { first_paint: 'paint', hover_p95: 'frame', zoom_p95: 'frame' }[figure] ?? figure;
  return bars[key] === undefined ? undefined : `< ${bars[key]}`;
}

/** Stores a window of one service, and reads back the tree that the page will show. */
async function store(
  url: string,
  service: string,
  stacks: number,
): Promise<{ tree: CallTree; search: string }> {
  const timeMs = Math.floor(Date.now() / 3_600_000 - 1) * 3_600_000;
  const fleet = new Fleet({ seed: 1, functions: 5000, stacks: () => stacks, depth: [30, 40] });
  const labels = { service_name: service, host: 'host-0' };
  const window = fleet.window({ pods: [{ service, labels, samples: stacks }], number: 1, timeMs });
  const pushed = await fetch(url + API.push, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', [IDEMPOTENCY_KEY]: service },
    body: new Uint8Array(pprofOfWindow(window)),
  });
  if (!pushed.ok) throw new Error(`${pushed.status}: ${await pushed.text()}`);
  const range = { from: String(timeMs - 60_000), until: String(timeMs + 60_000) };
  const query = `${CPU_PROFILE_TYPE}{service_name="${service}"}`;
  const answer = await fetch(
    `${url}${API.flamegraph}?${new URLSearchParams({ query, ...range, maxNodes: MAX_NODES })}`,
    { headers: { accept: FLAME_CONTENT_TYPE } },
  );
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  const { tree } = decodeFlame(new Uint8Array(await answer.arrayBuffer()));
  const search = new URLSearchParams({ ...range, nodes: MAX_NODES, view: 'graph' });
  return { tree, search: `/s/${service}?${search}` };
}

/** Names of which each has many nodes, but not most. */
function namesToSearch({ frames }: CallTree): string[] {
  const named = frames.map(nameOfFrame).filter((name) => name.includes('::'));
  return named.slice(0, SEARCHES).map((name) => name.split('::')[2] as string);
}

async function measure(
  browser: Browser,
  viewer: Viewer,
  url: string,
  words: string[],
): Promise<Figure[]> {
  const paints: number[] = [];
  let page: MeasuredPage | undefined;
  for (let load = 0; load < LOADS; load++) {
    await page?.page.context().close();
    const context = await browser.newContext({ viewport: VIEWPORT }); // nothing is cached
    page = await MeasuredPage.open(await context.newPage(), viewer.painted);
    paints.push(await page.firstPaintMs(url, TIMEOUT_MS));
  }
  const { page: shown } = page as MeasuredPage;
  await shown.waitForTimeout(2000); // what a page does after its first paint
  const heap = await (page as MeasuredPage).heapMb();
  const box = await shown.locator(viewer.graph).first().boundingBox();
  if (!box) throw new Error('there is no flame graph on the page');
  const at = (x: number, level: number): [number, number] => [
    box.x + box.width * x,
    Math.min(box.y + level * 18 + 9, VIEWPORT.height - 10),
  ];
  const hover = await (page as MeasuredPage).during(async () => {
    for (let i = 0; i < 120; i++) await shown.mouse.move(...at(0.1 + (i % 40) / 50, 3 + (i % 25)));
  });
  const zoom = await (page as MeasuredPage).during(async () => {
    for (const x of [0.2, 0.35, 0.5]) await viewer.zoom(shown, ...at(x, 5));
  });
  const searches: number[] = [];
  for (const word of words) {
    const search = () => viewer.search(shown, word);
    searches.push(await (page as MeasuredPage).mainThreadMs(search, SEARCH_WAIT_MS));
  }
  await shown.context().close();
  const spread = `${LOADS} loads, ${Math.round(Math.min(...paints))} to ${Math.round(Math.max(...paints))}`;
  return [
    { name: 'first_paint', value: median(paints), unit: 'ms', note: spread },
    { name: 'hover_p95', value: quantile(hover.frames, 0.95), unit: 'ms' },
    { name: 'zoom_p95', value: quantile(zoom.frames, 0.95), unit: 'ms' },
    // The others do not paint in animation frames alone.
    ...(viewer.format
      ? []
      : [
          {
            name: 'draw',
            value: mean(zoom.draws),
            unit: 'ms',
            note: `${zoom.draws.length} frames`,
          },
        ]),
    { name: 'search', value: median(searches), unit: 'ms' },
    { name: 'heap', value: heap, unit: 'MB' },
  ];
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
