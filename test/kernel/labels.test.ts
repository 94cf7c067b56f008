import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  accountingOf,
  assertBalanced,
  atEnd,
  type Cleanup,
  compile,
  flamegraph,
  needsRoot,
  startAgent,
  startServer,
  temporaryFolder,
} from '../harness.ts';
import { PERIOD_NS } from '../text-profile.ts';

const RULES = `
relabel_configs:
  - source_labels: [__meta_process_cmdline]
    regex: .*/burn 1001
    action: drop
  - source_labels: [__meta_process_executable_name, __meta_process_cmdline]
    regex: burn;.* (\\d+)
    target_label: seconds
`;

function burn(t: Cleanup, program: string, seconds: string, env = {}): ChildProcess {
  const child = spawn(program, [seconds], { stdio: 'ignore', env });
  atEnd(t, async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

test('labels of real processes: environment, command line, and what rules drop', {
  skip: needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  const rules = path.join(temporaryFolder(t), 'rules.yaml');
  writeFileSync(rules, RULES);
  const agent = await startAgent(t, url, {
    BUNSEN_ENV_LABELS: 'VERSION,DD_SERVICE:service_name',
    BUNSEN_RELABEL_FILE: rules,
  });
  const program = compile(t, 'burn');
  burn(t, program, '1000', { VERSION: '1.2', SECRET: 'x', DD_SERVICE: 'shop' });
  burn(t, program, '1001', { VERSION: '1.3' });
  await sleep(8000);
  assert.equal(await agent.stop(), 0, agent.output);

  const storedOf = async (selector: string) =>
    (await flamegraph(url, selector)).tree.total[0] as number;
  const shop = await storedOf('{service_name="shop", version="1.2", seconds="1000", comm="burn"}');
  assert.ok(shop > 50 * PERIOD_NS, `${shop} ns`);
  assert.equal(await storedOf('{version="1.3"}'), 0);

  const accounting = accountingOf(agent);
  assert.ok((accounting['filtered_relabel'] as number) > 50, agent.output);
  const stored = (await storedOf('{}')) / PERIOD_NS;
  assert.equal(accounting['shipped'], stored);
  assertBalanced(accounting, stored);
});

test('rules that cannot be meant end the agent with what is wrong', {
  skip: needsRoot,
}, async (t) => {
  const rules = path.join(temporaryFolder(t), 'rules.yaml');
  writeFileSync(rules, '- { source_labels: [__meta_env_var_SECRET], target_label: leaked }');
  await assert.rejects(
    startAgent(t, 'http://127.0.0.1:9', { BUNSEN_RELABEL_FILE: rules }),
    /ended \(2\).*relabel_configs\[0\] replace: source_labels: __meta_env_var_SECRET is not read/s,
  );
});

test('a process in a control group of Kubernetes has the labels of its pod', {
  skip: needsRoot,
}, async (t) => {
  const containerId = 'b5'.repeat(32);
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
  if (!mount) return t.skip('SKIPPED: no control groups of version 2');
  const slice = path.join(mount, `bunsen-test-${process.pid}`);
  const group = path.join(slice, `cri-containerd-${containerId}.scope`);
  mkdirSync(group, { recursive: true });
  atEnd(t, () => {
    rmdirSync(group);
    rmdirSync(slice);
  });
  const kubelet = http.createServer((_, response) => {
    response.end(
      JSON.stringify({
        kind: 'PodList',
        items: [
          {
            metadata: { name: 'web-1', namespace: 'shop', labels: { team: 'checkout' } },
            spec: { nodeName: 'node-1' },
            status: {
              containerStatuses: [{ name: 'app', containerID: `containerd://${containerId}` }],
            },
          },
        ],
      }),
    );
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => kubelet.close());
  const { port } = kubelet.address() as AddressInfo;

  const { url } = await startServer(t);
  const agent = await startAgent(t, url, {
    BUNSEN_KUBERNETES_PODS_URL: `http://127.0.0.1:${port}/pods`,
    BUNSEN_KUBERNETES_POD_LABELS: 'team',
  });
  const child = burn(t, compile(t, 'burn'), '1000');
  writeFileSync(path.join(group, 'cgroup.procs'), String(child.pid));
  await sleep(5000);
  assert.equal(await agent.stop(), 0, agent.output);
  const selector =
    '{service_name="app", namespace="shop", pod="web-1", container="app", node="node-1", team="checkout"}';
  const stored = (await flamegraph(url, selector)).tree.total[0] as number;
  assert.ok(stored > 50 * PERIOD_NS, `${stored} ns`);
});
