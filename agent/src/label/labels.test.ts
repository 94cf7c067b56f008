import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { checkLabels } from '@bunsen/profile';
import { parseRules } from '../relabel/relabel-file.ts';
import { Relabeler } from '../relabel/relabeler.ts';
import { ContainerNames, parseCgroup } from './cgroup.ts';
import { type ProcessFacts, processLabels, threadSeries } from './series-labels.ts';

const ID = `${'f'.repeat(60)}0123`;
const UID = '12345678-1234-1234-1234-123456789abc';

const places: [string, string, Partial<ReturnType<typeof parseCgroup>>][] = [
  ['systemd service, v2', '0::/system.slice/nginx.service\n', { unit: 'nginx' }],
  [
    'service with a template and an escaped dash',
    '0::/system.slice/system-postgresql.slice/postgresql@15\\x2dmain.service\n',
    { unit: 'postgresql@15-main' },
  ],
  [
    'hybrid: the named v1 hierarchy says more than v2',
    '12:cpu:/\n1:name=systemd:/system.slice/cron.service\n0::/\n',
    { unit: 'cron' },
  ],
  [
    "a user's session is no service, an app of the session is",
    '0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor.service\n',
    { unit: 'app-editor' },
  ],
  ['a login', '0::/user.slice/user-1000.slice/session-3.scope\n', { unit: '' }],
  [
    'only the service manager of a user',
    '0::/user.slice/user-1000.slice/user@1000.service/init.scope\n',
    { unit: '' },
  ],
  ['Docker, v2 with systemd', `0::/system.slice/docker-${ID}.scope\n`, { containerId: ID }],
  ['Docker, v1 with cgroupfs', `4:memory:/docker/${ID}\n`, { containerId: ID }],
  [
    'Kubernetes with systemd',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID.replaceAll('-', '_')}.slice/cri-containerd-${ID}.scope\n`,
    { containerId: ID, podUid: UID },
  ],
  [
    'Kubernetes with cgroupfs',
    `11:cpu:/kubepods/besteffort/pod${UID}/${ID}\n`,
    { containerId: ID, podUid: UID },
  ],
  ['Podman', `0::/machine.slice/libpod-${ID}.scope/container\n`, { containerId: ID }],
  ['the root', '0::/\n', {}],
  ['a process that is gone', '', {}],
];

for (const [name, cgroup, expected] of places) {
  test(`cgroup: ${name}`, () => {
    const { path: _, ...place } = parseCgroup(cgroup);
    assert.deepEqual(place, { unit: '', containerId: '', podUid: '', ...expected });
  });
}

test('container names come from what Kubernetes and Docker leave on disk', async (t) => {
  const root = await mkdtemp(path.join(os.tmpdir(), 'bunsen-containers-'));
  t.after(() => rm(root, { recursive: true }));
  const other = '0'.repeat(64);
  await mkdir(path.join(root, 'var/log/containers'), { recursive: true });
  await writeFile(path.join(root, `var/log/containers/web-7d9f_shop_nginx-${ID}.log`), '');
  await mkdir(path.join(root, 'var/lib/docker/containers', other), { recursive: true });
  await writeFile(
    path.join(root, 'var/lib/docker/containers', other, 'config.v2.json'),
    '{"Name":"/shop-db"}',
  );
  const names = new ContainerNames(root);
  assert.equal(await names.nameOf(ID), 'nginx');
  assert.equal(await names.nameOf(other), 'shop-db');
  assert.equal(await names.nameOf('1'.repeat(64)), '');
});

const options = {
  host: 'h1',
  labels: { env: 'prod' },
  labelPid: false,
  environmentLabels: [],
  containers: new ContainerNames('/nonexistent'),
  pods: undefined,
  relabeler: new Relabeler([]),
};
const FACTS: ProcessFacts = {
  pid: 7,
  exe: '/usr/sbin/nginx',
  cgroup: '',
  commandLine: '',
  environment: new Map(),
  kernelThread: false,
};

/** The series of a thread of such a process. */
async function seriesOf(facts: Partial<ProcessFacts>, comm: string, more = {}) {
  const all = { ...options, ...more };
  return threadSeries(await processLabels({ ...FACTS, ...facts }, all), comm, all.relabeler);
}

async function labelsOf(facts: Partial<ProcessFacts>, comm: string, more = {}) {
  const series = await seriesOf(facts, comm, more);
  assert.ok('labels' in series);
  return series.labels;
}

test('service: the unit, else the executable, else the name of the thread', async () => {
  const cgroup = '0::/system.slice/web.service';
  assert.deepEqual(await labelsOf({ cgroup }, 'nginx'), {
    env: 'prod',
    host: 'h1',
    service_name: 'web',
    comm: 'nginx',
  });
  const service = async (exe: string, comm = 'x') => (await labelsOf({ exe }, comm)).service_name;
  assert.equal(await service('/opt/app (deleted)'), 'app');
  assert.equal(await service('/memfd:sealed-91173 (deleted)', 'runc'), 'runc');
  assert.equal(await service('', 'cc1'), 'cc1');
});

test('a container without a name on disk keeps its id as a label', async () => {
  const cgroup = `0::/system.slice/docker-${ID}.scope`;
  assert.deepEqual(await labelsOf({ exe: '/app', cgroup }, 'app', { labelPid: true }), {
    env: 'prod',
    host: 'h1',
    service_name: 'app',
    container_id: ID.slice(0, 12),
    pid: '7',
    comm: 'app',
  });
});

test('kernel threads are one service, and kworkers one series', async () => {
  const facts = { pid: 2, exe: '', cgroup: '0::/', kernelThread: true };
  const labels = await labelsOf(facts, 'kworker/1:2-events');
  assert.equal(labels.service_name, 'kernel');
  assert.equal(labels.comm, 'kworker');
});

test('variables become labels: the first of a label that is set counts', async () => {
  const environmentLabels = [
    { variable: 'DD_VERSION', label: 'version' },
    { variable: 'VERSION', label: 'version' },
    { variable: 'DD_SERVICE', label: 'service_name' },
    { variable: 'EMPTY', label: 'empty' },
  ];
  const environment = new Map([
    ['VERSION', '1.2'],
    ['DD_SERVICE', 'shop'],
    ['EMPTY', ''],
  ]);
  const labels = await labelsOf({ environment }, 'nginx', { environmentLabels });
  assert.equal(labels['version'], '1.2');
  assert.equal(labels.service_name, 'shop');
  assert.ok(!('empty' in labels));
  environment.set('DD_VERSION', '1.3');
  assert.equal((await labelsOf({ environment }, 'x', { environmentLabels }))['version'], '1.3');
});

test('what one process puts into its labels cannot have the whole window refused', async () => {
  const environmentLabels = Array.from({ length: 70 }, (_, i) => ({
    variable: `V${i}`,
    label: `v${String(i).padStart(2, '0')}`,
  }));
  const environment = new Map(
    environmentLabels.map(({ variable }) => [variable, 'é'.repeat(5000)]),
  );
  const labels = await labelsOf({ environment }, 'x', { environmentLabels });
  checkLabels(labels);
  assert.equal(labels['v00'], 'é'.repeat(1024));
  assert.equal(labels['host'], 'h1');
  assert.equal(labels['service_name'], 'nginx');
});

test('rules see what is known of the process; what begins with __ stays behind', async () => {
  const relabeler = new Relabeler(
    parseRules(`
- { source_labels: [__meta_process_cmdline], regex: '.*--shard=(\\d+).*', target_label: shard }
- { source_labels: [__meta_thread_comm, __meta_systemd_unit], regex: 'gc;web', action: drop }
- { regex: env|service_name, action: labeldrop }
- { target_label: __tmp, replacement: x }`),
  );
  const facts = { commandLine: 'web --shard=12 -v', cgroup: '0::/system.slice/web.service' };
  assert.deepEqual(await labelsOf(facts, 'worker', { relabeler }), {
    host: 'h1',
    shard: '12',
    comm: 'worker',
    service_name: 'worker',
  });
  const dropped = await seriesOf(facts, 'gc', { relabeler });
  assert.equal('droppedBy' in dropped && dropped.droppedBy.name, 'relabel_configs[1] drop');
});
