import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Relabeler } from '../relabel/relabeler.ts';
import { ContainerNames } from './cgroup.ts';
import { KubernetesPods } from './kubernetes.ts';
import { labelNameOf, readPodList } from './pod-list.ts';
import { processLabels } from './series-labels.ts';

const NGINX = 'a1'.repeat(32);
const SIDECAR = 'b2'.repeat(32);
const MIGRATE = 'c3'.repeat(32);

/** As a kubelet 1.30 answers /pods, with the fields that matter and some of those that do not. */
const pod = (name: string, containers: object[], more = {}) => ({
  metadata: {
    name,
    generateName: 'web-7d9f6c5b8-',
    namespace: 'shop',
    uid: '12345678-1234-1234-1234-123456789abc',
    resourceVersion: '48213',
    labels: {
      'app.kubernetes.io/name': 'web',
      'pod-template-hash': '7d9f6c5b8',
      team: 'checkout',
      empty: '',
    },
    annotations: { 'kubernetes.io/config.source': 'api' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d9f6c5b8', controller: true },
    ],
  },
  spec: { nodeName: 'node-1', containers: [{ name: 'nginx', image: 'nginx:1.27' }] },
  status: {
    phase: 'Running',
    podIP: '10.1.2.3',
    containerStatuses: containers,
    ...more,
  },
});
const container = (name: string, id: string) => ({
  name,
  image: `docker.io/library/${name}:1.27`,
  imageID: `docker.io/library/${name}@sha256:${'0'.repeat(64)}`,
  state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  ready: true,
  containerID: `containerd://${id}`,
});
const podList = (...items: object[]) =>
  JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items });

const WEB = pod('web-7d9f6c5b8-x2x9z', [container('nginx', NGINX), container('sidecar', SIDECAR)], {
  initContainerStatuses: [container('migrate', MIGRATE)],
});
const CHOSEN = [
  { podLabel: 'app.kubernetes.io/name', label: 'app' },
  { podLabel: 'team', label: 'team' },
  { podLabel: 'none', label: 'none' },
];
const LABELS = {
  app: 'web',
  team: 'checkout',
  namespace: 'shop',
  pod: 'web-7d9f6c5b8-x2x9z',
  container: 'nginx',
  node: 'node-1',
};

test('a PodList: all kinds of containers, chosen labels, meta labels', () => {
  const starting = pod('new', [{ name: 'app', image: 'app', state: { waiting: {} } }]);
  const places = readPodList(podList(WEB, starting, {}), CHOSEN);
  assert.deepEqual([...places.keys()].sort(), [NGINX, SIDECAR, MIGRATE]);
  assert.deepEqual(places.get(NGINX)?.labels, LABELS);
  const meta = places.get(MIGRATE)?.meta ?? {};
  assert.equal(meta['__meta_kubernetes_pod_container_name'], 'migrate');
  assert.equal(meta['__meta_kubernetes_pod_controller_kind'], 'ReplicaSet');
  assert.equal(meta['__meta_kubernetes_pod_label_app_kubernetes_io_name'], 'web');
  assert.equal(meta['__meta_kubernetes_pod_labelpresent_empty'], 'true');
  assert.equal(labelNameOf('a-b.c/d_e'), 'a_b_c_d_e');
  assert.equal(readPodList('{"kind":"PodList","items":null}', []).size, 0);
  for (const other of ['<html>', '{"kind":"Status","message":"no"}', 'null', '[]']) {
    assert.throws(() => readPodList(other, []), /is no PodList/);
  }
});

test('the pod names the service, whatever is on disk', async () => {
  const places = readPodList(podList(WEB), CHOSEN);
  const { labels, meta } = await processLabels(
    {
      pid: 7,
      exe: '/usr/sbin/nginx',
      cgroup: `0::/kubepods.slice/cri-containerd-${NGINX}.scope`,
      commandLine: '',
      environment: new Map([['TEAM', 'mine']]),
      kernelThread: false,
    },
    {
      host: 'h1',
      labels: { namespace: 'none' },
      labelPid: false,
      environmentLabels: [{ variable: 'TEAM', label: 'team' }],
      containers: new ContainerNames('/nonexistent'),
      pods: { find: (id: string) => places.get(id) } as KubernetesPods,
      relabeler: new Relabeler([]),
    },
  );
  const expected = { service_name: 'nginx', host: 'h1', container_id: NGINX.slice(0, 12) };
  assert.deepEqual(labels, { ...LABELS, ...expected });
  assert.deepEqual(meta, {}, 'without rules nobody would see it');
});

/** A CA and a certificate of it for localhost. */
function certificates(t: TestContext) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bunsen-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => path.join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = (name: string) =>
    openssl(
      ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)],
    );
  authority('ca');
  authority('other');
  openssl(
    ...['req', ...newKey, '-subj', '/CN=kubelet', '-keyout', file('key'), '-out', file('csr')],
  );
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost');
  openssl(
    ...['x509', '-req', '-in', file('csr'), '-CA', file('ca.crt'), '-CAkey', file('ca.key')],
    ...['-CAcreateserial', '-days', '2', '-extfile', file('names'), '-out', file('crt')],
  );
  return { file, key: readFileSync(file('key')), cert: readFileSync(file('crt')) };
}

/** A kubelet: it answers whoever has the token. */
async function kubelet(t: TestContext, tls?: { key: Buffer; cert: Buffer }) {
  const state = {
    token: 'one',
    body: podList(WEB),
    tokens: [] as (string | undefined)[],
    /** Where answers wait, if they are to wait. */
    held: undefined as (() => void)[] | undefined,
  };
  const answer: http.RequestListener = (request, response) => {
    state.tokens.push(request.headers.authorization);
    const known = !tls || request.headers.authorization === `Bearer ${state.token}`;
    const send = () => {
      response.writeHead(known && request.url === '/pods' ? 200 : 401);
      response.end(known ? state.body : 'Unauthorized');
    };
    if (state.held) state.held.push(send);
    else send();
  };
  const server = tls ? https.createServer(tls, answer) : http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { state, podsUrl: `${tls ? 'https' : 'http'}://localhost:${port}/pods` };
}

test('over TLS: a token that is exchanged, a certificate that is not trusted; what was known stays', async (t) => {
  const { file, ...tls } = certificates(t);
  const { state, podsUrl } = await kubelet(t, tls);
  writeFileSync(file('token'), 'one\n');
  const options = { podsUrl, tokenFile: file('token'), insecureTls: false, podLabels: CHOSEN };
  const failures: string[] = [];
  const open = (caFile: string | undefined, insecureTls = false) =>
    new KubernetesPods({ ...options, caFile, insecureTls }, (reason) => failures.push(reason));

  const pods = open(file('ca.crt'));
  await pods.prepare([NGINX], 5000);
  assert.deepEqual(pods.find(NGINX)?.labels, LABELS);
  assert.equal(pods.containers, 3);

  await pods.prepare([NGINX, SIDECAR], 5000);
  assert.equal(pods.requests.answered, 1, 'what is known is not asked for');

  // The server wants another token from now on, which the agent has not got yet.
  state.token = 'two';
  await pods.prepare([NGINX, 'new-1'], 5000);
  await pods.prepare([NGINX, 'new-1'], 5000);
  assert.deepEqual(pods.requests, { answered: 1, failed: 2 });
  assert.deepEqual(failures, [`${podsUrl}: 401 Unauthorized`], 'said once');
  assert.deepEqual(pods.find(NGINX)?.labels, LABELS, 'what was known stays');

  writeFileSync(file('token'), 'two');
  const added = 'd4'.repeat(32);
  state.body = podList(pod('added', [container('app', added)]));
  await pods.prepare([added], 5000);
  assert.equal(state.tokens.at(-1), 'Bearer two');
  assert.equal(pods.find(added)?.labels['pod'], 'added');
  assert.deepEqual(pods.find(NGINX)?.labels, LABELS, 'a pod that has just gone may have samples');
  assert.equal(pods.failure, undefined);

  const distrusting = open(file('other.crt'));
  await distrusting.prepare([NGINX], 5000);
  assert.match(failures.at(-1) ?? '', /certificate/);
  assert.deepEqual(distrusting.requests, { answered: 0, failed: 1 });
  assert.equal(state.tokens.length, 4, 'the token did not leave');
  const careless = open(undefined, true);
  await careless.prepare([added], 5000);
  assert.equal(careless.containers, 1);

  const without = new KubernetesPods(
    { ...options, tokenFile: file('none'), caFile: file('ca.crt') },
    (reason) => failures.push(reason),
  );
  await without.prepare([NGINX], 5000);
  assert.match(failures.at(-1) ?? '', /ENOENT.*none/);
});

test('without TLS no token is sent; containers that Kubernetes does not have are asked for once', async (t) => {
  const { state, podsUrl } = await kubelet(t);
  const options = { podsUrl, tokenFile: '/etc/passwd', caFile: undefined, insecureTls: false };
  const pods = new KubernetesPods({ ...options, podLabels: [] }, assert.fail);
  for (let i = 0; i < 3; i++) await pods.prepare(['docker-1'], 5000);
  assert.deepEqual(state.tokens, [undefined]);
  await pods.prepare(['docker-1', 'docker-2'], 5000);
  assert.equal(state.tokens.length, 2);
});

test('a server that does not answer holds nothing up, and its answer still counts', async (t) => {
  const { state, podsUrl } = await kubelet(t);
  const options = { podsUrl, tokenFile: undefined, caFile: undefined, insecureTls: false };
  const pods = new KubernetesPods({ ...options, podLabels: [] }, assert.fail);
  state.held = [];
  await pods.prepare([NGINX], 50);
  assert.equal(pods.find(NGINX), undefined);
  await pods.prepare([NGINX], 50);
  assert.equal(state.held.length, 1, 'one request at a time');
  for (const send of state.held) send();
  await pods.prepare([NGINX], 5000);
  assert.equal(pods.find(NGINX)?.labels['pod'], 'web-7d9f6c5b8-x2x9z');
});
