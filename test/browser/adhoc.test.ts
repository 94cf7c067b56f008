import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, until } from '../harness.ts';
import {
  assertFits,
  checkAccessibility,
  coloursOn,
  needsBrowser,
  openBrowser,
  pushWindow,
  shoot,
} from './browser.ts';

const file = (name: string, text: string) => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.from(text),
});

test('files are read in the browser, compared with each other, and sent nowhere', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const page = await openBrowser(t);
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() !== 'GET') sent.push(`${request.method()} ${request.url()}`);
  });
  await page.goto(url);
  await page.getByRole('navigation', { name: 'Pages' }).getByText('Files').click();
  await page.getByText('Drop profiles here').waitFor();
  await checkAccessibility(page);

  const input = page.locator('input[type=file]');
  await input.setInputFiles([
    file('before.txt', 'main;serve;parse 70\nmain;serve;legacy_escape 30'),
    file('after.perf', 'app 1 10.0: 1 cycles:\n\t401 parse (/app)\n\t402 main (/app)\n\n'),
    file('broken.txt', 'no profile\n'),
  ]);
  await page
    .getByRole('alert')
    .filter({ hasText: /broken.txt: line 1 is not of the form/ })
    .waitFor();
  await page.getByRole('figure', { name: /^Flame graph of 1/ }).waitFor();
  const files = page.getByRole('combobox', { name: 'File', exact: true });
  await files.selectOption({ label: 'before.txt (100)' });
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await row('legacy_escape').getByText('30.0 %').first().waitFor();
  await checkAccessibility(page);

  // Back leads to the file before; the URL says which, by what it holds.
  await page.goBack();
  await page.getByRole('figure', { name: /^Flame graph of 1/ }).waitFor();
  await page.goForward();
  await input.setInputFiles(file('later.txt', 'main;serve;parse 50\nmain;serve;push_back 50'));
  const against = page.getByRole('combobox', { name: 'Compared with' });
  await against.selectOption({ label: 'before.txt' });
  await row('legacy_escape').getByText('gone').waitFor();
  await row('push_back').getByText('new').waitFor();
  await until('a painted comparison', async () => (await coloursOn(page)) > 3);
  await shoot(page, 'files');
  await checkAccessibility(page);

  // Another visit has none of them, and says so.
  await page.reload();
  await page.getByText('This link is about a file that is not open in this tab').waitFor();
  await input.setInputFiles(file('again.txt', 'main;serve;parse 50\nmain;serve;push_back 50'));
  await page.getByText('The other file is not open').waitFor();
  assert.deepEqual(sent, []);
});

test('a file against what the server has', { skip: needsBrowser }, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, 'main;parse 60\nmain;render 40', { agoMs: 60_000, service: 'api' });
  const page = await openBrowser(t);
  const side = encodeURIComponent('{service_name="api"}');
  await page.goto(`${url}/adhoc?against=live&a=${side}&aFrom=now-1h&aUntil=now`);
  const text = 'main@[test] 0\nmain;render 100';
  await page.locator('input[type=file]').setInputFiles(file('mine.txt', text));
  await page.getByText('A is in nanoseconds, B in count').waitFor();
  await page.getByRole('figure', { name: /of A and B/ }).waitFor();
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await row('parse').getByText('gone').waitFor();

  // Where the server has nothing, everything is new.
  await page.goto(`${url}/adhoc?against=live&a=${side}&aFrom=now-3h&aUntil=now-2h`);
  await page.locator('input[type=file]').setInputFiles(file('mine.txt', text));
  await page.getByText('A has no samples in its range: everything is new.').waitFor();
  await assertFits(page, 390, 844);
  await checkAccessibility(page);
});

test('a file is shared on purpose, and opened by whoever has the link', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t, { env: { BUNSEN_MAX_BODY_BYTES: '20000' } });
  const page = await openBrowser(t);
  await page.goto(`${url}/adhoc`);
  const callFrame = (functionName: string) => ({
    functionName,
    url: '/srv/app.mjs',
    lineNumber: 1,
  });
  const chrome = JSON.stringify({
    nodes: [
      { id: 1, callFrame: callFrame('(root)'), children: [2] },
      { id: 2, callFrame: callFrame('parse') },
    ],
    startTime: 1000,
    endTime: 2000,
    samples: [2, 2],
    timeDeltas: [500, 500],
  });
  const input = page.locator('input[type=file]');
  await input.setInputFiles([
    file("it's mine.txt", 'main;serve;parse 70\nmain;serve;render 30'),
    file('node.cpuprofile', chrome),
  ]);
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  const share = page.getByRole('button', { name: /^Share this file/ });
  const send = page.getByRole('button', { name: 'Send it and make a link' });
  const link = page.getByRole('textbox', { name: 'Link to this file' });

  // What the server cannot read itself goes as a pprof, with what it held.
  await share.click();
  await page.getByText('what was read of it is sent to this server, as a pprof').waitFor();
  await checkAccessibility(page);
  await shoot(page, 'files-share');
  await send.click();
  const chromeLink = await link.inputValue();

  await page.keyboard.press('Escape');
  const files = page.getByRole('combobox', { name: 'File', exact: true });
  await files.selectOption({ label: "it's mine.txt (100)" });
  await page.getByRole('button', { name: 'Share this file: Share…' }).click();
  await page.getByText('it is sent to this server as it is').waitFor();
  await send.click();
  await page.getByText(/The server has it until \d{4}-\d\d-\d\d/).waitFor();
  await shoot(page, 'files-shared');
  const textLink = await link.inputValue();
  assert.match(textLink, /[?&]shared=[0-9a-f-]{36}/);
  await page.keyboard.press('Escape');

  // Another tab, which has seen neither file.
  const other = await openBrowser(t);
  const figures = other.getByRole('table', { name: 'Functions' });
  await other.goto(textLink);
  await figures.getByRole('button', { name: /^render/ }).waitFor();
  await other.getByRole('option', { name: "it's mine.txt (100)" }).waitFor({ state: 'attached' });
  await other.goto(chromeLink);
  await figures.getByRole('button', { name: /^parse/ }).waitFor();
  await other.getByText('pprof', { exact: true }).waitFor();
  await other.reload();
  await figures.getByRole('button', { name: /^parse/ }).waitFor();

  // It is taken back: who has it open still sees it, and nobody else.
  await other.getByRole('button', { name: 'Share this file: Shared' }).click();
  await other.getByRole('button', { name: 'Delete it from the server' }).click();
  await other.getByRole('button', { name: 'Send it and make a link' }).waitFor();
  await figures.getByRole('button', { name: /^parse/ }).waitFor();
  assert.doesNotMatch(other.url(), /shared/);

  // A file that is not shared takes no part of the link.
  const noise = Array.from({ length: 9000 }, () => `f${Math.random()} 1`).join('\n');
  await input.setInputFiles(file('large.txt', noise));
  await row('f0.').first().waitFor();
  assert.doesNotMatch(page.url(), /shared/);
  page.removeAllListeners('console');
  page.removeAllListeners('response');
  await share.click();
  await send.click();
  await page.getByRole('alert').getByText('BODY_TOO_LARGE').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.goto(chromeLink);
  await page.getByText(/there is no uploaded profile/).waitFor();
});

test('a file is dropped on the page', { skip: needsBrowser }, async (t) => {
  const { url } = await startServer(t);
  const page = await openBrowser(t);
  await page.goto(`${url}/adhoc`);
  await page.getByText('Drop profiles here').waitFor();
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['main;dropped 5'], 'dropped.txt'));
    return transfer;
  });
  await page.dispatchEvent('main', 'drop', { dataTransfer: data });
  await page.getByRole('row').filter({ hasText: 'dropped' }).waitFor();
});
