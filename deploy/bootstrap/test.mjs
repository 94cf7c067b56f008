// npm test: sets up what is missing, checks style and borders, then runs every test of every room.
// Arguments name test files to run instead of all: npm test -- test/dist/flow/push.test.js
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { bootstrap, runMain } from './bootstrap.mjs';
import { root, runShown } from './steps.mjs';

const rooms = [
  'server/profile/dist',
  'server/dist',
  'agent/dist',
  'ui/flame/dist',
  'ui/dist',
  'test/dist',
];

function testFiles() {
  return rooms.flatMap((room) => {
    const at = path.join(root, room);
    if (!existsSync(at)) return [];
    return (
      readdirSync(at, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.js'))
        // What was compiled from a file that is gone is not a test any more.
        .filter((file) => existsSync(sourceOf(room, file)))
        .map((file) => path.join(room, file))
        .sort()
    );
  });
}

function sourceOf(room, file) {
  const folder = path.dirname(room);
  const source = file.replace(/\.js$/, '.ts');
  return path.join(root, folder, folder === 'test' ? '' : 'src', source.replace(/^types\//, ''));
}

await runMain(async () => {
  await bootstrap({ tests: true });
  await runShown(
    'style and import borders',
    ['npm', 'run', '-s', 'check'],
    'npm run format mends most of it.',
  );
  const native = {
    'native unit tests': ['test'],
    'native unit tests under sanitizers': ['sanitized-test'],
    'damaged input for what reads files': ['fuzz', 'RUNS=3000'],
  };
  for (const [name, goal] of Object.entries(native)) {
    const jobs = `-j${availableParallelism()}`;
    const command = ['make', '-s', jobs, '-C', 'agent/addon', ...goal];
    await runShown(name, command, `Run make -C agent/addon ${goal.join(' ')}.`);
  }
  const files = process.argv.length > 2 ? process.argv.slice(2) : testFiles();
  // Many tests wait for windows of 15 s most of their time: as many files at once as there are CPUs, where
  // Node.js would leave one CPU to itself.
  const concurrency = `--test-concurrency=${availableParallelism()}`;
  const options = ['--enable-source-maps', '--test', '--test-reporter=spec', concurrency];
  const { status } = spawnSync(process.execPath, [...options, ...files], {
    cwd: root,
    stdio: 'inherit',
  });
  if (process.getuid?.() !== 0) {
    console.error(
      '\n⚠ NOT ROOT: every test that samples the kernel was SKIPPED. Run npm test as root.',
    );
  }
  return status ?? 1;
});
