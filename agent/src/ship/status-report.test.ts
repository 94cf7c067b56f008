import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { AgentReport } from '@bunsen/profile';
import { Accounting } from '../status/accounting.ts';
import type { Spool } from './spool.ts';
import { agentReport, reportStatus } from './status-report.ts';

const spool = { sizeBytes: 70, samples: 7 } as Spool;

function report(): AgentReport {
  const accounting = new Accounting();
  accounting.lost.rejected = 3;
  accounting.shippedSamples = 90;
  return agentReport({
    host: 'node-1',
    instance: '00000000-0000-4000-8000-00000000000a',
    cpus: 2,
    frequencyHz: 99,
    kernelCounters: () => ({
      samples_taken: 100,
      filtered_idle: 4,
      unwind_complete: 80,
      drains: 9,
    }),
    accounting,
    spool,
  });
}

test('a report has the accounting, how walks ended and what the agent costs', () => {
  const { counters, gauges, version, uptimeMs } = report();
  const { cpu_us: cpuUs, ...rest } = counters;
  assert.deepEqual(rest, {
    samples_taken: 100,
    filtered_idle: 4,
    unwind_complete: 80,
    filtered_relabel: 0,
    lost_spool_full: 0,
    lost_spool_write_failed: 0,
    lost_rejected: 3,
    inherited: 0,
    shipped: 90,
  });
  assert.ok((cpuUs ?? 0) > 0 && uptimeMs > 0);
  assert.equal(gauges['spool_bytes'], 70);
  assert.equal(gauges['spool_samples'], 7);
  assert.ok((gauges['resident_bytes'] ?? 0) > 1e6);
  assert.match(version, /^\d+\.\d+\.\d+/);
});

test('it is sent at once, and trouble is told once and ends nothing', async (t) => {
  const bodies: AgentReport[] = [];
  const server = http.createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    bodies.push(JSON.parse(text));
    response.statusCode = 404;
    response.end('{"code":"NOT_FOUND"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const stop = new AbortController();
  const troubles: string[] = [];
  const told = new Promise<void>((resolve) => {
    const { port } = server.address() as AddressInfo;
    const running = reportStatus(`http://127.0.0.1:${port}`, report, stop.signal, (reason) => {
      troubles.push(reason);
      stop.abort();
      void running.then(resolve);
    });
  });
  await told; // the loop has ended, too
  assert.equal(bodies[0]?.host, 'node-1');
  assert.deepEqual(troubles, ['404 {"code":"NOT_FOUND"}']);
});
