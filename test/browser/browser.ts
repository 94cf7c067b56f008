import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { API } from '@bunsen/profile';
import axe from 'axe-core';
import { chromium, type Page } from 'playwright-core';
import { atEnd, type Cleanup, root } from '../harness.ts';
import { pprofOf } from '../text-profile.ts';

export const CHROMIUM = process.env['BUNSEN_CHROMIUM'] ?? '/usr/bin/chromium';

/** Why there is no browser to test with; false if there is one. For `{ skip }`. */
export const needsBrowser: string | false = existsSync(CHROMIUM)
  ? false
  : `SKIPPED: no browser at ${CHROMIUM}; install chromium or set BUNSEN_CHROMIUM`;

/** A page that fails the test for errors, refused requests, and requests to elsewhere. */
export async function openBrowser(t: Cleanup): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-proxy-server'],
  });
  atEnd(t, () => browser.close());
  const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`the page threw ${error.stack}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`the console says: ${message.text()}`);
  });
  page.on('response', async (response) => {
    if (response.status() < 400) return;
    problems.push(`${response.status()} ${response.url()}: ${await response.text()}`);
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== '127.0.0.1') {
      problems.push(`a request to elsewhere: ${request.url()}`);
    }
  });
  atEnd(t, () => assert.deepEqual(problems, []));
  return page;
}

/** How many distinct colours the canvas of the flame graph shows: a blank one has one or two. */
export function coloursOn(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas[data-flame]') as HTMLCanvasElement | null;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, Math.min(canvas.height, 200));
    return new Set(new Uint32Array(data.buffer)).size;
  });
}

/** A screenshot to be looked at. */
export async function shoot(page: Page, name: string): Promise<void> {
  const folder = path.join(root, 'test/output');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

/** One picture of a sheet. */
export interface Shot {
  label: string;
  png: Buffer;
}

/** Several pictures in one, to be looked at together. */
export async function contactSheet(page: Page, name: string, shots: Shot[]): Promise<void> {
  const browser = page.context().browser();
  assert.ok(browser);
  const sheet = await browser.newPage({ viewport: { width: 2400, height: 800 } });
  const figures = shots.map(
    ({ label, png }) =>
      `<figure><figcaption>${label}</figcaption><img src="data:image/png;base64,${png.toString('base64')}"></figure>`,
  );
  await sheet.setContent(
    `<style>body{display:flex;flex-wrap:wrap;gap:8px;margin:8px;background:#888}figure{margin:0}img{height:620px}</style>${figures.join('')}`,
  );
  const folder = path.join(root, 'test/output');
  mkdirSync(folder, { recursive: true });
  await sheet.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
  await sheet.close();
}

/** Makes the window so large, and checks that the page does not scroll sideways in it. */
export async function assertFits(page: Page, width: number, height: number): Promise<void> {
  await page.setViewportSize({ width, height });
  const overflow = await page.evaluate(async () => {
    // Charts are told of their new width when it has been laid out, a frame later.
    for (let i = 0; i < 3; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    return document.documentElement.scrollWidth - innerWidth;
  });
  assert.ok(overflow <= 0, `${width} px: ${overflow} too wide`);
}

/** What breaks WCAG 2.2 AA as far as a program can tell, in light and dark. */
export async function checkAccessibility(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe.source);
    const violations = await page.evaluate(async () => {
      const { axe: inPage } = window as unknown as { axe: typeof import('axe-core') };
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
      const found = await inPage.run({ runOnly: tags });
      return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`);
    });
    assert.deepEqual(violations, [], `${page.url()} in ${colorScheme}`);
  }
}

/** Sends folded text as one window of a service, so many milliseconds ago. */
export async function pushWindow(
  url: string,
  text: string,
  {
    agoMs,
    service,
    labels = {},
  }: { agoMs: number; service: string; labels?: Record<string, string> },
): Promise<void> {
  const timeMs = Math.floor((Date.now() - agoMs) / 15_000) * 15_000;
  const response = await fetch(url + API.push, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(gzipSync(pprofOf(text, { timeMs, service, labels }))),
  });
  assert.equal(response.status, 200, await response.text());
}
