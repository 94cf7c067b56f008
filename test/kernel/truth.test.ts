import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import {
  type Cleanup,
  compile,
  flamegraph,
  needsRoot,
  pathsOf,
  root,
  startAgent,
  startServer,
  totalOf,
} from '../harness.ts';

/** How long the programs burn. The shares are within 1 point of the truth after some ten seconds. */
const SECONDS = process.env['BUNSEN_TEST_SECONDS'] ?? '20';

function run(t: Cleanup, program: string, ...args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: 'ignore' });
  t.after(() => {
    child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.on('exit', () => resolve()));
}

test('shares and names of real programs', { skip: needsRoot }, async (t) => {
  const { url } = await startServer(t);
  const agent = await startAgent(t, url);
  await Promise.all([
    run(t, compile(t, 'burn'), SECONDS),
    run(t, process.execPath, '--perf-basic-prof', `${root}/test/programs/burn.mjs`, SECONDS),
    // Half a million reads of one byte a second: most of its time is spent in the kernel.
    run(t, 'timeout', SECONDS, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=1'),
  ]);
  assert.equal(await agent.stop(), 0, agent.output);

  await t.test('a C program: 70 % and 30 %, under main', async (t) => {
    const flame = await flamegraph(url, '{service_name="burn"}');
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

  await t.test('a Node program: its JavaScript functions, callers above callees', async () => {
    const flame = await flamegraph(url, '{service_name="node", comm=~"node.*|MainThread"}');
    const paths = pathsOf(flame);
    const total = flame.tree.total[0] as number;
    const burner = [...paths].filter(([path]) =>
      /(^|;)[^;]*callTheBurner[^;]*;[^;]*burnInJavaScript[^;]*$/.test(path),
    );
    const inlined = totalOf(flame, (name) => /callTheBurner|burnInJavaScript/.test(name));
    assert.ok(inlined > total / 4, `the JavaScript functions have ${inlined} of ${total} ns`);
    // Turbofan may inline the callee; before it did, the interpreter showed both.
    assert.ok(burner.length > 0 || inlined > total / 2, [...paths.keys()].slice(0, 50).join('\n'));
    for (const path of paths.keys()) assert.doesNotMatch(path, /(^|;)(LazyCompile|JS):?[*~^]/);
  });

  await t.test('a syscall-heavy program: kernel frames carry their names', async (t) => {
    const flame = await flamegraph(url, '{service_name="dd"}');
    const total = flame.tree.total[0] as number;
    const kernel = totalOf(flame, (name) => /vfs_(read|write)|ksys_(read|write)/.test(name));
    const unnamed = totalOf(flame, (name) => /^\[kernel\]\+0x|^\[unknown\]$/.test(name));
    t.diagnostic(
      `read and write: ${((100 * kernel) / total).toFixed(1)} %, unnamed: ${((100 * unnamed) / total).toFixed(1)} %`,
    );
    assert.ok(kernel > total * 0.15, `read and write have ${kernel} of ${total} ns`);
    assert.ok(unnamed < total * 0.01, `unnamed kernel frames have ${unnamed} of ${total} ns`);
  });
});
