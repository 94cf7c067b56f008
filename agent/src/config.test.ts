import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OPTIONS, readConfig } from './config.ts';
import { META_LABELS } from './label/meta-labels.ts';
import { ACTIONS } from './relabel/rule.ts';

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

test('variables of the environment, with the label that each becomes', () => {
  const { environmentLabels } = readConfig({
    BUNSEN_ENV_LABELS: 'VERSION, DD_VERSION:version,DD_SERVICE:service_name',
  });
  assert.deepEqual(environmentLabels, [
    { variable: 'VERSION', label: 'version' },
    { variable: 'DD_VERSION', label: 'version' },
    { variable: 'DD_SERVICE', label: 'service_name' },
  ]);
});

const wrong: [string, string, RegExp][] = [
  ['BUNSEN_FREQUENCY_HZ', '0', /BUNSEN_FREQUENCY_HZ="0": must be a whole number from 1 to 4999/],
  ['BUNSEN_FREQUENCY_HZ', 'fast', /from 1 to 4999/],
  ['BUNSEN_CPU_BUDGET_PERCENT', '0', /must be a number above 0, at most 100/],
  ['BUNSEN_CPU_BUDGET_PERCENT', '1%', /BUNSEN_CPU_BUDGET_PERCENT="1%"/],
  ['BUNSEN_MEMORY_BUDGET_BYTES', '1000', /from 67108864 to/],
  ['BUNSEN_SERVER_URL', 'bunsen:4040', /BUNSEN_SERVER_URL="bunsen:4040": must be a URL such as/],
  ['BUNSEN_LABELS', 'prod', /prod has no =/],
  ['BUNSEN_AGENT_WITHOUT', 'loops', /="loops": must be names out of tables, bpf_loop, /],
  ['BUNSEN_LABELS', 'host=a', /must not have host: BUNSEN_HOSTNAME sets it/],
  ['BUNSEN_SERVER_URL', 'http://me:secret@bunsen', /must not carry a user name/],
  ['BUNSEN_LABELS', '9=x', /label name "9"/],
  ['BUNSEN_ENV_LABELS', 'A:b:c', /must be a list such as VERSION,DD_VERSION:version; not A:b:c/],
  ['BUNSEN_ENV_LABELS', 'A-B', /not A-B/],
  ['BUNSEN_ENV_LABELS', 'A:host', /must not set host: BUNSEN_HOSTNAME sets it/],
  ['BUNSEN_ENV_LABELS', 'A:9', /label name "9"/],
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

test("the README's lists of meta labels and actions are the code's", () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  for (const [label, about] of Object.entries(META_LABELS)) {
    assert.ok(readme.includes(`| \`${label}\` | ${about} |`), `${label} | ${about}`);
  }
  for (const action of ACTIONS) assert.ok(readme.includes(`\`${action}\``), action);
});
