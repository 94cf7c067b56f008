import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, until } from '../harness.ts';
import {
  checkAccessibility,
  coloursOn,
  needsBrowser,
  openBrowser,
  pushWindow,
  shoot,
} from './browser.ts';

const DAY_MS = 86_400_000;
const PARSE =
  'std::vector<std::pair<std::string, int>, std::allocator<std::pair<std::string, int> > >::parse(int)';

test('from a frame to its function: by service and version, callees, callers', {
  skip: needsBrowser,
}, async (t) => {
  // Last week's profile is older than a server takes by default.
  const { url } = await startServer(t, { env: { BUNSEN_MAX_AGE_MS: String(8 * DAY_MS) } });
  const atMs = Math.floor(Date.now() / 15_000) * 15_000 - 60_000;
  const push = (service: string, version: string, text: string, timeMs = atMs) => {
    const agoMs = Date.now() - (timeMs + 7_000);
    return pushWindow(url, text, { agoMs, service, labels: version === '' ? {} : { version } });
  };
  await push(
    'checkout',
    '1.9',
    `main;serve;${PARSE} 10\nmain;serve;${PARSE};memcpy@libc.so.6 20\nmain 70`,
  );
  await push('checkout', '1.10', `main;serve;${PARSE} 30\nmain 10`);
  await push('checkout', '', `main;serve;${PARSE} 30\nmain 90`, atMs - 7 * DAY_MS);
  await push('search', '', `run;query;${PARSE} 5\nrun 95`);
  await push('mail', '', 'run;send 50');

  const page = await openBrowser(t);
  await page.goto(`${url}/s/checkout?from=${atMs - 29 * 60_000}&until=${atMs + 60_000}`);
  await page.getByRole('row').filter({ hasText: '::parse' }).hover();
  await page.getByRole('link', { name: /^Page of std::vector/ }).click();
  await page.waitForURL(/\/f\/std/);
  await page.getByRole('heading', { name: PARSE }).waitFor();

  const costs = page.getByRole('table', { name: 'Cost by service' });
  await costs.getByRole('link', { name: 'search' }).waitFor();
  const shares = async () =>
    (await costs.getByRole('row').allInnerTexts())
      .slice(1)
      .map((row) => row.split(/\s+/).slice(-3, -1).join(' '));
  assert.deepEqual(await shares(), ['42.9 %', '5.0 %']);
  await page.getByRole('button', { name: 'Versions of checkout' }).click();
  await costs.getByText('1.10').waitFor();
  assert.deepEqual(await shares(), ['42.9 %', '75.0 %', '30.0 %', '5.0 %']);

  // Its trend by service, with the week before it, where the first version took half as much.
  const trend = page.getByRole('region', { name: 'Timeline' });
  await trend.getByText('a week before').waitFor();
  assert.deepEqual(await trend.getByText(/^(checkout|search)$/).allTextContents(), [
    'checkout',
    'search',
  ]);
  const chart = await trend.locator('canvas').boundingBox();
  assert.ok(chart);
  // Between the axis at the left and the margin at the right, where the window begins.
  await page.mouse.move(chart.x + 58 + (chart.width - 78) * (29 / 30) + 1, chart.y + 40);
  await trend.getByText('0.040', { exact: true }).waitFor();
  await trend.getByText('0.020', { exact: true }).waitFor();

  const functions = page.getByRole('table', { name: 'Functions' });
  await until('a painted flame graph', async () => (await coloursOn(page)) > 2);
  await functions.getByRole('button', { name: /^memcpy/ }).waitFor();
  await shoot(page, 'function');
  await checkAccessibility(page);

  await page.getByRole('button', { name: 'What calls it' }).click();
  await functions.getByRole('button', { name: /^query/ }).waitFor();
  assert.equal(await functions.getByRole('button', { name: /^memcpy/ }).count(), 0);
  assert.match(page.url(), /side=callers/);

  // Back in a service the function is still the one that is marked.
  await costs.getByRole('link', { name: 'search' }).click();
  await page.waitForURL(/\/s\/search/);
  await page.getByRole('button', { name: 'Let go of this function' }).waitFor();
});

test('the menu of a frame leads there, and a function that nobody has says so', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, 'main;only 10', { agoMs: 60_000, service: 'api' });
  const page = await openBrowser(t);
  await page.goto(`${url}/s/api`);
  await until('a painted flame graph', async () => (await coloursOn(page)) > 2);
  const graph = await page.getByRole('figure').boundingBox();
  assert.ok(graph);
  await page.mouse.click(graph.x + 50, graph.y + 2.5 * 18, { button: 'right' });
  await page.getByRole('menuitem', { name: 'Page of this function' }).click();
  await page.getByRole('heading', { name: 'only' }).waitFor();
  await page.goto(`${url}/f/nobody`);
  await page.getByText('No stack has this function').waitFor();
});
