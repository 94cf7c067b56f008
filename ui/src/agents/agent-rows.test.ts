import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentsResponse } from '@bunsen/profile';
import type { AgentColumn } from '../url/view-state.ts';
import { agentRows, sortAgents } from './agent-rows.ts';

const NOW = 10_000_000;

function agent(host: string, patch: Partial<AgentsResponse['agents'][number]> = {}) {
  return {
    host,
    instance: '00000000-0000-4000-8000-000000000001',
    version: '0.1.0',
    kernel: '6.1.0',
    uptimeMs: 60_000,
    cpus: 4,
    frequencyHz: 99,
    counters: {},
    gauges: {},
    lastSeenMs: NOW - 30_000,
    recentMs: 60_000,
    recent: { samples_taken: 6000 },
    ...patch,
  };
}
const rowsOf = (...agents: AgentsResponse['agents']) =>
  agentRows({ fromMs: 0, untilMs: NOW + 400_000, nowMs: NOW, agents });

test('figures are of the range: rates, shares and names of what is not zero', () => {
  const recent = {
    samples_taken: 6000,
    shipped: 5000,
    lost_spool_full: 60,
    lost_rejected: 0,
    lost_counts_full: 240,
    filtered_idle: 500,
    unwind_complete: 900,
    unwind_by_pointer: 80,
    unwind_requests_lost: 7,
    user_stack_failed: 20,
    cpu_us: 900_000,
    sampler_us: 300_000,
  };
  const [row] = rowsOf(agent('a', { recent }));
  assert.equal(row?.samplesPerSecond, 100);
  assert.equal(row?.lostShare, 0.05);
  assert.deepEqual(row?.lost, [
    { name: 'counts_full', count: 240 },
    { name: 'spool_full', count: 60 },
  ]);
  assert.deepEqual(row?.filtered, [{ name: 'idle', count: 500 }]);
  assert.equal(row?.completeShare, 0.9);
  assert.equal(row?.cores, 0.02);
  assert.equal(row?.state, 'losing');
});

test('a host has one row, of the agent that was heard of last; trouble comes first', () => {
  const rows = rowsOf(
    agent('b', { lastSeenMs: NOW - 1000, version: 'new' }),
    agent('b', { lastSeenMs: NOW - 90_000, version: 'old' }),
    agent('c', { lastSeenMs: NOW - 600_000 }),
    agent('a'),
    agent('d', { recent: { samples_taken: 10, lost_rejected: 1 } }),
  );
  assert.deepEqual(
    rows.map(({ host, state, runs }) => [host, state, runs]),
    [
      ['c', 'silent', 1],
      ['d', 'losing', 1],
      ['a', 'reporting', 1],
      ['b', 'reporting', 2],
    ],
  );
  assert.equal(rows[3]?.agent.version, 'new');
});

test('what has not been counted yet is not zero', () => {
  const [row] = rowsOf(
    agent('a', { recentMs: 300, recent: { samples_taken: 0, cpu_us: 150_000 } }),
  );
  assert.equal(row?.samplesPerSecond, undefined);
  assert.equal(row?.lostShare, undefined);
  assert.equal(row?.completeShare, undefined);
  assert.equal(row?.cores, undefined);
});

test('sorted by a column, either way, with what was not counted at the end', () => {
  const rows = rowsOf(
    agent('node-10', { gauges: { resident_bytes: 5 } }),
    agent('node-9', { recentMs: 0, gauges: { resident_bytes: 7 } }),
    agent('node-2', { recent: { samples_taken: 60 } }),
  );
  const hosts = (by: AgentColumn, ascending: boolean) =>
    sortAgents(rows, { by, ascending }).map(({ host }) => host);
  assert.deepEqual(hosts('host', true), ['node-2', 'node-9', 'node-10']);
  assert.deepEqual(hosts('host', false), ['node-10', 'node-9', 'node-2']);
  assert.deepEqual(hosts('samples', false), ['node-10', 'node-2', 'node-9']);
  assert.deepEqual(hosts('samples', true), ['node-2', 'node-10', 'node-9']);
  assert.deepEqual(hosts('memory', true), ['node-10', 'node-9', 'node-2']);
  assert.deepEqual(
    hosts('version', false),
    rows.map(({ host }) => host),
  );
});
