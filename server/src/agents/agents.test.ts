import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AgentReport, type AgentsResponse, API } from '@bunsen/profile';
import { TestServer } from '../testing/test-server.ts';
import { REPORT_BYTES } from './read-report.ts';

const REPORT: AgentReport = {
  host: 'node-1',
  instance: '00000000-0000-4000-8000-000000000001',
  version: '0.1.0',
  kernel: '6.1.0-37-amd64',
  uptimeMs: 600_000_000,
  cpus: 4,
  frequencyHz: 99,
  counters: { samples_taken: 1000, lost_spool_full: 0, cpu_us: 5_000_000 },
  gauges: { resident_bytes: 150e6 },
};

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

async function report(patch: Partial<AgentReport> = {}): Promise<void> {
  const response = await server.fetch(API.agents, post({ ...REPORT, ...patch }));
  assert.equal(response.status, 204, await response.text());
}

function post(body: unknown): RequestInit {
  return { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
}

async function agents(): Promise<AgentsResponse['agents']> {
  const until = Date.now() + 60_000;
  return (await server.get<AgentsResponse>(API.agents, { from: 'now-1h', until })).agents;
}

test('an agent is listed by its last report, with what its counters grew by', async () => {
  await report();
  assert.deepEqual((await agents())[0]?.recent, {
    samples_taken: 0,
    lost_spool_full: 0,
    cpu_us: 0,
  });
  await report({
    uptimeMs: 600_060_000,
    counters: { samples_taken: 1400, lost_spool_full: 20, lost_rejected: 3, cpu_us: 5_600_000 },
    gauges: { resident_bytes: 160e6, spool_bytes: 5 },
  });
  const [agent, ...rest] = await agents();
  assert.deepEqual(rest, []);
  assert.equal(agent?.counters['samples_taken'], 1400);
  assert.deepEqual(agent?.gauges, { resident_bytes: 160e6, spool_bytes: 5 });
  assert.deepEqual(agent?.recent, {
    samples_taken: 400,
    lost_spool_full: 20,
    lost_rejected: 3,
    cpu_us: 600_000,
  });
  assert.equal(agent?.uptimeMs, 600_060_000);
  assert.ok(Math.abs((agent?.lastSeenMs ?? 0) - Date.now()) < 60_000);
});

test('who began in the range has counted since then; each run of an agent is one', async () => {
  const instance = '00000000-0000-4000-8000-000000000002';
  await report({ instance, uptimeMs: 5000, counters: { samples_taken: 7 } });
  await report({ host: 'node-0', instance: REPORT.instance.replace('1', '3') });
  const listed = await agents();
  assert.deepEqual(
    listed.map(({ host }) => host),
    ['node-0', 'node-1', 'node-1'],
  );
  assert.equal(listed[1]?.instance, instance);
  assert.deepEqual(listed[1]?.recent, { samples_taken: 7 });
  assert.equal(listed[1]?.recentMs, 5000);
});

test('reports that come together are all kept', async () => {
  const hosts = Array.from({ length: 50 }, (_, i) => `many-${i}`);
  await Promise.all(hosts.map((host) => report({ host })));
  const listed = (await agents()).map(({ host }) => host);
  for (const host of hosts) assert.ok(listed.includes(host), host);
});

test('what is wrong with a report is named', async () => {
  const cases: [body: unknown, code: string, message: RegExp][] = [
    ['', 'BODY_EMPTY', /JSON object/],
    ['[1]', 'BODY_MALFORMED', /one JSON object/],
    ['{"host":', 'BODY_MALFORMED', /one JSON object/],
    [{ ...REPORT, colour: 1 }, 'PARAMETER_UNKNOWN', /"colour" of a report; it has host, instance/],
    [{ ...REPORT, host: '' }, 'PARAMETER_INVALID', /^host="" is not a text of 1 to 255/],
    [{ ...REPORT, instance: 'x' }, 'PARAMETER_INVALID', /^instance="x" is not a UUID/],
    [{ ...REPORT, cpus: 0 }, 'PARAMETER_INVALID', /^cpus=0 is not a whole number from 1 to 65535/],
    [{ ...REPORT, uptimeMs: undefined }, 'PARAMETER_INVALID', /^uptimeMs=nothing is not/],
    [
      { ...REPORT, counters: { A: 1 } },
      'PARAMETER_INVALID',
      /^counters=\{"A":1\} is not an object/,
    ],
    [{ ...REPORT, gauges: { a: -1 } }, 'PARAMETER_INVALID', /^gauges=/],
    ['x'.repeat(REPORT_BYTES + 1), 'BODY_TOO_LARGE', /65537 bytes; at most 65536/],
  ];
  for (const [body, code, message] of cases) {
    const refusal = await server.refusal(API.agents, post(body));
    assert.equal(refusal.code, code, refusal.message);
    assert.match(refusal.message, message);
  }
});
