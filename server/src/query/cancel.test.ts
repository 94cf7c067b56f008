import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { API, CPU_PROFILE_TYPE } from '@bunsen/profile';
import { DEFAULT_TENANT } from '../store/profile-batch.ts';
import { cpuQuery, searchOf, TestServer } from '../testing/test-server.ts';

/** Tables without end: whatever reads them runs until it is stopped. */
let server: TestServer;
before(async () => {
  server = await TestServer.start({
    BUNSEN_QUERY_ROWS: String(Number.MAX_SAFE_INTEGER),
    BUNSEN_QUERY_TIME_MS: '600000',
  });
  const { store } = server.app;
  await store.command(`INSERT INTO samples (tenant, service, type, h, stack_id, value, unit)
    VALUES ('${DEFAULT_TENANT}', 'api', '${CPU_PROFILE_TYPE}', toStartOfHour(now()), 1, 1, 1)`);
  await store.command(`INSERT INTO series (tenant, day, service, type, series, labels)
    VALUES ('${DEFAULT_TENANT}', today(), 'api', '${CPU_PROFILE_TYPE}', 0, {'pod': 'a'})`);
  const endless: Record<string, string> = {
    stacks: 'toMonday(now()) AS week, number AS stack_id, [toString(number)] AS frames',
    profiles: `'${CPU_PROFILE_TYPE}' AS type, toUInt64(0) AS series, now64(3) AS ts, 1 AS total`,
  };
  for (const [table, columns] of Object.entries(endless)) {
    await store.command(`RENAME TABLE ${table} TO ${table}_before`);
    await store.command(`CREATE VIEW ${table} AS
      SELECT '${DEFAULT_TENANT}' AS tenant, 'api' AS service, ${columns} FROM numbers(1000000000000)`);
  }
});
after(() => server.close());

// By a label: what rollups have is not asked of the tables without end.
const selection = {
  query: cpuQuery('service_name="api", pod="a"'),
  from: 'now-2h',
  until: 'now+2h',
};
const side = { from: 'now-2h', until: 'now+2h' };
const requests: Record<string, [path: string, params: Record<string, string>]> = {
  'flame graph': [API.flamegraph, selection],
  callers: [API.callers, { ...selection, function: 'main' }],
  comparison: [
    API.diff,
    {
      left: selection.query,
      leftFrom: side.from,
      leftUntil: side.until,
      right: selection.query,
      rightFrom: side.from,
      rightUntil: side.until,
    },
  ],
  functions: [API.functions, selection],
  series: [API.series, { ...selection, stepMs: '3600000' }],
};

/** Over Connect in JSON. */
const calls: Record<string, [method: string, more: object]> = {
  'merged stacks': ['SelectMergeStacktraces', {}],
  'merged profile': ['SelectMergeProfile', {}],
  'series over Connect': ['SelectSeries', { step: 3600 }],
};

/** Requests by their names: each is begun anew. */
const all: Record<string, (signal: AbortSignal) => Promise<Response>> = {};
for (const [name, [path, params]] of Object.entries(requests)) {
  all[name] = (signal) => server.fetch(`${path}?${searchOf(params)}`, { signal });
}
for (const [name, [method, more]] of Object.entries(calls)) {
  all[name] = (signal) =>
    server.fetch(`/querier.v1.QuerierService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: callBody(more),
      signal,
    });
}

for (const [name, begin] of Object.entries(all)) {
  test(`a client that goes away stops its query in the store: ${name}`, async () => {
    const client = new AbortController();
    const response = begin(client.signal);
    const gone = assert.rejects(response, { name: 'AbortError' });
    await until('it runs', async () => (await running()) === 1);
    client.abort();
    await gone;
    await until('it has ended', async () => (await running()) === 0);
  });
}

test('a call stops its query when its time is up, and says so', async () => {
  const reply = await server.fetch('/querier.v1.QuerierService/SelectSeries', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'connect-timeout-ms': '500' },
    body: callBody({ step: 3600 }),
  });
  const { code } = (await reply.json()) as { code: string };
  assert.deepEqual([reply.status, code], [504, 'deadline_exceeded']);
  await until('it has ended', async () => (await running()) === 0);
});

function callBody(more: object): string {
  return JSON.stringify({
    profileTypeID: CPU_PROFILE_TYPE,
    labelSelector: '{service_name="api", pod="a"}',
    start: Date.now() - 7_200_000,
    end: Date.now() + 7_200_000,
    ...more,
  });
}

async function running(): Promise<number> {
  const [row] = await server.app.store.rows<{ n: number }>(
    `SELECT toUInt32(count()) AS n FROM system.processes
     WHERE query LIKE '%${CPU_PROFILE_TYPE}%' AND query NOT LIKE '%system.processes%'`,
  );
  return row?.n ?? 0;
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await condition()); i++) {
    assert.ok(i < 200, `not so 10 s later: ${what}`);
    await sleep(50);
  }
}
