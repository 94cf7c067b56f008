import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Governor } from '../govern/governor.ts';
import type { WindowColumns } from '../sample/native.ts';
import { Spool } from '../ship/spool.ts';
import { Accounting } from './accounting.ts';
import { serveStatus } from './server.ts';
import { WalksByProcess } from './walks.ts';

const STRINGS = ['', 'nginx', 'unwind_complete', 'unwind_absent', 'user_stack_failed'];
const string = (index: number) => STRINGS[index] as string;

/** A window of two processes, of which the second has been sampled in the kernel alone. */
const window = (pids: [number, number], count: bigint) =>
  ({
    processPid: Uint32Array.from(pids),
    processStartTicks: BigUint64Array.from([10n, 20n]),
    processComm: Uint32Array.from([1, 1]),
    sampleProcess: Uint32Array.from([0, 0, 1]),
    sampleCount: BigUint64Array.from([count, 1n, 2n]),
    walkProcess: Uint32Array.from([0, 0]),
    walkEnd: Uint32Array.from([2, 3]),
    walkCount: BigUint64Array.from([count, 1n]),
  }) as unknown as WindowColumns;

test('walks are told by process, over windows; a reused pid is another process', () => {
  const walks = new WalksByProcess();
  walks.add(window([7, 8], 5n), string, [{ service_name: 'web' }, {}]);
  walks.add(window([7, 9], 3n), string, [{ service_name: 'web2' }, {}]);
  assert.deepEqual(walks.top(2), [
    { pid: 7, service: 'web2', samples: 10, ends: { complete: 8, absent: 2 } },
    { pid: 8, service: 'nginx', samples: 2, ends: {} },
  ]);
  for (let i = 0; i < 20; i++) walks.add(window([7, 9], 1n), string, [{}, {}]);
  assert.ok(!walks.top(99).some(({ pid }) => pid === 8), 'older than five minutes');
});

async function served(counters: Record<string, number>) {
  const directory = path.join(os.tmpdir(), `bunsen-status-${process.pid}`);
  const options = { directory, maxBytes: 1e6, instance: '', onDropped: () => undefined };
  const parts = {
    host: 'h1',
    serverUrl: 'http://bunsen:4040',
    limits: ['without bpf_loop <b>'],
    sampler: { counters: () => counters },
    spool: await Spool.open(options),
    accounting: new Accounting(),
    governor: new Governor({ cpuShare: 0.01, memoryBytes: 1e8 }, 99),
    walks: new WalksByProcess(),
    pods: {
      containers: 12,
      requests: { answered: 3, failed: 1 },
      failure: 'connection <refused>',
    },
  };
  const server = serveStatus(parts, { host: '127.0.0.1', port: 0 }, assert.fail);
  await new Promise((resolve) => server.on('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const get = async (url: string) => (await fetch(`http://127.0.0.1:${port}${url}`)).text();
  return { parts, get, server };
}

test('page and metrics show the same balance, and names that are no HTML', async (t) => {
  const counters = { samples_taken: 1234, filtered_idle: 1000, lost_counts_full: 4 };
  const { parts, get, server } = await served({ ...counters, samples_folded: 220 });
  t.after(() => server.close());
  parts.walks.add(window([7, 8], 5n), string, [{ service_name: '<script>alert(1)</script>' }, {}]);
  parts.accounting.delayedBy = '503 "busy" & <b>';
  const page = await get('/');
  assert.match(page, /<p class="warn">without bpf_loop &#60;b&#62;<\/p>/);
  assert.match(page, /&#60;script&#62;alert/);
  assert.doesNotMatch(page, /<script|<b>|<refused/);
  assert.match(page, /Containers that are known<\/th><td class="number">12</);
  assert.match(page, /Taken<\/th><td class="number">1,234/);
  assert.match(page, /counts full<\/th><td class="number">4</);
  assert.match(page, /in the open window<\/th><td class="number">220</);
  assert.match(page, /in the kernel<\/th><td class="number">10</);
  const metrics = await get('/metrics');
  assert.match(metrics, /^bunsen_agent_samples_on_the_way\{place="window"\} 220$/m);
  assert.match(metrics, /^bunsen_agent_samples_unaccounted 0$/m);
  assert.match(metrics, /^bunsen_agent_frequency_hz 99$/m);
  assert.match(metrics, /^bunsen_agent_kubernetes_requests_total\{result="failed"\} 1$/m);
  assert.equal(await get('/healthz'), 'ok\n');
  assert.match(await get('/nothing'), /\/metrics and \/healthz/);
});

test('a port that is taken is reported', async (t) => {
  const { parts, server } = await served({});
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const error = await new Promise<Error>((resolve) => {
    serveStatus(parts, { host: '127.0.0.1', port }, resolve);
  });
  assert.match(error.message, /EADDRINUSE/);
  assert.ok(server instanceof http.Server);
});
