import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page, Route } from 'playwright-core';
import { startServer, until } from '../harness.ts';
import { checkAccessibility, needsBrowser, openBrowser, pushWindow, shoot } from './browser.ts';

const WINDOW = 'main;a 60\nmain;b 30\nmain;c;d 6\nmain;e 4';

/** Holds back what is asked for, as a server with much to do does; until it is let go. */
async function holdBack(page: Page, pattern: string): Promise<() => Promise<void>> {
  const held: Route[] = [];
  await page.route(pattern, (route) => {
    held.push(route);
  });
  return () => page.unrouteAll({ behavior: 'ignoreErrors' });
}

test('what takes long says so, can be called off, and be asked for again', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  for (const host of ['node-1', 'node-2']) {
    await pushWindow(url, WINDOW, { agoMs: 60_000, service: 'api', labels: { host } });
  }
  const page = await openBrowser(t);
  const dropped: string[] = [];
  page.on('requestfailed', (request) => dropped.push(new URL(request.url()).pathname));
  for (const [path, api, loading, text] of [
    ['/s/api', '/api/v1/flamegraph', 'The server is merging profiles, 1 s', 'Compare with before'],
    ['/f/a', '/api/v1/callees', 'The server is merging profiles, 1 s', 'Copy name'],
    ['/', '/api/v1/services', 'The server is at work, 1 s', 'cores busy on average'],
    ['/heatmap', '/api/v1/series', 'The server is at work, 1 s', 'Drag over a rectangle'],
    ['/labels', '/api/v1/label-differences', 'The server is at work, 1 s', '2 values'],
  ] as const) {
    const letGo = await holdBack(page, `**${api}?*`);
    await page.goto(url + path);
    await page.getByRole('status').filter({ hasText: loading }).waitFor();
    if (path === '/s/api' || path === '/heatmap') {
      await shoot(page, `states-loading-${api.split('/').at(-1)}`);
      await checkAccessibility(page);
    }
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByText('Cancelled').waitFor();
    await until('the request to be dropped', async () => dropped.includes(api));
    await letGo();
    await page.getByRole('button', { name: 'Run it again' }).click();
    await page.getByText(text).first().waitFor();
    assert.equal(await page.getByText('Cancelled').count(), 0);
  }
});

test('what fails says why, and is tried again', { skip: needsBrowser }, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, WINDOW, { agoMs: 60_000, service: 'api' });
  const page = await openBrowser(t);
  page.removeAllListeners('console');
  page.removeAllListeners('response');
  const message = 'the query was stopped after 60 s: ask for a shorter range';
  for (const [path, text] of [
    ['/s/api', 'Compare with before'],
    ['/', 'cores busy on average'],
    ['/heatmap', 'Drag over a rectangle'],
    ['/labels', 'Values of'],
    ['/agents', 'No agent was heard of in this range'],
  ] as const) {
    await page.route('**/api/v1/**', (route) =>
      route.fulfill({ status: 504, json: { code: 'QUERY_TIMEOUT', message } }),
    );
    await page.goto(url + path);
    const alert = page.getByRole('alert').filter({ hasText: message });
    await alert.getByText('QUERY_TIMEOUT').waitFor();
    await page.unrouteAll();
    await alert.getByRole('button', { name: 'Try again' }).click();
    if (text === 'Values of') await page.getByRole('list', { name: text }).waitFor();
    else await page.getByText(text).first().waitFor();
  }
});

test('a graph that was cut says how much is missing, to the last sample, and fetches it', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, WINDOW, { agoMs: 60_000, service: 'api' });
  const page = await openBrowser(t);
  await page.goto(`${url}/s/api?nodes=4`); // the root, main, a and b
  await page.getByText('3 small nodes with 10.0 % of the value are folded into other.').waitFor();
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await row('other').getByText('10.0 %').first().waitFor();
  await page.getByRole('button', { name: 'Fetch up to 16 nodes' }).click();
  await page.getByRole('button', { name: /^e\b/ }).waitFor();
  await row('d').getByText('6.0 %').first().waitFor();
  assert.equal(await page.getByText('folded into').count(), 0);
  assert.match(page.url(), /nodes=16/);
});
