import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { startServer, until } from '../harness.ts';
import { PERIOD_NS } from '../text-profile.ts';
import {
  checkAccessibility,
  coloursOn,
  needsBrowser,
  openBrowser,
  pushWindow,
  shoot,
} from './browser.ts';

async function saved(page: Page, item: string): Promise<{ name: string; bytes: Buffer }> {
  await page.getByRole('button', { name: /^Export/ }).click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('listitem').filter({ hasText: item }).locator('button, a').click(),
  ]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

test('a graph is saved as a picture, as text, and by the server', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const stack = Array.from({ length: 80 }, (_, i) => `level${i}`).join(';');
  await pushWindow(url, `main;parse 3\n${stack} 2`, { agoMs: 60_000, service: 'api' });
  const page = await openBrowser(t);
  await page.goto(`${url}/s/api`);
  await until('a painted flame graph', async () => (await coloursOn(page)) > 2);

  const picture = await saved(page, 'PNG');
  assert.match(picture.name, /^api-\d{4}-.*Z\.png$/);
  assert.equal(picture.bytes.toString('latin1', 1, 4), 'PNG');
  const [width, height] = [picture.bytes.readUInt32BE(16), picture.bytes.readUInt32BE(20)];
  assert.ok(width > 800, `${width} wide`);
  assert.equal(height, 81 * 18); // the root and 80 levels, more than are in sight

  const folded = await saved(page, 'Folded text');
  assert.match(folded.name, /\.folded\.txt$/);
  const lines = [`${stack} ${2 * PERIOD_NS}`, `main;parse ${3 * PERIOD_NS}`];
  assert.deepEqual(folded.bytes.toString().trim().split('\n'), lines);

  const pprof = await saved(page, 'pprof');
  assert.match(gunzipSync(pprof.bytes).toString('latin1'), /parse/);
  assert.match((await saved(page, 'SVG')).bytes.toString(), /<svg/);

  const side = encodeURIComponent('{service_name="api"}');
  await page.goto(`${url}/compare?a=${side}&b=${side}&aFrom=now-30m&aUntil=now`);
  await until('a painted comparison', async () => (await coloursOn(page)) > 1);
  const both = await saved(page, 'Folded text');
  assert.match(both.bytes.toString(), new RegExp(`main;parse ${3 * PERIOD_NS} ${3 * PERIOD_NS}\n`));
});

test('Ctrl-K leads to services and functions, and ? says what the keys do', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, 'main;std::parse(int) 3', { agoMs: 60_000, service: 'checkout' });
  await pushWindow(url, 'main;render 3', { agoMs: 60_000, service: 'web' });
  const page = await openBrowser(t);
  await page.goto(url);
  await page.getByRole('region', { name: 'Services' }).getByText('checkout').waitFor();

  await page.waitForLoadState('networkidle');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('CHECK'); // at once: no letter may be lost
  const field = page.getByRole('combobox', { name: 'Service or function' });
  await field.waitFor();
  assert.equal(await field.inputValue(), 'CHECK');
  await page.getByRole('option', { name: /checkout/ }).waitFor();
  await checkAccessibility(page);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/s\/checkout/);
  assert.equal(await page.getByRole('dialog').count(), 0);

  await page.keyboard.press('Control+k');
  await field.fill('std::PARSE(');
  await page.getByRole('option', { name: /std::parse/ }).waitFor();
  await shoot(page, 'palette');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'std::parse(int)' }).waitFor();
  assert.match(page.url(), /module=/);

  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).getByText('Only A').waitFor();
  await checkAccessibility(page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  // Where somebody types, ? is a letter.
  await page.keyboard.press('/');
  await page.keyboard.type('what?');
  await page.waitForURL(/q=what%3F/);
  assert.equal(await page.getByRole('dialog').count(), 0);
});
