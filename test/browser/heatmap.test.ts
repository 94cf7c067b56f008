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

const USUAL = 'main;serve;render 60\nmain;serve;parse 40';
const HOT = 'main;serve;render 60\nmain;serve;regex_backtrack 240';

test('a hot rectangle of hosts and minutes, against all the rest', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const service = 'checkout';
  for (const host of ['node-1', 'node-2', 'node-3']) {
    for (let minute = 2; minute < 28; minute++) {
      const isHot = host === 'node-2' && minute < 15;
      const text = isHot ? HOT : USUAL;
      await pushWindow(url, text, { agoMs: minute * 60_000, service, labels: { host } });
    }
  }
  const page = await openBrowser(t);
  await page.goto(url);
  await page.getByRole('navigation', { name: 'Pages' }).getByText('Heatmap').click();
  await page.waitForURL(/\/heatmap/);
  const plot = page.getByRole('figure', { name: /^Heatmap of cores by host and time, 3 rows/ });
  await plot.waitFor();

  const coldest = () =>
    page.evaluate(() => {
      const canvas = document.querySelector('canvas[data-heat]') as HTMLCanvasElement;
      const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
        0,
        canvas.height - 1,
        canvas.width,
        1,
      );
      const lightness = Array.from({ length: canvas.width }, (_, i) =>
        data[i * 4 + 3] === 0 ? 999 : (data[i * 4] ?? 0) + (data[i * 4 + 1] ?? 0),
      );
      return Math.min(...lightness);
    });
  const ofAll = await coldest();
  await page.getByRole('button', { name: 'Each row' }).click();
  await page.waitForURL(/heat=row/);
  await until('stronger colours of the smallest row', async () => (await coldest()) < ofAll);
  await page.getByRole('button', { name: 'All rows' }).click();

  // The row of a host by its name: its functions against those of all others.
  await page.getByRole('button', { name: 'node-2', exact: true }).click();
  await page.waitForURL(/box=node-2/);
  await until('a painted comparison', async () => (await coloursOn(page)) > 3);
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await row('regex_backtrack').getByText('new').waitFor();
  await row('render').first().waitFor();
  await shoot(page, 'heatmap');
  await checkAccessibility(page);

  // A drag over the later half of two rows; the hot one is the first, as it has most.
  const size = await plot.boundingBox();
  assert.ok(size);
  await page.mouse.move(size.x + size.width * 0.6, size.y + 5);
  await page.mouse.down();
  await page.mouse.move(size.x + size.width * 0.9, size.y + size.height / 2, { steps: 3 });
  await page.mouse.up();
  await page.getByText('2 × host').waitFor();
  await row('regex_backtrack').getByText('new').waitFor();
  const boxUrl = page.url();

  // It is a link: another visit shows the same, and the comparison with other hosts has it as B.
  await page.reload();
  await page.getByText('2 × host').waitFor();
  await page.getByRole('link', { name: 'Compare with other rows' }).click();
  await page.waitForURL(/\/compare\?/);
  await page
    .getByRole('button', { name: /Edit the condition: host ?=~ ?node-2\|node-\d$/ })
    .waitFor();
  await row('regex_backtrack').getByText('new').waitFor();
  await page.goBack();
  await page.getByText('2 × host').waitFor();
  assert.equal(page.url(), boxUrl);
});

test('the keyboard walks, picks and lets go', { skip: needsBrowser }, async (t) => {
  const { url } = await startServer(t);
  for (const host of ['node-1', 'node-2']) {
    await pushWindow(url, USUAL, { agoMs: 60_000, service: 'api', labels: { host } });
  }
  const page = await openBrowser(t);
  await page.goto(`${url}/heatmap/api?from=now-5m`);
  const plot = page.getByRole('figure', { name: /^Heatmap/ });
  await plot.focus();
  await page.keyboard.press('ArrowRight');
  await page.getByText(/no data node-/).waitFor();
  for (const key of ['Shift+ArrowDown', 'Shift+ArrowRight']) await page.keyboard.press(key);
  await page.keyboard.press('Enter');
  await page.getByText('2 × host').waitFor();
  const picked = new URL(page.url()).searchParams;
  assert.equal(Number(picked.get('boxUntil')) - Number(picked.get('boxFrom')), 30_000);
  assert.deepEqual(picked.getAll('box').toSorted(), ['node-1', 'node-2']);
  await page.getByText('No samples in this range').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('Drag over a rectangle').waitFor();
  assert.doesNotMatch(page.url(), /box/);

  await assertFits(page, 1024, 768);
  await assertFits(page, 390, 844);
  await checkAccessibility(page);
});
