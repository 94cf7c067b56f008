import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { API, encodePprof } from '@bunsen/profile';
import type { Page } from 'playwright-core';
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

/** Opens a file on the page of files, and waits until it is drawn. */
async function openFile(page: Page, url: string, name: string, bytes: Buffer): Promise<void> {
  await page.goto(`${url}/adhoc`);
  const input = page.locator('input[type=file]');
  await input.setInputFiles({ name, mimeType: 'application/octet-stream', buffer: bytes });
  await page.getByRole('figure', { name: /^Flame graph/ }).waitFor({ timeout: 120_000 });
  await until('a painted flame graph', async () => (await coloursOn(page)) > 1);
}

/** Takes a picture in each width, and checks that nothing is cut off; the widest is left. */
async function fitsEverywhere(page: Page, name: string): Promise<void> {
  for (const [width, height] of [
    [390, 844],
    [1024, 768],
    [1440, 900],
  ] as const) {
    await assertFits(page, width, height);
    await shoot(page, `extreme-${name}-${width}`);
  }
}

const graphOf = (page: Page) => page.getByRole('figure', { name: /^Flame graph/ });
const tooltip = (page: Page) =>
  page.locator('[role=status], [role=tooltip]').filter({ hasText: 'Total' });
const functions = (page: Page) => page.getByRole('table', { name: 'Functions' });

async function saveFolded(page: Page): Promise<string> {
  await page.getByRole('button', { name: /^Export/ }).click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^Folded text/ }).click(),
  ]);
  return readFileSync(await file.path(), 'utf8');
}

test('a stack of 5000 frames: walked, zoomed to its end, copied, saved', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t, { env: { BUNSEN_MAX_STACK_DEPTH: '6000' } });
  const stack = Array.from({ length: 5000 }, (_, i) => `level${i}`).join(';');
  await pushWindow(url, `${stack} 60\nlevel0;level1;other_way 40`, {
    agoMs: 60_000,
    service: 'deep',
  });
  const page = await openBrowser(t);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(`${url}/s/deep`);
  await until('a painted flame graph', async () => (await coloursOn(page)) > 2);
  await fitsEverywhere(page, 'deep');

  // The end of the stack, by scrolling: its frame is there, and the one to click on.
  const graph = graphOf(page);
  await graph.evaluate((host) => host.scrollTo(0, host.scrollHeight));
  const box = await graph.boundingBox();
  assert.ok(box);
  const lastRow = box.y + box.height - 4 - 9;
  await page.mouse.move(box.x + 40, lastRow);
  await tooltip(page).getByText('level4999', { exact: true }).waitFor();
  await page.mouse.click(box.x + 40, lastRow);
  await page.waitForURL(/focus=/);
  await page.getByText('4996 more').waitFor();
  await shoot(page, 'extreme-deep-end');

  await page.mouse.click(box.x + 40, box.y + box.height - 60, { button: 'right' });
  await page.getByRole('menuitem', { name: 'Copy stack' }).click();
  const copied = (await page.evaluate(() => navigator.clipboard.readText())).split('\n');
  assert.deepEqual(copied.slice(0, 2), ['level0', 'level1']);
  assert.ok(copied.length > 4990, `${copied.length} lines`);

  // A link to it shows it again, where it is.
  await page.reload();
  await page.getByRole('navigation', { name: 'Zoomed to' }).getByText('level4999').waitFor();
  assert.ok((await graph.evaluate((host) => host.scrollTop)) > 80_000);
  await graph.focus();
  await page.keyboard.press('ArrowUp');
  await tooltip(page).getByText('level4999', { exact: true }).waitFor();
  await page.keyboard.press('ArrowUp');
  await tooltip(page).getByText('level4998', { exact: true }).waitFor();
  assert.match(await saveFolded(page), /;level4998;level4999 \d+\n/);
});

const ODD_NAMES = [
  'العربية::تحليل_النص',
  'פונקציה(מספר)',
  '\u202eoverridden\u202c_tail',
  'unclosed\u202erest',
  '\u2067isolated_never_closed',
  '👩‍👩‍👧‍👦🚀::launch🔥',
  'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘',
  'zero\u200bwidth\u200djoiner\ufeff',
  'c1\u0085\u009bcontrol',
  '漢字の関数名前は幅が二倍になります',
];

test('names from right to left, with emoji, marks and invisible characters', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const lines = ODD_NAMES.map((name, i) => `main;${name};inner_${i} ${20 + i}`);
  await pushWindow(url, lines.join('\n'), { agoMs: 60_000, service: 'שירות\u202eecivres' });
  const page = await openBrowser(t);
  await page.goto(url);
  await page.getByRole('table', { name: 'Busiest functions' }).waitFor();
  await fitsEverywhere(page, 'names-fleet');
  await page.getByRole('region', { name: 'Services' }).getByRole('link').first().click();
  await until('a painted flame graph', async () => (await coloursOn(page)) > 2);
  await page.getByRole('button', { name: 'Total', exact: true }).click();
  await fitsEverywhere(page, 'names');
  await checkAccessibility(page);

  for (const name of ODD_NAMES) {
    await functions(page).getByRole('button').filter({ hasText: name }).click();
    // Beside the name, in the same line and behind it, stands what it holds.
    const order = await page
      .getByRole('button', { name: 'Let go of this function' })
      .evaluate((button) => {
        const picked = button.parentElement as HTMLElement;
        const nodes = document.createTreeWalker(picked, NodeFilter.SHOW_TEXT);
        const range = document.createRange();
        const places: [string, number][] = [];
        while (nodes.nextNode()) {
          range.selectNodeContents(nodes.currentNode);
          const { left } = range.getBoundingClientRect();
          places.push([nodes.currentNode.textContent ?? '', left]);
        }
        return places;
      });
    assert.equal(order[0]?.[0], name);
    assert.match(order[1]?.[0] ?? '', /^\d+\.\d %$/);
    assert.ok((order[0]?.[1] ?? 0) < (order[1]?.[1] ?? 0), `${name}: ${JSON.stringify(order)}`);
    await page.keyboard.press('Escape');
  }
  await page.keyboard.press('/');
  await page.keyboard.type('תחל');
  await page.getByText('no match').waitFor();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('العربية');
  await page.getByText(/in 1 function$/).waitFor();
  await shoot(page, 'extreme-names-search');
  const folded = await saveFolded(page);
  for (const name of ODD_NAMES) assert.ok(folded.includes(`main;${name};inner_`), name);

  for (const name of ODD_NAMES.slice(0, 3)) {
    await page.goto(`${url}/f/${encodeURIComponent(name)}`);
    await page.getByRole('heading', { name: name.trim() }).waitFor();
    await until('a painted flame graph', async () => (await coloursOn(page)) > 1);
  }
  await shoot(page, 'extreme-names-function');
});

test('names of 10 kB', { skip: needsBrowser }, async (t) => {
  const { url } = await startServer(t);
  const part = (i: number) => `std::pair<std::basic_string<char, Tag${i}>, int>`;
  const template = `std::map<${Array.from({ length: 210 }, (_, i) => part(i)).join(', ')}>::find(int)`;
  const unbroken = 'x'.repeat(10_000);
  const wide = '漢'.repeat(3400);
  assert.ok(template.length > 9_000);
  const text = `main;${template} 50\nmain;${unbroken} 30\nmain;${wide};leaf 20`;
  await pushWindow(url, text, { agoMs: 60_000, service: 'long' });
  const page = await openBrowser(t);
  await page.goto(url);
  await page.getByRole('table', { name: 'Busiest functions' }).waitFor();
  await fitsEverywhere(page, 'long-fleet');
  await page.goto(`${url}/s/long`);
  await until('a painted flame graph', async () => (await coloursOn(page)) > 2);
  const graph = graphOf(page);
  await graph.focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
  await fitsEverywhere(page, 'long');
  await graph.focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
  const tip = await tooltip(page).boundingBox();
  assert.ok(
    tip && tip.height < 400 && tip.x >= 0 && tip.x + tip.width <= 1440,
    JSON.stringify(tip),
  );
  await page.keyboard.press('Enter');
  await page.waitForURL(/focus=/);
  await functions(page)
    .getByRole('button', { name: /^std::map::find/ })
    .click();
  await fitsEverywhere(page, 'long-picked');
  // Its page, by the link: the name is part of its URL, and of each request.
  for (const name of [template, unbroken, wide]) {
    await page.goto(`${url}/f/${encodeURIComponent(name)}`);
    await page.getByRole('table', { name: 'Cost by service' }).waitFor();
    await until('a painted flame graph', async () => (await coloursOn(page)) > 1);
  }
  await page.goto(`${url}/f/${encodeURIComponent(template)}`);
  await page.getByRole('table', { name: 'Cost by service' }).waitFor();
  await fitsEverywhere(page, 'long-function');
  await checkAccessibility(page);
});

test('one frame of everything, and a million of one sample each', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const page = await openBrowser(t);
  await openFile(page, url, 'one.txt', Buffer.from('main 1'));
  await fitsEverywhere(page, 'one');
  await functions(page).getByText('100 %').first().waitFor();
  await checkAccessibility(page);

  const lines: string[] = [];
  for (let i = 0; i < 1_000_000; i++) lines.push(`main;work_${i} 1`);
  await openFile(page, url, 'million.txt.gz', gzipSync(lines.join('\n'), { level: 1 }));
  const folded = (share: string) =>
    page.getByText(`small nodes with ${share} of the value are folded into`).waitFor();
  await folded('90.0 %');
  await page.getByRole('button', { name: /^Fetch up to 400/ }).click();
  await folded('60.0 %');
  await page.getByRole('button', { name: /^Fetch up to 1/ }).click();
  await folded('<0.01 %');
  await fitsEverywhere(page, 'million');
  await page.keyboard.press('/');
  await page.keyboard.type('work_4999');
  await page.getByText(/in 111 functions$/).waitFor();
  await shoot(page, 'extreme-million-search');
  await functions(page)
    .getByRole('button', { name: /^work_49990/ })
    .first()
    .click();
  await graphOf(page).focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter'])
    await page.keyboard.press(key);
  await page.waitForURL(/focus=/);
  await shoot(page, 'extreme-million-zoom');
});

test('values past 2^53', { skip: needsBrowser }, async (t) => {
  const { url } = await startServer(t);
  const page = await openBrowser(t);
  const most = 2n ** 63n - 1n;
  const text = `main;most ${most}\nmain;also ${most}\nmain;odd ${2n ** 53n + 1n}\nmain;one 1`;
  await openFile(page, url, 'vast.txt', Buffer.from(text));
  await fitsEverywhere(page, 'vast');
  await functions(page).getByText('18.5 E').first().waitFor();

  // As CPU time, over the server: 146 years in a window of 15 seconds.
  const pprof = pprofOfValues([
    [['main', 'most'], 2n ** 62n],
    [['main', 'one'], 1n],
  ]);
  const pushed = await fetch(url + API.push, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(gzipSync(pprof)),
  });
  assert.equal(pushed.status, 200, await pushed.text());
  await page.goto(`${url}/s/vast`);
  await until('a painted flame graph', async () => (await coloursOn(page)) > 1);
  await functions(page).getByText('146 y').first().waitFor();
  await fitsEverywhere(page, 'vast-server');
});

test('negative values: a profile that had another subtracted', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const page = await openBrowser(t);
  const bytes = pprofOfValues([
    [['main', 'serve', 'new_parser'], 400_000_000n],
    [['main', 'serve', 'old_parser'], -900_000_000n],
    [['main', 'idle'], 100_000_000n],
    [['gone'], -250_000_000n],
  ]);
  await openFile(page, url, 'difference.pb.gz', Buffer.from(gzipSync(bytes)));
  const row = (name: string) => functions(page).getByRole('row').filter({ hasText: name });
  // Of 1650 ms that are drawn.
  await row('old_parser').getByText('−900 ms').first().waitFor();
  await row('old_parser').getByText('−54.5 %').first().waitFor();
  await row('new_parser').getByText('24.2 %').first().waitFor();
  await page.getByRole('img', { name: /^Blue: subtracted/ }).waitFor();
  await fitsEverywhere(page, 'negative');
  await graphOf(page).focus();
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowDown');
  await tooltip(page).getByText('old_parser').waitFor();
  await shoot(page, 'extreme-negative-walk');
  await checkAccessibility(page);

  // What comes to nothing at all is no empty page.
  const even = pprofOfValues([
    [['main', 'up'], 5n],
    [['main', 'down'], -5n],
  ]);
  await openFile(page, url, 'even.pb', Buffer.from(even));
  await row('down').getByText('−50.0 %').first().waitFor();
});

/** A pprof of CPU time, a stack a line, root first. */
function pprofOfValues(stacks: [names: string[], valueNs: bigint][]): Uint8Array {
  const names = [...new Set(stacks.flatMap(([stack]) => stack))];
  const offsets = [0];
  for (const [stack] of stacks) offsets.push((offsets.at(-1) as number) + stack.length);
  return encodePprof({
    timeNs: BigInt(Date.now() - 60_000) * 1_000_000n,
    durationNs: 15_000_000_000n,
    sampleTypes: [{ type: 'cpu', unit: 'nanoseconds' }],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 1n,
    mappings: [],
    functions: names.map((name) => ({ name, systemName: name, mapping: -1, address: 0n })),
    stackOffsets: Uint32Array.from(offsets),
    stackFunctions: Uint32Array.from(
      stacks.flatMap(([stack]) => stack.toReversed().map((name) => names.indexOf(name))),
    ),
    sampleStack: stacks.map((_, i) => i),
    sampleLabels: stacks.map(() => 0),
    sampleValues: BigInt64Array.from(stacks, ([, value]) => value),
    labelSets: [{ service_name: 'vast' }],
  });
}
