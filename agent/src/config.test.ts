import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OPTIONS, readConfig } from './config.ts';

test('defaults', () => {
  const config = readConfig({});
  assert.equal(config.serverUrl, 'http://127.0.0.1:4040');
  assert.equal(config.frequencyHz, 99);
  assert.equal(config.pids, undefined);
  assert.deepEqual(config.metricsAddress, { host: '127.0.0.1', port: 4041 });
});

test('lists, exclusion and switches', () => {
  const config = readConfig({
    BUNSEN_PIDS: '!1,2',
    BUNSEN_CGROUP_IDS: '25',
    BUNSEN_LABELS: 'env=prod, zone=a',
    BUNSEN_LABEL_PID: '1',
    BUNSEN_AGENT_METRICS: 'off',
    BUNSEN_SERVER_URL: 'https://bunsen.internal/',
  });
  assert.deepEqual(config.pids, { mode: 'exclude', values: [1, 2] });
  assert.deepEqual(config.cgroupIds, { mode: 'include', values: [25n] });
  assert.deepEqual(config.labels, { env: 'prod', zone: 'a' });
  assert.equal(config.labelPid, true);
  assert.equal(config.metricsAddress, undefined);
  assert.equal(config.serverUrl, 'https://bunsen.internal');
});

test('empty is not set; an IPv6 address stands in brackets', () => {
  const { frequencyHz, metricsAddress } = readConfig({
    BUNSEN_FREQUENCY_HZ: '',
    BUNSEN_AGENT_METRICS: '[::1]:4041',
  });
  assert.equal(frequencyHz, 99);
  assert.deepEqual(metricsAddress, { host: '::1', port: 4041 });
});

const wrong: [string, string, RegExp][] = [
  ['BUNSEN_FREQUENCY_HZ', '0', /BUNSEN_FREQUENCY_HZ="0": must be a whole number from 1 to 4999/],
  ['BUNSEN_FREQUENCY_HZ', 'fast', /from 1 to 4999/],
  ['BUNSEN_CPU_BUDGET_PERCENT', '0', /must be a number above 0, at most 100/],
  ['BUNSEN_CPU_BUDGET_PERCENT', '1%', /BUNSEN_CPU_BUDGET_PERCENT="1%"/],
  ['BUNSEN_MEMORY_BUDGET_BYTES', '1000', /from 67108864 to/],
  ['BUNSEN_SERVER_URL', 'bunsen:4040', /BUNSEN_SERVER_URL="bunsen:4040": must be a URL such as/],
  ['BUNSEN_LABELS', 'prod', /prod has no =/],
  ['BUNSEN_LABELS', 'host=a', /must not have host: BUNSEN_HOSTNAME sets it/],
  ['BUNSEN_SERVER_URL', 'http://me:secret@bunsen', /must not carry a user name/],
  ['BUNSEN_LABELS', '9=x', /label name "9"/],
  ['BUNSEN_LABEL_PID', 'yes', /must be 0 or 1/],
  ['BUNSEN_PIDS', 'a', /BUNSEN_PIDS="a"/],
  ['BUNSEN_CGROUP_IDS', 'x', /cgroup ids/],
  ['BUNSEN_AGENT_METRICS', '4041', /host:port, or off/],
  ['BUNSEN_AGENT_METRICS', 'localhost:99999', /from 0 to 65535/],
];
for (const [name, value, message] of wrong) {
  test(`${name}=${value} is refused by name`, () => {
    assert.throws(() => readConfig({ [name]: value }), message);
  });
}

test("the README's table of options is the code's", () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  for (const { env, about } of Object.values(OPTIONS)) {
    assert.ok(readme.includes(`| \`${env}\` |`), `${env} is missing in agent/README.md`);
    assert.ok(readme.includes(about), `agent/README.md does not say of ${env}: ${about}`);
  }
});
