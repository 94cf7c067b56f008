import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { atEnd, compile, needsRoot, Program, temporaryFolder } from '../harness.ts';

/** Starts the agent below `launcher`; it must refuse with exit code 2 and these words. */
async function refuses(t: Parameters<typeof compile>[0], launcher: string[], words: RegExp[]) {
  const spool = temporaryFolder(t);
  chmodSync(spool, 0o777);
  const agent = new Program(
    'agent/dist/main.js',
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
