import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { API, CPU_PROFILE_TYPE, type FunctionCostsResponse } from '@bunsen/profile';
import type { Page } from 'playwright-core';
import { atEnd, compile, needsRoot, startAgent, startServer, until } from '../harness.ts';
import { checkAccessibility, needsBrowser, openBrowser, shoot } from './browser.ts';

const CHANGES = 'Changes by function';

/** What a click of somebody new to it leads to, and how many it took. */
function clicker(page: Page) {
  let clicks = 0;
  return {
    click: async (role: 'link' | 'button' | 'menuitem', name: string | RegExp) => {
      clicks++;
      await page.getByRole(role, { name }).first().click();
    },
    assertAtMost: (most: number) => assert.ok(clicks <= most, `it took ${clicks} clicks`),
  };
}

/** Tab leads to it, as it does whoever has no pointer. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? element?.textContent ?? '';
    });
    if (name.test(focused)) return;
  }
  assert.fail(`no way to ${name} by Tab`);
}

/** By the keyboard, from anywhere. */
async function goTo(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Service or function' }).waitFor();
  await page.keyboard.type(name);
  await page
    .getByRole('option', { name: new RegExp(name) })
    .first()
    .waitFor();
  await page.keyboard.press('Enter');
}

const rowsOf = (page: Page, table: string) =>
  page.getByRole('table', { name: table }).locator('tbody').getByRole('row');

/** Whoever looks for it finds it first. */
async function isFirst(page: Page, table: string, fn: string): Promise<void> {
  const first = rowsOf(page, table).first();
  await until(`${fn} to be first`, async () => (await first.textContent())?.includes(fn) ?? false);
}

test('real profiles: what is hot, what a deploy changed, who calls it, in two clicks each', {
  skip: needsBrowser || needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  await startAgent(t, url, { BUNSEN_ENV_LABELS: 'VERSION,DD_SERVICE:service_name' });
  const program = compile(t, 'shop');
  const costs = async (version: string) => {
    const query = `${CPU_PROFILE_TYPE}{service_name="shop", version="${version}"}`;
    const params = { query, function: 'price_basket', from: 'now-1h', until: 'now+1m' };
    const response = await fetch(`${url}${API.functionCosts}?${new URLSearchParams(params)}`);
    return ((await response.json()) as FunctionCostsResponse).costs[0]?.total ?? 0;
  };
  const begunMs = { '1.9': 0, '1.10': 0 };
  for (const [version, priceMs] of [
    ['1.9', '1'],
    ['1.10', '12'],
  ] as const) {
    const env = { VERSION: version, DD_SERVICE: 'shop' };
    const child = spawn(program, [priceMs], { stdio: 'ignore', env });
    begunMs[version] = Date.now();
    atEnd(t, () => child.kill('SIGKILL'));
    await until(`profiles of ${version}`, async () => (await costs(version)) > 3e8, 120_000);
    child.kill('SIGKILL');
  }
  const page = await openBrowser(t);
  const start = async () => {
    await page.goto(url);
    await page.getByRole('table', { name: 'Busiest functions' }).waitFor();
    return clicker(page);
  };

  const hottest = await start();
  await hottest.click('link', /^shop/);
  await isFirst(page, 'Functions', 'price_basket');
  hottest.assertAtMost(1);

  const deploy = await start();
  await deploy.click('link', /^shop/);
  await deploy.click('link', /1\.9 → 1\.10/);
  await isFirst(page, CHANGES, 'price_basket');
  await rowsOf(page, CHANGES).first().getByText(/^\+\d/).first().waitFor();
  await shoot(page, 'trial-deploy');
  deploy.assertAtMost(2);

  // Where it began, on the timeline.
  const mark = await start();
  await mark.click('link', /^shop/);
  await mark.click('link', '1.10');
  await isFirst(page, CHANGES, 'price_basket');
  mark.assertAtMost(2);

  // What changed between two times: a drag over the later one, and a click.
  const aroundMs = begunMs['1.10'];
  const range = { from: `${aroundMs - 60_000}`, until: `${aroundMs + 60_000}` };
  await page.goto(`${url}/s/shop?${new URLSearchParams(range)}`);
  await isFirst(page, 'Functions', 'price_basket');
  const timeline = page.getByRole('region', { name: 'Timeline' });
  await timeline.getByRole('link', { name: '1.10' }).waitFor();
  await shoot(page, 'trial-timeline');
  await checkAccessibility(page);
  const plot = await timeline.locator('.u-over').boundingBox();
  assert.ok(plot);
  await page.mouse.move(plot.x + plot.width * 0.55, plot.y + 40);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.95, plot.y + 40, { steps: 3 });
  await page.mouse.up();
  await page.waitForURL((to) => to.searchParams.get('from') !== range.from);
  await page.getByRole('link', { name: 'Compare with before' }).click();
  await isFirst(page, CHANGES, 'price_basket');

  const callers = await start();
  await callers.click('link', /^price_basket/);
  await callers.click('button', 'What calls it');
  await rowsOf(page, 'Functions').filter({ hasText: 'handle_request' }).first().waitFor();
  callers.assertAtMost(2);

  // From a frame of the graph, too.
  await page.goto(`${url}/s/shop?q=price_basket`);
  await page.getByText(/in 1 function$/).waitFor();
  const graph = page.getByRole('figure', { name: /^Flame graph/ });
  await graph.focus();
  const tip = page.getByRole('status').filter({ hasText: 'Total' });
  for (let i = 0; i < 12 && !(await tip.getByText('handle_request').isVisible()); i++) {
    await page.keyboard.press('ArrowDown');
  }
  const place = await graph.locator('.flame-pointed').boundingBox();
  assert.ok(place);
  await page.mouse.click(place.x + place.width / 2, place.y + 9, { button: 'right' });
  const menu = clicker(page);
  await menu.click('menuitem', 'What calls it');
  await page.getByRole('heading', { name: 'handle_request' }).waitFor();
  await rowsOf(page, 'Functions').filter({ hasText: 'main' }).first().waitFor();

  // The same without a pointer.
  await start();
  await goTo(page, 'shop');
  await isFirst(page, 'Functions', 'price_basket');
  await tabTo(page, /1\.9 → 1\.10/);
  await page.keyboard.press('Enter');
  await isFirst(page, CHANGES, 'price_basket');
  await goTo(page, 'price_basket');
  await page.getByRole('heading', { name: 'price_basket' }).waitFor();
  await tabTo(page, /^What calls it/);
  await page.keyboard.press('Enter');
  await rowsOf(page, 'Functions').filter({ hasText: 'handle_request' }).first().waitFor();
});
