import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { atEnd, compile, needsRoot, Program, temporaryFolder } from '../harness.ts';

/** Starts the agent below `launcher`; it must refuse with exit code 2 and these words. */
async function refuses(t: Parameters<typeof compile>[0], launcher: string[], words: RegExp[]) {
  const spool = temporaryFolder(t);
  chmodSync(spool, 0o777);
  const agent = new Program(
    'agent/bunsen-agent',
    { BUNSEN_AGENT_DATA_DIR: spool, BUNSEN_AGENT_METRICS: 'off' },
    launcher,
  );
  atEnd(t, () => agent.stop('SIGKILL'));
  assert.equal(await agent.exited, 2, agent.output);
  for (const word of words) assert.match(agent.output, word);
  assert.doesNotMatch(agent.output, /\n\s+at /, 'a stack trace is no help to a user');
}

test('without root: says which capabilities it needs', { skip: needsRoot }, async (t) => {
  // Root in name alone, who can read the checkout wherever it lies.
  const powerless = ['/usr/bin/setpriv', '--inh-caps=-all', '--bounding-set=-all'];
  await refuses(t, powerless, [/as root/, /CAP_BPF, CAP_PERFMON/]);
});

test('a kernel without BTF: says so, and what to do', { skip: needsRoot }, async (t) => {
  // Private first: the host must not lose its BTF. (Not all of /, which is no mount in a chroot.)
  const hide = 'mount --make-rprivate /sys && mount -t tmpfs none /sys/kernel/btf && exec "$@"';
  await refuses(
    t,
    ['/usr/bin/unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', hide, 'sh'],
    [/BTF/, /BUNSEN_BTF/],
  );
});

test('perf events forbidden: says so, and what to do', { skip: needsRoot }, async (t) => {
  await refuses(t, [compile(t, 'no-perf')], [/perf/, /seccomp/]);
});

/** Starts the agent below `launcher`; it samples, and says these words of what it cannot do. */
async function warns(t: Parameters<typeof compile>[0], launcher: string[], words: RegExp) {
  const agent = new Program(
    'agent/bunsen-agent',
    { BUNSEN_AGENT_DATA_DIR: temporaryFolder(t), BUNSEN_AGENT_METRICS: 'off' },
    launcher,
  );
  atEnd(t, () => agent.stop('SIGKILL'));
  await agent.message('sampling');
  assert.match(agent.output, words);
}

test('another pid namespace: says that nothing will have a name, and what to do', {
  skip: needsRoot,
}, async (t) => {
  // The launcher takes the agent along when it is killed.
  const launcher = ['/usr/bin/unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  await warns(t, launcher, /pid namespace.*--pid=host/);
});

test('kernel symbols without addresses: says so, and what to do', {
  skip: needsRoot,
}, async (t) => {
  const hidden = path.join(temporaryFolder(t), 'kallsyms');
  writeFileSync(hidden, '0000000000000000 A fixed_percpu_data\n0000000000000000 T _stext\n');
  const hide = `mount --make-rprivate /proc && mount --bind ${hidden} /proc/kallsyms && exec "$@"`;
  const launcher = ['/usr/bin/unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', hide];
  await warns(t, [...launcher, 'sh'], /functions of the kernel have no names.*CAP_SYSLOG/);
});
