import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { atEnd, compile, freePort, needsRoot, startAgent, startServer, until } from '../harness.ts';
import { checkAccessibility, needsBrowser, openBrowser, shoot } from './browser.ts';

test("the agent's status page: where its samples went, cost, and the walks of each process", {
  skip: needsBrowser || needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  const port = await freePort();
  const agent = `http://127.0.0.1:${port}`;
  await startAgent(t, url, {
    BUNSEN_AGENT_METRICS: `127.0.0.1:${port}`,
    BUNSEN_CPU_BUDGET_PERCENT: '1',
    BUNSEN_HOSTNAME: 'host-1',
  });
  const burn = spawn(compile(t, 'burn'), ['100'], { stdio: 'ignore' });
  atEnd(t, () => burn.kill('SIGKILL'));
  const metric = async (name: string) => {
    const text = await (await fetch(`${agent}/metrics`)).text();
    const values = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'));
    return Array.from(values, ([, value]) => Number(value)).reduce((sum, value) => sum + value, 0);
  };
  // The second judged window: until then the cost is not told.
  const shared = async () => (await metric('bunsen_agent_cpu_share')) > 0;
  await until('the cost to be measured', shared, 60_000);

  const page = await openBrowser(t);
  await page.goto(`${agent}/`);
  const row = page.getByRole('row').filter({ hasText: 'burn' });
  assert.match((await row.textContent()) ?? '', new RegExp(`burn\\s+${burn.pid}\\s`));
  await page.getByRole('row', { name: /^CPU time of the host .* \(budget 1 %\)/ }).waitFor();
  await page.getByRole('row', { name: /^Unaccounted 0$/ }).waitFor();
  await page.getByRole('row', { name: /^reached the outermost frame/ }).waitFor();
  await checkAccessibility(page);
  await shoot(page, 'agent-status-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await shoot(page, 'agent-status-light');
  await page.setViewportSize({ width: 400, height: 900 });
  await shoot(page, 'agent-status-narrow');

  assert.ok((await metric('bunsen_agent_kernel_seconds_total')) > 0);
  assert.equal(await metric('bunsen_agent_samples_unaccounted'), 0);
});
