import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AgentReport, API } from '@bunsen/profile';
import { needsRoot, startAgent, startServer } from '../harness.ts';
import { assertFits, checkAccessibility, needsBrowser, openBrowser, shoot } from './browser.ts';

const REPORT: AgentReport = {
  host: 'node-1',
  instance: '00000000-0000-4000-8000-000000000001',
  version: '0.1.0',
  kernel: '6.1.0-37-amd64',
  uptimeMs: 60_000,
  cpus: 4,
  frequencyHz: 99,
  counters: { samples_taken: 24_000, unwind_complete: 900, unwind_truncated: 100, cpu_us: 480_000 },
  gauges: { resident_bytes: 128 * 2 ** 20, spool_bytes: 0, spool_samples: 0 },
};

async function report(url: string, patch: Partial<AgentReport>): Promise<void> {
  const body = JSON.stringify({ ...REPORT, ...patch });
  const response = await fetch(url + API.agents, { method: 'POST', body });
  assert.equal(response.status, 204, await response.text());
}

test('agents by host, what one loses by name, and the way to its profiles', {
  skip: needsBrowser,
}, async (t) => {
  const { url } = await startServer(t);
  const page = await openBrowser(t);
  await page.goto(`${url}/agents`);
  await page.getByText('No agent was heard of in this range').waitFor();
  await report(url, {});
  const instance = REPORT.instance.replace('1', '2');
  const counters = { ...REPORT.counters, lost_spool_full: 2400 };
  await report(url, { host: 'node-2', instance, version: '0.0.9', counters });
  await page.getByRole('button', { name: 'Refresh', exact: true }).click();

  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await row('node-2').waitFor();
  const figures = await row('node-2').getByRole('cell').allTextContents();
  assert.deepEqual(figures.slice(0, 7), [
    'Losing samples',
    '0.0.9',
    '400',
    '10.0 %',
    '90.0 %',
    '0.20 %',
    '128 MiB',
  ]);
  // Who is in trouble comes first.
  assert.match((await page.getByRole('row').nth(1).textContent()) ?? '', /^node-2/);

  const order = page.getByRole('button', { name: 'Host', exact: true });
  await order.click();
  await page.waitForURL(/agents=host/);
  await page
    .getByRole('columnheader', { name: 'Host' })
    .and(page.locator('[aria-sort="ascending"]'))
    .waitFor();
  assert.match((await page.getByRole('row').nth(1).textContent()) ?? '', /^node-1/);
  await order.press('Enter');
  await page.waitForURL(/agents=-host/);
  assert.match((await page.getByRole('row').nth(1).textContent()) ?? '', /^node-2/);
  await page.goBack();
  await page.waitForURL(/agents=host/);

  await page.getByRole('button', { name: 'node-2' }).click();
  await page.waitForURL(/host=node-2/);
  const details = page.getByRole('region', { name: 'Agent of node-2' });
  await details.getByText('its window was given up for newer ones').waitFor();
  await details.getByText('0.008 cores, 0.20 % of the host').waitFor();
  await shoot(page, 'agents');
  await checkAccessibility(page);

  await page.getByRole('searchbox').fill('0.1.0');
  await row('node-2').waitFor({ state: 'detached' });
  await row('node-1').waitFor();
  await page.reload();
  await details.waitFor();
  await assertFits(page, 1024, 768);
  await assertFits(page, 390, 844);
  await checkAccessibility(page);
  await details.getByRole('link', { name: 'Flame graph of the host' }).click();
  await page.waitForURL(/\/all\?labels=%7Bhost%3D%22node-2%22%7D/);
});

test('an agent that runs here is listed as soon as it samples', {
  skip: needsBrowser || needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  await startAgent(t, url, { BUNSEN_HOSTNAME: 'this-host' });
  const page = await openBrowser(t);
  await page.goto(`${url}/agents?refresh=1`);
  const row = page.getByRole('row').filter({ hasText: 'this-host' });
  await row.getByText('Reporting').waitFor();
});
