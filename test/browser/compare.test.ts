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

const BEFORE = `
main;serve;parse 70
main;serve;legacy_escape 30
main;idle;do_syscall_64@[kernel] 100
`;
const AFTER = `
main;serve;parse 140
main;serve;std::vector<std::pair<std::string, int>, std::allocator<std::pair<std::string, int> > >::push_back(int) 60
main;idle;do_syscall_64@[kernel] 200
`;

test('two clicks from the fleet to what changed, and on to versions', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const service = 'checkout';
  await pushWindow(url, BEFORE, { agoMs: 45 * 60_000, service, labels: { version: '1.9' } });
  await pushWindow(url, AFTER, { agoMs: 60_000, service, labels: { version: '1.10' } });
  const page = await openBrowser(t);
  await page.goto(url);
  await page.getByRole('link', { name: 'checkout' }).click();
  await page.getByRole('link', { name: 'Compare with before' }).click();
  await page.waitForURL(/\/compare\?/);
  await until('a painted comparison', async () => (await coloursOn(page)) > 3);

  // By share: the service did twice as much of the same, but for one function for another.
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await row('legacy_escape').getByText('gone').waitFor();
  await row('push_back').getByText('new').waitFor();
  await row('parse').getByText('±0 %').waitFor();
  await row('legacy_escape').getByText('−15.0 pp').waitFor();
  await shoot(page, 'compare');
  await checkAccessibility(page);

  await page.getByRole('button', { name: 'Absolute' }).click();
  await row('parse').getByText('×2.0').waitFor();
  await page.getByRole('button', { name: /^Gone/ }).click();
  await row('push_back').waitFor({ state: 'detached' });
  await row('legacy_escape').waitFor();
  assert.match(page.url(), /scale=absolute/);
  assert.match(page.url(), /only=gone/);

  for (const [key, label] of [
    ['a', /of A alone/],
    ['b', /of B alone/],
    ['d', /of A and B/],
  ] as const) {
    await page.keyboard.press(key);
    await page.getByRole('figure', { name: label }).waitFor();
  }
  await page.goBack();
  await page.getByRole('figure', { name: /of B alone/ }).waitFor();
  await page.reload();
  await page.getByRole('figure', { name: /of B alone/ }).waitFor();
  await row('legacy_escape').waitFor();

  // The versions of both sides, the newer one as B, over the time of both.
  await page.getByRole('button', { name: 'version 1.9 → 1.10' }).click();
  await page.getByRole('button', { name: /Edit the condition: version ?= ?1\.9$/ }).waitFor();
  await page.getByRole('button', { name: /Edit the condition: version ?= ?1\.10$/ }).waitFor();
  await row('legacy_escape').getByText('gone').waitFor();

  // The frame that the keyboard points at tells of both sides.
  await page.keyboard.press('d');
  await page.getByRole('figure').focus();
  for (const key of ['ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
  const facts = page.getByRole('status').filter({ hasText: 'Change' });
  await facts.getByRole('row', { name: /Total/ }).waitFor();
});

test('a side without samples is said to be one', { skip: needsBrowser }, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, AFTER, { agoMs: 60_000, service: 'checkout' });
  const page = await openBrowser(t);
  const side = encodeURIComponent('{service_name="checkout"}');
  await page.goto(`${url}/compare?a=${side}&b=${side}`);
  await page.getByText('A has no samples in its range: everything is new.').waitFor();
  await page.goto(`${url}/compare?a=${side}&b=${side}&bFrom=now-3h&bUntil=now-2h`);
  await page.getByText('Neither side has samples').waitFor();
  await page.goto(`${url}/compare?a=${side}&b=${side}&bFrom=soon`);
  await page.getByText(/B: “soon” is no time/).waitFor();
});
