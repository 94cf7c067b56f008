import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { API } from '@bunsen/profile';
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
  totalOf,
  until,
} from '../harness.ts';
import { PERIOD_NS } from '../text-profile.ts';

function start(t: Cleanup, command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore' });
  atEnd(t, () => child.kill('SIGKILL'));
  return child;
}

/** The shell writes it: `lines` has its commands. */
function writePerfMap(t: Cleanup, pid: number | undefined, lines: string): void {
  const file = `/tmp/perf-${pid}.map`;
  atEnd(t, () => rmSync(file, { force: true }));
  execFileSync('sh', ['-c', `${lines} > ${file}`]);
}

/** A program in a library of its own, which is done something to while it runs. */
async function changeLibrary(t: Cleanup, change: (library: string) => void): Promise<void> {
  const library = compile(t, 'dlopened-plugin', ['-shared', '-fPIC']);
  start(t, compile(t, 'dlopened', ['-ldl']), ['60', library]);
  await sleep(3000);
  change(library);
}

test('files and processes that mean harm: nothing ends the agent, all is counted', {
  skip: needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  const agent = await startAgent(t, url);
  const jitted = compile(t, 'jitted');
  writePerfMap(t, start(t, jitted, ['60']).pid, 'yes "1000 10 f" | head -n 10000000');
  writePerfMap(t, start(t, jitted, ['60']).pid, 'head -c 3000000 /dev/urandom');
  start(t, 'sh', ['-c', `exec "$0" 60 "$(printf 'a\\033[31m\\n\\377"b')"`, jitted]);
  const huge = path.join(temporaryFolder(t), 'huge');
  copyFileSync(compile(t, 'burn'), huge);
  truncateSync(huge, 20e9);
  start(t, huge, ['60']);
  await Promise.all([
    changeLibrary(t, (library) => truncateSync(library, 100)),
    changeLibrary(t, (library) => {
      const file = openSync(library, 'r+');
      writeSync(file, Buffer.alloc(64, 0xff), 0, 64, 0);
      writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, statSync(library).size - 4096);
    }),
  ]);
  execFileSync('sh', ['-c', 'for i in $(seq 5000); do sleep 1 & done; wait']);
  await sleep(17_000);
  assert.equal(await agent.stop(), 0, agent.output);

  const accounting = accountingOf(agent);
  t.diagnostic(JSON.stringify(accounting));
  const { tree } = await flamegraph(url);
  assertBalanced(accounting, (tree.total[0] as number) / PERIOD_NS);
  assert.equal(accounting['perf_maps_cut'], 1);
  assert.ok((accounting['perf_map_lines_skipped'] ?? 0) > 1000);
  const burned = totalOf(await flamegraph(url, '{service_name="huge"}'), (name) =>
    name.startsWith('burn_'),
  );
  assert.ok(burned > 0);
  const names = (await (await fetch(`${url}${API.labelValues('comm')}`)).json()) as {
    values: string[];
  };
  assert.ok(names.values.includes('a\x1b[31m\n\ufffd"b'), JSON.stringify(names));
});

test('a full disk below the spool: what it cannot take is counted, and it goes on', {
  skip: needsRoot,
}, async (t) => {
  const { url } = await startServer(t);
  const disk = temporaryFolder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', disk]);
  atEnd(t, () => execFileSync('umount', ['-l', disk]));
  const agent = await startAgent(t, url, { BUNSEN_AGENT_DATA_DIR: disk });
  start(t, compile(t, 'burn'), ['60']);
  await until('a window that cannot be written', () => /lost a window/.test(agent.output), 40_000);
  assert.match(agent.output, /ENOSPC.*make room in|make room in/);
  execFileSync('mount', ['-o', 'remount,size=16m', disk]);
  await sleep(16_000);
  assert.equal(await agent.stop(), 0, agent.output);
  const accounting = accountingOf(agent);
  t.diagnostic(JSON.stringify(accounting));
  assert.ok((accounting['lost_spool_write_failed'] ?? 0) > 0);
  assert.ok((accounting['shipped'] ?? 0) > 0);
  const { tree } = await flamegraph(url);
  assertBalanced(accounting, (tree.total[0] as number) / PERIOD_NS);
});
