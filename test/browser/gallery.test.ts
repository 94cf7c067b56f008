import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import type { Page, Route } from 'playwright-core';
import { atEnd, compile, needsRoot, startAgent, startServer, until } from '../harness.ts';
import {
  assertFits,
  contactSheet,
  needsBrowser,
  openBrowser,
  pushWindow,
  type Shot,
  shoot,
} from './browser.ts';

/** Pictures are only taken when somebody wants to look at them: `all`, or a part of the views' names. */
const WANTED = process.env['BUNSEN_TEST_GALLERY'];
const TAKES_PICTURES = WANTED !== undefined;
const isWanted = ({ name }: View) => !TAKES_PICTURES || WANTED === 'all' || name.includes(WANTED);
const SIZES = [
  [1440, 900],
  [1024, 768],
  [390, 844],
] as const;
const THEMES = ['light', 'dark'] as const;

/** A page in a state: how to get there from a tab that shows nothing, and what tells that one is. */
interface View {
  name: string;
  path: string;
  /** Text that is there once the state is. */
  text: string | RegExp;
  /** Further steps. */
  reach?: (page: Page) => Promise<void>;
}

/** Each view in each size and theme fits its window; with pictures, a sheet of them is kept. */
async function walk(page: Page, url: string, views: View[], settles = true): Promise<void> {
  for (const { name, path, text, reach } of views.filter(isWanted)) {
    const shots: Shot[] = [];
    const show = async () => {
      await page.goto('about:blank');
      await page.goto(url + path);
      const reached = page.getByText(text).filter({ visible: true }).first().waitFor();
      await reached.catch(async (error) => {
        await shoot(page, `not-reached-${name}`);
        throw error;
      });
      if (settles) await page.waitForLoadState('networkidle');
      await reach?.(page);
    };
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      // What is open stands where the window had room: for a picture it is opened again in each.
      if (TAKES_PICTURES || width === SIZES[0][0]) await show();
      await assertFits(page, width, height);
      if (!TAKES_PICTURES) continue;
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(250); // what fades or is drawn anew has come to rest
        shots.push({ label: `${width} ${colorScheme}`, png: await page.screenshot() });
      }
    }
    if (shots.length > 0) await contactSheet(page, `sheet-${name}`, shots);
  }
}

const press = (key: string) => (page: Page) => page.keyboard.press(key);
const open = (button: string | RegExp) => (page: Page) =>
  page.getByRole('button', { name: button }).first().click();
/** Phones have no such button. */
const saveView = async (page: Page) => {
  if ((page.viewportSize()?.width ?? 0) > 480) await open('Save this view')(page);
};
const pointAtGraph = async (page: Page) => {
  const graph = page.getByRole('figure', { name: /^Flame graph/ });
  await graph.focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
};
const openMenu = async (page: Page) => {
  const box = await page.getByRole('figure', { name: /^Flame graph/ }).boundingBox();
  assert.ok(box);
  await page.mouse.click(box.x + 60, box.y + 2.5 * 18, { button: 'right' });
  await page.getByRole('menuitem').first().waitFor();
};
const openFile = async (page: Page) => {
  const text = 'main;serve;parse 70\nmain;serve;render 30';
  const buffer = Buffer.from(text);
  const file = { name: 'before.txt', mimeType: 'text/plain', buffer };
  await page.locator('input[type=file]').setInputFiles(file);
  await page.getByRole('figure').waitFor();
};

const BEFORE =
  'main;serve;parse;alloc 120\nmain;serve;render 80\nmain;idle;do_syscall_64@[kernel] 60';
const AFTER =
  'main;serve;parse;alloc 120\nmain;serve;parse;std::vector<std::pair<std::string, int>, std::allocator<std::pair<std::string, int> > >::push_back(std::pair<std::string, int> const&)@libstore.so.6 90\nmain;serve;render 80\nmain;idle;do_syscall_64@[kernel] 60';

/** A service with versions and hosts, whose newer version does more. */
async function pushFleet(url: string): Promise<void> {
  for (let minute = 1; minute < 28; minute++) {
    const agoMs = minute * 60_000;
    const [text, version] = minute < 12 ? [AFTER, '1.10'] : [BEFORE, '1.9'];
    const checkout = ['node-1', 'node-2', 'node-3'].map((host) =>
      pushWindow(url, text, { agoMs, service: 'checkout', labels: { host, version } }),
    );
    await Promise.all([...checkout, pushWindow(url, BEFORE, { agoMs, service: 'search-indexer' })]);
  }
}

const FILTER = '?labels=%7Bservice_name%3D%22checkout%22%7D';
const SIDES = `a=${encodeURIComponent('{service_name="checkout", version="1.9"}')}&b=${encodeURIComponent('{service_name="checkout", version="1.10"}')}&aFrom=now-30m&aUntil=now`;

test('every page with data fits every window', { skip: needsBrowser }, async (t) => {
  const { url } = await startServer(t);
  await pushFleet(url);
  await pushWindow(url, 'main;only 1', { agoMs: 60_000, service: 'one-sample' });
  const page = await openBrowser(t);
  await walk(page, url, [
    { name: 'fleet', path: '/', text: 'search-indexer' },
    { name: 'fleet-labels', path: `/${FILTER}`, text: 'checkout' },
    { name: 'service', path: '/s/checkout', text: 'Compare with before' },
    { name: 'service-tooltip', path: '/s/checkout', text: 'serve', reach: pointAtGraph },
    { name: 'service-menu', path: '/s/checkout', text: 'serve', reach: openMenu },
    { name: 'service-search', path: '/s/checkout?q=parse', text: /in \d+ function/ },
    {
      name: 'service-steps',
      path: '/s/checkout?step=focus+parse%1F%5Btest%5D&step=hide+alloc%1F%5Btest%5D&invert=1',
      text: 'Invert',
    },
    { name: 'service-truncated', path: '/s/checkout?nodes=4', text: /folded into/ },
    { name: 'service-one-sample', path: '/s/one-sample', text: 'only' },
    {
      name: 'service-time',
      path: '/s/checkout',
      text: 'serve',
      reach: open(/^Time range|Last 30/),
    },
    {
      name: 'service-label',
      path: '/s/checkout',
      text: 'serve',
      reach: open(/^Label|Add a condition/),
    },
    { name: 'service-export', path: '/s/checkout', text: 'serve', reach: open(/^Export/) },
    { name: 'service-save', path: '/s/checkout', text: 'serve', reach: saveView },
    { name: 'service-bad-range', path: '/s/checkout?from=soon', text: 'This is no time range' },
    { name: 'function', path: '/f/parse?module=%5Btest%5D', text: 'What it calls' },
    { name: 'function-none', path: '/f/nobody', text: 'No stack has this function' },
    { name: 'heatmap', path: '/heatmap/checkout', text: 'node-3' },
    { name: 'heatmap-row', path: '/heatmap/checkout', text: 'node-3', reach: open('node-2') },
    { name: 'labels', path: '/labels/checkout?label=version', text: /unlike the rest/ },
    { name: 'compare', path: `/compare?${SIDES}`, text: 'push_back' },
    { name: 'compare-empty', path: '/compare', text: /Neither side|Compare|A/ },
    { name: 'files', path: '/adhoc', text: 'Drop profiles here' },
    { name: 'files-open', path: '/adhoc', text: 'Drop profiles here', reach: openFile },
    { name: 'settings', path: '/settings', text: 'Time zone' },
    { name: 'unknown', path: '/nowhere', text: 'There is no such page' },
    { name: 'palette', path: '/', text: 'search-indexer', reach: press('Control+k') },
    { name: 'keys', path: '/', text: 'search-indexer', reach: press('?') },
  ]);
});

const PAGES: [name: string, path: string][] = [
  ['fleet', '/'],
  ['service', '/s/checkout'],
  ['function', '/f/parse'],
  ['heatmap', '/heatmap'],
  ['labels', '/labels/checkout?label=host'],
  ['compare', `/compare?${SIDES}`],
  ['agents', '/agents'],
];

test('every page without data, and while it waits, and when the server fails', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const page = await openBrowser(t);
  const at = (state: string, text: string | RegExp): View[] =>
    PAGES.map(([name, path]) => ({ name: `${name}-${state}`, path, text }));
  await walk(
    page,
    url,
    at('empty', /No samples|No agent|No stack|Neither side|no series|No series|Nothing/i),
  );

  const held: Route[] = [];
  await page.route('**/api/v1/**', (route) => {
    held.push(route);
  });
  const waiting = (page: Page) => page.waitForTimeout(TAKES_PICTURES ? 1000 : 0);
  const views = at('loading', 'Bunsen').map((view) => ({ ...view, reach: waiting }));
  await walk(page, url, views, false);
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  // Here requests are to fail.
  page.removeAllListeners('console');
  page.removeAllListeners('response');
  const message = 'the store does not answer: see the log of the server';
  await page.route('**/api/v1/**', (route) =>
    route.fulfill({ status: 503, json: { code: 'STORE_UNAVAILABLE', message } }),
  );
  await walk(page, url, at('error', message));
});

test('what an agent finds on this host fits, too', {
  skip:
    needsBrowser ||
    needsRoot ||
    (TAKES_PICTURES ? false : 'SKIPPED: BUNSEN_TEST_GALLERY is not set'),
}, async (t) => {
  const { url } = await startServer(t);
  await startAgent(t, url, { BUNSEN_HOSTNAME: 'this-host', BUNSEN_WINDOW_SECONDS: '5' });
  for (const program of ['burn', 'no-pointers.cc']) {
    const child = spawn(compile(t, program), ['100'], { stdio: 'ignore' });
    atEnd(t, () => child.kill('SIGKILL'));
  }
  const page = await openBrowser(t);
  const count = async () =>
    (
      (await (
        await fetch(
          `${url}/api/v1/functions?query=${encodeURIComponent('process_cpu:cpu:nanoseconds:cpu:nanoseconds{}')}&from=now-1h&until=now&limit=50`,
        )
      ).json()) as { functions: unknown[] }
    ).functions.length;
  await until('some functions of this host', async () => (await count()) === 50, 90_000);
  await walk(page, url, [
    { name: 'real-fleet', path: '/', text: 'Busiest functions' },
    { name: 'real-all', path: '/all', text: 'Compare with before' },
    { name: 'real-all-tooltip', path: '/all', text: 'Compare with before', reach: pointAtGraph },
    { name: 'real-heatmap', path: '/heatmap?label=comm', text: 'All rows' },
    { name: 'real-labels', path: '/labels?label=comm', text: /unlike the rest|values/ },
    { name: 'real-agents', path: '/agents?host=this-host', text: 'Flame graph of the host' },
  ]);
});
