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

const WINDOW = `
main;serve;parse@lib;alloc@lib;copy@lib 60
main;serve;render 20
main;idle 20
`;

test('stacks are narrowed down step by step, and turned round', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  await pushWindow(url, WINDOW, { agoMs: 60_000, service: 'api' });
  const page = await openBrowser(t);
  await page.goto(`${url}/s/api`);
  await until('a painted flame graph', async () => (await coloursOn(page)) > 2);
  const table = page.getByRole('table', { name: 'Functions' });
  const row = (name: string) => table.getByRole('button', { name: new RegExp(`^${name}`) });

  /** The frame of a level, at a share of the width, is asked for something. */
  const choose = async (level: number, share: number, item: string) => {
    const graph = await page.getByRole('figure').boundingBox();
    assert.ok(graph);
    const [x, y] = [graph.x + graph.width * share, graph.y + (level + 0.5) * 18];
    await page.mouse.click(x, y, { button: 'right' });
    await page.getByRole('menuitem', { name: item }).click();
  };
  // Children stand in the order of their names: idle, serve; below it parse, render.
  await choose(2, 0.6, 'Only stacks with it');
  await page.getByText('80.0 % of the value is shown.').waitFor();
  await row('idle').waitFor({ state: 'detached' });
  await choose(3, 0.3, 'Collapse lib');
  await row('copy').waitFor({ state: 'detached' });
  await choose(3, 0.9, 'Only stacks without it');
  await page.getByText('60.0 % of the value is shown.').waitFor();
  await row('parse').waitFor();
  await shoot(page, 'steps');
  await checkAccessibility(page);

  // A link holds all of it, and each step can be taken back.
  await page.reload();
  await page.getByText('60.0 % of the value is shown.').waitFor();
  await page.getByRole('button', { name: 'Undo: collapsed lib' }).click();
  await row('copy').waitFor();
  await page.getByRole('button', { name: 'Undo: without render' }).click();
  await page.getByText('80.0 % of the value is shown.').waitFor();

  await page.getByRole('button', { name: 'Invert' }).click();
  await page.waitForURL(/invert=1/);
  await page.getByRole('figure').focus();
  // Below the root stands what most stacks end in.
  for (const key of ['ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
  await page.getByRole('status').filter({ hasText: 'copy' }).waitFor();
  // Turned round or not, the table says what functions hold by themselves.
  assert.match(await table.getByRole('row').nth(1).innerText(), /copy/);
});
