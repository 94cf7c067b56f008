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

test('values of a label, the least like the rest first, and the way on from each', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const service = 'checkout';
  const usual = 'main;parse 300\nmain;render 200';
  const odd = 'main;parse 150\nmain;render 100\nmain;regex_backtrack 250';
  for (const agoMs of [120_000, 60_000]) {
    await pushWindow(url, usual, { agoMs, service, labels: { version: '1.0', zone: 'a' } });
    await pushWindow(url, usual, { agoMs, service, labels: { version: '1.1', zone: 'a' } });
    await pushWindow(url, odd, { agoMs, service, labels: { version: '1.2', zone: 'b' } });
  }
  const page = await openBrowser(t);
  await page.goto(`${url}/s/checkout`);
  await page.getByRole('navigation', { name: 'Pages' }).getByText('Labels').click();
  await page.waitForURL(/\/labels\/checkout/);

  // No host tells anything apart here, so the version does.
  await page.getByText('3 values, 3 unlike the rest by more than chance').waitFor();
  const cards = page.getByRole('list', { name: /^Values of version/ }).locator('> li');
  assert.equal(await cards.count(), 3);
  const first = cards.first();
  await first.getByRole('heading', { name: '1.2' }).waitFor();
  await first.getByText('50.0 % unlike the rest').waitFor();
  await first.getByText('+50.0 pp').waitFor();
  await first.getByText('regex_backtrack').waitFor();
  await shoot(page, 'labels');
  await checkAccessibility(page);

  await page.getByRole('combobox', { name: 'By label' }).fill('zone');
  await page.keyboard.press('Enter');
  await page.waitForURL(/label=zone/);
  await page.getByText('2 values').waitFor();

  await assertFits(page, 390, 844);
  await page.setViewportSize({ width: 1600, height: 900 });

  await page.getByRole('link', { name: 'Compare with the rest' }).first().click();
  await page.waitForURL(/\/compare\?/);
  const row = page.getByRole('row').filter({ hasText: 'regex_backtrack' });
  await row.getByText(/new|gone/).waitFor();
});

test('the values of another service, and a label that tells nothing apart', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, 'main;a 3', { agoMs: 60_000, service: 'web', labels: { zone: 'a' } });
  await pushWindow(url, 'main;a 3', { agoMs: 60_000, service: 'api', labels: { zone: 'a' } });
  const page = await openBrowser(t);
  await page.goto(`${url}/labels?label=zone`);
  await page.getByText('All series have the same value of this label').waitFor();
  await page.getByRole('combobox', { name: 'Service' }).fill('web');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/labels\/web\?label=zone/);
  await page.getByRole('link', { name: 'Flame graph', exact: true }).click();
  await page.waitForURL(/\/s\/web\?labels=/);
  await page.getByRole('figure', { name: /^Flame graph/ }).waitFor();
});
