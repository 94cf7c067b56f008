import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { API } from '@bunsen/profile';
import { chromium, type Page } from 'playwright-core';
import { atEnd, type Cleanup, root, startServer, until } from '../harness.ts';
import { pprofOf } from '../text-profile.ts';

const CHROMIUM = process.env['BUNSEN_CHROMIUM'] ?? '/usr/bin/chromium';
const skip = existsSync(CHROMIUM)
  ? false
  : `SKIPPED: no browser at ${CHROMIUM}; install chromium or set BUNSEN_CHROMIUM`;

const WINDOW = `
main;serve;parse 70
main;serve;parse;memcpy@libc.so.6 20
main;serve;std::vector<std::pair<std::string, int>, std::allocator<std::pair<std::string, int> > >::push_back(int) 30
main;idle;do_syscall_64@[kernel];vfs_read@[kernel] 40
main;libfoo.so+0x1231@libfoo.so 5
`;

async function openBrowser(t: Cleanup): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
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
function coloursOn(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas') as HTMLCanvasElement | null;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, Math.min(canvas.height, 200));
    return new Set(new Uint32Array(data.buffer)).size;
  });
}

async function shoot(page: Page, name: string) {
  const folder = path.join(root, 'test/output');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

test('services, flame graph, search and table in a real browser', { skip }, async (t) => {
  const { url } = await startServer(t);
  for (const [service, ago] of [
    ['checkout', 30],
    ['checkout', 45],
    ['search', 30],
  ] as const) {
    const timeMs = Math.floor(Date.now() / 15_000) * 15_000 - ago * 1000;
    const response = await fetch(url + API.push, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(gzipSync(pprofOf(WINDOW, { timeMs, service }))),
    });
    assert.equal(response.status, 200, await response.text());
  }
  const page = await openBrowser(t);
  await page.goto(url);
  await page
    .getByRole('link', { name: /checkout/ })
    .first()
    .click();
  await page.waitForURL(/checkout/);
  await until('a painted flame graph', async () => (await coloursOn(page)) > 4);
  await shoot(page, 'flame');
  await page.getByText('vfs_read').first().waitFor();

  await page.keyboard.press('/');
  await page.keyboard.type('parse');
  await page.waitForURL(/parse/);
  await page
    .getByText(/54(\.\d+)? ?%/)
    .first()
    .waitFor();
  await shoot(page, 'flame-search');

  await page.reload();
  await until('the same after a reload', async () => (await coloursOn(page)) > 2);
  assert.match(page.url(), /parse/);
  await page.goBack();
});
