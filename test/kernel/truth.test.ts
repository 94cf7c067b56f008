import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import {
  atEnd,
  type Cleanup,
  compile,
  flamegraph,
  needsRoot,
  pathsOf,
  root,
  startAgent,
  startServer,
  temporaryFolder,
  totalOf,
} from '../harness.ts';

/** How long the programs burn: 4,000 samples or more each, so 3 points are four standard deviations. */
const SECONDS = process.env['BUNSEN_TEST_SECONDS'] ?? '60';

interface Run {
  pid: number;
  ended: Promise<void>;
}

function run(t: Cleanup, program: string, ...args: string[]): Run {
  // Not in the checkout: node leaves a log behind where it runs with --perf-basic-prof.
  const child = spawn(program, args, { stdio: 'ignore', cwd: temporaryFolder(t) });
  atEnd(t, () => {
    child.kill('SIGKILL');
  });
  return {
    pid: child.pid as number,
    ended: new Promise((resolve) => child.on('exit', () => resolve())),
  };
}

test('shares and names of real programs', { skip: needsRoot }, async (t) => {
  const { url } = await startServer(t);
  const agent = await startAgent(t, url, { BUNSEN_LABEL_PID: '1' });
  const script = `${root}/test/programs/burn.mjs`;
  const burn = run(t, compile(t, 'burn'), SECONDS);
  // Without inlining, so that caller and callee are frames of their own to the end.
  const js = run(t, process.execPath, '--perf-basic-prof', '--no-turbo-inlining', script, SECONDS);
  // Half a million reads of one byte a second: most of its time is spent in the kernel.
  const dd = run(t, 'timeout', SECONDS, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=1');
  await Promise.all([burn.ended, js.ended, dd.ended]);
  assert.equal(await agent.stop(), 0, agent.output);

  await t.test('a C program: 70 % and 30 %, under main', async (t) => {
    const flame = await flamegraph(url, `{service_name="burn", pid="${burn.pid}"}`);
    const total = flame.tree.total[0] as number;
    const share = (name: string) => (totalOf(flame, (frame) => frame === name) / total) * 100;
    t.diagnostic(
      `burn_seventy ${share('burn_seventy').toFixed(1)} %, burn_thirty ${share('burn_thirty').toFixed(1)} %, main ${share('main').toFixed(1)} %`,
    );
    assert.ok(Math.abs(share('burn_seventy') - 70) < 3, `burn_seventy ${share('burn_seventy')} %`);
    assert.ok(Math.abs(share('burn_thirty') - 30) < 3, `burn_thirty ${share('burn_thirty')} %`);
    assert.ok(share('main') > 95, `main ${share('main')} %`);
    const paths = [...pathsOf(flame).keys()];
    assert.ok(paths.some((path) => /(^|;)main;burn_seventy$/.test(path)));
    assert.ok(paths.some((path) => /(^|;)main;burn_thirty$/.test(path)));
  });

  await t.test('a Node program: its JavaScript functions, callers above callees', async (t) => {
    const flame = await flamegraph(url, `{service_name="node", pid="${js.pid}"}`);
    const total = flame.tree.total[0] as number;
    const paths = pathsOf(flame);
    const pair =
      /(^|;)callTheBurner [^;]*burn\.mjs:\d+:\d+;burnInJavaScript [^;]*burn\.mjs:\d+:\d+$/;
    let below = 0;
    for (const [path, value] of paths) if (pair.test(path)) below += value;
    t.diagnostic(`callTheBurner;burnInJavaScript: ${((100 * below) / total).toFixed(1)} %`);
    const leaves = [...paths]
      .filter(([path]) => /burn[^;]*$/.test(path))
      .map(([path, value]) => `${((100 * value) / total).toFixed(1)} % …${path.slice(-120)}`);
    assert.ok(below > total * 0.7, leaves.join('\n'));
    for (const path of paths.keys()) assert.doesNotMatch(path, /(^|;)(LazyCompile:|JS:)|[*~^]burn/);
  });

  await t.test('a syscall-heavy program: kernel frames carry their names', async (t) => {
    const flame = await flamegraph(url, '{service_name="dd"}');
    const total = flame.tree.total[0] as number;
    const kernel = totalOf(flame, (name) => /vfs_(read|write)|ksys_(read|write)/.test(name));
    const unnamed = totalOf(flame, (name) => /^\[kernel\]\+0x/.test(name));
    t.diagnostic(
      `read and write: ${((100 * kernel) / total).toFixed(1)} %, unnamed: ${((100 * unnamed) / total).toFixed(1)} %`,
    );
    assert.ok(kernel > total * 0.15, `read and write have ${kernel} of ${total} ns`);
    assert.ok(unnamed < total * 0.01, `unnamed kernel frames have ${unnamed} of ${total} ns`);
  });
});
