import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { root, temporaryFolder, until } from '../harness.ts';

/** A checkout with one step, whose command is this JavaScript. */
function checkout(t: TestContext, command: string) {
  const folder = temporaryFolder(t);
  cpSync(path.join(root, 'deploy/bootstrap'), path.join(folder, 'deploy/bootstrap'), {
    recursive: true,
    filter: (file) => !file.endsWith('.output'),
  });
  mkdirSync(path.join(folder, 'src'));
  writeFileSync(path.join(folder, 'src/source'), '');
  writeFileSync(
    path.join(folder, 'run.mjs'),
    `import { runMain } from './deploy/bootstrap/bootstrap.mjs';
     import { runSteps } from './deploy/bootstrap/steps.mjs';
     await runMain(() => runSteps([{ name: 'work', inputs: ['src'], outputs: ['made'],
       command: [process.execPath, '-e', ${JSON.stringify(command)}], remedy: 'Do this.' }]));`,
  );
  const run = (after?: (child: ChildProcess) => Promise<void>) =>
    new Promise<{ code: number | null; output: string }>((resolve, reject) => {
      const child = spawn(process.execPath, ['run.mjs'], { cwd: folder });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk;
        });
      }
      child.on('close', (code) => resolve({ code, output }));
      after?.(child).catch(reject);
    });
  return { folder, run };
}

const MAKE = "require('fs').writeFileSync('made', '')";

test('a step runs once, though its compiler leaves notes beside its sources', async (t) => {
  const { run } = checkout(
    t,
    `const fs = require('fs');
     fs.mkdirSync('src/dist', { recursive: true });
     for (const file of ['src/dist/x.js', 'src/x.tsbuildinfo', 'made']) fs.writeFileSync(file, '');`,
  );
  assert.match((await run()).output, /✓ work/);
  assert.deepEqual(await run(), { code: 0, output: '' });
});

test('notes of what was done that were cut short are no notes', async (t) => {
  const { run, folder } = checkout(t, MAKE);
  await run();
  const stamps = path.join(folder, 'deploy/bootstrap/.output/stamps.json');
  writeFileSync(stamps, '{"wor');
  const { code, output } = await run();
  assert.equal(code, 0, output);
  assert.match(readFileSync(stamps, 'utf8'), /work/);
});

test('a step that ends well and leaves nothing says so, and what to do', async (t) => {
  const { code, output } = await checkout(t, '').run();
  assert.equal(code, 1);
  assert.match(output, /✗ work left no made\. Do this\.$/m);
});

test('a signal ends the step with all that it started, and says so in one line', async (t) => {
  const { run, folder } = checkout(
    t,
    `const { spawn } = require('child_process');
     const child = spawn('sleep', ['60'], { stdio: 'inherit' });
     require('fs').writeFileSync('pid', String(child.pid));
     setTimeout(() => undefined, 60000);`,
  );
  const pidFile = path.join(folder, 'pid');
  const { code, output } = await run(async (child) => {
    await until('the step', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8'));
    child.kill('SIGTERM');
  });
  assert.equal(code, 1);
  assert.match(output, /✗ Interrupted at: work\./);
  assert.doesNotMatch(output, / at .*mjs:/);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await until('the end of what it started', () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
});
