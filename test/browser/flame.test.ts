import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API } from '@bunsen/profile';
import { startServer, until } from '../harness.ts';
import {
  checkAccessibility,
  coloursOn,
  needsBrowser,
  openBrowser,
  pushWindow,
  shoot,
} from './browser.ts';

const WINDOW = `
main;serve;parse 70
main;serve;parse;memcpy@libc.so.6 20
main;serve;std::vector<std::pair<std::string, int>, std::allocator<std::pair<std::string, int> > >::push_back(int) 30
main;idle;do_syscall_64@[kernel];vfs_read@[kernel] 40
main;libfoo.so+0x1231@libfoo.so 5
`;

test('services, flame graph, search and table in a real browser', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, WINDOW, { agoMs: 30_000, service: 'checkout' });
  await pushWindow(url, WINDOW, { agoMs: 45_000, service: 'checkout' });
  await pushWindow(url, WINDOW, { agoMs: 30_000, service: 'search' });
  const page = await openBrowser(t);
  await page.goto(url);
  await page.getByRole('table', { name: 'Busiest functions' }).waitFor();
  await checkAccessibility(page);
  await page
    .getByRole('link', { name: /checkout/ })
    .first()
    .click();
  await page.waitForURL(/checkout/);
  await until('a painted flame graph', async () => (await coloursOn(page)) > 4);
  await shoot(page, 'flame');
  await page.getByText('vfs_read').first().waitFor();

  await checkAccessibility(page);

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

test('a flame graph is asked for once, and before everything else', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, WINDOW, { agoMs: 30_000, service: 'checkout' });
  const page = await openBrowser(t);
  const asked: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/api/')) asked.push(pathname);
  });
  for (const path of [
    '/s/checkout',
    '/all?from=now-1h&labels={service_name="checkout"}&nodes=500',
  ]) {
    asked.length = 0;
    await page.goto(url + path);
    await until('a painted flame graph', async () => (await coloursOn(page)) > 4);
    await until('what menus offer', () => asked.includes(API.services));
    assert.equal(asked[0], API.flamegraph);
    assert.equal(asked.filter((one) => one === API.flamegraph).length, 1);
  }
});
