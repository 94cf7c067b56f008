import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ContainerNames, parseCgroup } from './cgroup.ts';
import { processLabels, threadLabels } from './series-labels.ts';

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
    assert.deepEqual(parseCgroup(cgroup), { unit: '', containerId: '', podUid: '', ...expected });
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
  containers: new ContainerNames('/nonexistent'),
};

test('service: the unit, else the executable, else the name of the thread', async () => {
  const facts = { pid: 7, exe: '/usr/sbin/nginx', cgroup: '', kernelThread: false };
  const unit = await processLabels({ ...facts, cgroup: '0::/system.slice/web.service' }, options);
  assert.deepEqual(threadLabels(unit, 'nginx', false), {
    env: 'prod',
    host: 'h1',
    service_name: 'web',
    comm: 'nginx',
  });
  const exe = await processLabels({ ...facts, exe: '/opt/app (deleted)' }, options);
  assert.equal(exe.service_name, 'app');
  const memory = await processLabels({ ...facts, exe: '/memfd:sealed-91173 (deleted)' }, options);
  assert.equal(threadLabels(memory, 'runc', false).service_name, 'runc');
  const gone = await processLabels({ ...facts, exe: '' }, options);
  assert.equal(threadLabels(gone, 'cc1', false).service_name, 'cc1');
});

test('a container without a name on disk keeps its id as a label', async () => {
  const labels = await processLabels(
    { pid: 7, exe: '/app', cgroup: `0::/system.slice/docker-${ID}.scope`, kernelThread: false },
    { ...options, labelPid: true },
  );
  assert.deepEqual(labels, {
    env: 'prod',
    host: 'h1',
    service_name: 'app',
    container_id: ID.slice(0, 12),
    pid: '7',
  });
});

test('kernel threads are one service, and kworkers one series', async () => {
  const labels = await processLabels(
    { pid: 2, exe: '', cgroup: '0::/', kernelThread: true },
    options,
  );
  const thread = threadLabels(labels, 'kworker/1:2-events', true);
  assert.equal(thread.service_name, 'kernel');
  assert.equal(thread.comm, 'kworker');
});
