import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../harness.ts';
import { checkAccessibility, needsBrowser, openBrowser, pushWindow, shoot } from './browser.ts';

const MINUTE = 60_000;
const WEEK = 7 * 24 * 60 * MINUTE;

test('services against last week, and the functions that cost most in all of them', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t, {
    env: { BUNSEN_MAX_AGE_MS: String(8 * 24 * 60 * MINUTE) },
  });
  const push = (service: string, agoMs: number, text: string) =>
    pushWindow(url, text, { service, agoMs });
  await push('grown', WEEK + 5 * MINUTE, 'main;memcpy@libc.so.6 10\nmain;work 40');
  await push('grown', 5 * MINUTE, 'main;memcpy@libc.so.6 60\nmain;work 90');
  await push('same', WEEK + 5 * MINUTE, 'run;memcpy@libc.so.6 50\nrun 50');
  await push('same', 5 * MINUTE, 'run;memcpy@libc.so.6 50\nrun 50');
  await push('fresh', 5 * MINUTE, 'loop 20');

  const page = await openBrowser(t);
  await page.goto(url);
  const services = page.getByRole('region', { name: 'Services' });
  const row = (service: string) => services.getByRole('row').filter({ hasText: service });
  await row('grown').getByRole('link', { name: '×3.0' }).waitFor();
  await row('same').getByRole('link', { name: '±0 %' }).waitFor();
  await row('fresh').getByText('new').waitFor();
  const functions = page.getByRole('table', { name: 'Busiest functions' });
  const first = functions.getByRole('row').nth(1);
  assert.match(await first.innerText(), /memcpy.*libc\.so\.6.*40\.7 %/s);
  await shoot(page, 'fleet');
  await checkAccessibility(page);

  await first.getByRole('link').click();
  await page.getByRole('heading', { name: 'memcpy' }).waitFor();
  await page.goBack();

  // By labels, figures come from series over time.
  await page.goto(`${url}/?labels=${encodeURIComponent('{host="h1"}')}`);
  await row('grown').getByRole('link', { name: '×3.0' }).click();
  await page.waitForURL(/\/compare\?/);
  await page.getByText('Last 30 minutes').waitFor();
  await page.getByRole('row').filter({ hasText: 'memcpy' }).getByText('×2.0').waitFor();
});
