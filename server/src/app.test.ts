import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { API } from '@bunsen/profile';
import { pprofOf } from './testing/pprof-of.ts';
import { cpuQuery, searchOf, TestServer, totalOf } from './testing/test-server.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

test('alive, ready, and measured', async () => {
  assert.equal((await server.fetch('/healthz')).status, 200);
  assert.equal((await server.fetch('/readyz')).status, 200);
  await server.push(pprofOf('main;a 1\nmain;b 1', { labels: { service_name: 'metrics' } }), 'm');
  await server.push(pprofOf('main;a 1\nmain;b 1', { labels: { service_name: 'metrics' } }), 'm');
  const metrics = await (await server.fetch('/metrics')).text();
  assert.match(metrics, /^bunsen_samples_stored_total 2$/m);
  assert.match(metrics, /^bunsen_duplicate_pushes_total 1$/m);
  assert.match(metrics, /^bunsen_store_restarts 0$/m);
  assert.match(metrics, /^nodejs_eventloop_lag_p99_seconds /m);
  assert.match(
    metrics,
    /bunsen_http_request_duration_seconds_count\{route="\/api\/v1\/profiles",status="200"\} 2/,
  );
});

test('while the store is down requests fail at once and say so; then it is back with all data', async () => {
  const bytes = pprofOf('main 1', { labels: { service_name: 'down' } });
  await server.push(bytes, 'before');
  process.kill(server.app.store.embeddedPid as number, 'SIGKILL');
  let refused = 0;
  for (let i = 0; ; i++) {
    const start = performance.now();
    const response = await server.fetch('/readyz');
    if (response.status === 200 && refused > 0) break;
    if (response.status === 503) {
      refused++;
      assert.ok(performance.now() - start < 5000);
      assert.equal(response.headers.get('retry-after'), '2');
      assert.equal(((await response.json()) as { code: string }).code, 'STORE_UNAVAILABLE');
    }
    assert.ok(i < 500, 'the store does not come back');
    await sleep(10);
  }
  await server.push(bytes, 'after');
  await server.push(bytes, 'before');
  assert.equal(totalOf(await server.flame(cpuQuery('service_name="down"'))), 2e7);
});

test('a store that hangs is not ready within seconds', async () => {
  const pid = server.app.store.embeddedPid as number;
  process.kill(pid, 'SIGSTOP');
  try {
    const start = performance.now();
    const { status, message } = await server.refusal('/readyz');
    assert.equal(status, 503);
    assert.match(message, /not answered for 3 s/);
    assert.ok(performance.now() - start < 15_000);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  assert.equal((await server.fetch('/readyz')).status, 200);
});

test('when the client goes, its query is stopped', async () => {
  const stacks = Array.from({ length: 2000 }, (_, i) => `main;f${i} 1`).join('\n');
  await server.push(pprofOf(stacks, { labels: { service_name: 'slow' } }));
  const slow = server.app.store.rows('SELECT sum(sipHash64(number)) FROM numbers(100000000000)', {
    signal: AbortSignal.timeout(300),
  });
  await assert.rejects(slow);
  // The same over the API, whose queries are too short here to be caught in the middle.
  const client = request(`${server.url}${API.flamegraph}?${searchOf({ query: cpuQuery() })}`);
  client.on('error', () => {});
  client.end();
  await sleep(5);
  client.destroy();
  for (let i = 0; ; i++) {
    const [row] = await server.app.store.rows<{ running: number }>(
      'SELECT toUInt32(count()) - 1 AS running FROM system.processes',
    );
    if (Number(row?.running) === 0) break;
    assert.ok(i < 50, 'a query still runs 5 s later');
    await sleep(100);
  }
  assert.equal((await server.fetch('/readyz')).status, 200);
});

test('replies are compressed for those who take it', async () => {
  // A range that does not move on between two requests, as the default one does.
  const untilMs = Date.now();
  const search = {
    query: cpuQuery('service_name="slow"'),
    from: untilMs - 3_600_000,
    until: untilMs,
  };
  const path = `${API.flamegraph}?${searchOf(search)}`;
  const raw = (accept: string): Promise<{ encoding: unknown; body: Buffer }> =>
    new Promise((resolve, reject) => {
      request(server.url + path, { headers: { 'accept-encoding': accept } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) });
        });
      })
        .on('error', reject)
        .end();
    });
  const plain = await raw('identity');
  assert.equal(plain.encoding, undefined);
  const zipped = await raw('gzip');
  assert.equal(zipped.encoding, 'gzip');
  assert.deepEqual(gunzipSync(zipped.body), plain.body);
  assert.equal((await raw('br, gzip')).encoding, 'br');
});

test('what the framework refuses has the shape of every error, too', async () => {
  const malformed = await server.refusal('/api/v1/labels/%zz/values');
  assert.deepEqual([malformed.status, malformed.code], [400, 'PARAMETER_INVALID']);
  assert.match(malformed.message, /%zz/);
  const long = await server.refusal(`/api/v1/labels/${'a'.repeat(5000)}/values`);
  assert.deepEqual([long.status, long.code], [400, 'PARAMETER_INVALID']);
  const typeless = await server.refusal(API.push, {
    method: 'POST',
    headers: { 'content-type': ';;;' },
    body: 'x',
  });
  assert.deepEqual([typeless.status, typeless.code], [415, 'CONTENT_TYPE_UNSUPPORTED']);
  assert.match(typeless.message, /Content-Type ;;;/);
});

test('a route that has another method says so', async () => {
  const refused = await server.refusal(API.push);
  assert.deepEqual([refused.status, refused.code], [405, 'METHOD_NOT_ALLOWED']);
  assert.equal((await server.refusal('/api/v2/flamegraph')).status, 404);
});
