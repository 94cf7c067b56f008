import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../harness.ts';
import {
  assertFits,
  checkAccessibility,
  needsBrowser,
  openBrowser,
  pushWindow,
  shoot,
} from './browser.ts';

test('settings hold for all pages and the next visit, and change no link', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, 'main;work 1485', { agoMs: 60_000, service: 'api' });
  const page = await openBrowser(t);
  await page.goto(`${url}/settings`);
  await page.getByRole('button', { name: 'UTC' }).click();
  await page.getByText(/Now it is .*, UTC\./).waitFor();
  await page.getByRole('combobox', { name: 'First range' }).selectOption('Last 1 hour');
  await page.getByRole('textbox', { name: 'Currency' }).fill('€');
  await page.getByRole('spinbutton', { name: 'Cost of a core in an hour' }).fill('0.5');
  await page.getByText(/A core that is always busy costs €.365 a month/).waitFor();
  assert.equal(
    await page.getByRole('link', { name: 'API reference' }).getAttribute('href'),
    '/api/reference',
  );
  await checkAccessibility(page);

  // 15 s of a core in an hour: 0.00417 cores. In the half hour of a link it is twice as much.
  await page.goto(url);
  await page.waitForURL(/\?from=now-1h$/);
  const row = page.getByRole('row').filter({ hasText: 'api' });
  await row.getByText(/^€.1\.52$/).waitFor();
  await shoot(page, 'costs');
  await checkAccessibility(page);
  await assertFits(page, 390, 844);
  await page.setViewportSize({ width: 1600, height: 900 });
  await page.goto(`${url}/?nodes=1000`);
  await row.getByText(/^€.3\.04$/).waitFor();
});

test('a view is saved under a name, found by it, and deleted', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, 'main;parse 3', { agoMs: 60_000, service: 'api' });
  const page = await openBrowser(t);
  await page.goto(`${url}/s/api?q=parse&view=graph`);
  await page.getByRole('figure', { name: /^Flame graph/ }).waitFor();
  await page.getByRole('button', { name: 'Save this view' }).click();
  const name = page.getByRole('textbox', { name: 'Name of this view' });
  assert.equal(await name.inputValue(), 'api');
  await name.fill('Where it parses');
  await checkAccessibility(page);
  await page.keyboard.press('Enter');
  await name.waitFor({ state: 'detached' });

  await page.goto(`${url}/agents`);
  await page.getByText('No agent was heard of in this range').waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Service or function' }).fill('where');
  await page.getByRole('option', { name: /Where it parses/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/s/api?q=parse&view=graph`);

  await page.getByRole('navigation', { name: 'Pages' }).getByText('Settings').click();
  const saved = page.getByRole('list', { name: 'Saved views' });
  await saved.getByRole('link', { name: 'Where it parses' }).waitFor();
  await page.getByRole('button', { name: 'Delete Where it parses' }).click();
  await page.getByText('None yet.').waitFor();
  await page.reload();
  await page.getByText('None yet.').waitFor();
});
