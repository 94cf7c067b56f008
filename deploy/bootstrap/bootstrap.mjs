// From a bare clone to something that runs: Debian packages, npm packages, sampler, TypeScript, UI.
import { installPackages, kernelPackages, samplerPackages, testPackages } from './debian.mjs';
import { Interrupted, runSteps, SetupError } from './steps.mjs';

const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
const bin = (name) => [process.execPath, `node_modules/${name}`];

/** @type {import('./steps.mjs').Step[]} */
const packages = [
  {
    name: 'npm packages',
    inputs: ['package-lock.json'],
    outputs: ['node_modules/.package-lock.json'],
    // npm ci trips over what an interrupted one left behind.
    removes: ['node_modules'],
    // No package needs its install script: what is native comes prebuilt inside of the package.
    launcher: npm,
    command: ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'],
    remedy: 'Check that npm reaches its registry (npm ping), then start again.',
  },
];

/** @type {import('./steps.mjs').Step[]} */
const sampler = [
  {
    name: 'BPF programs',
    inputs: ['bpf'],
    outputs: ['bpf/.output/cpu.bpf.o'],
    command: ['make', '-s', '-C', 'bpf'],
    remedy: 'Run make -C bpf to see the whole output.',
  },
  {
    name: 'native addon',
    inputs: ['agent/addon', 'bpf/include'],
    outputs: ['agent/addon/.output/bunsen.node', 'agent/addon/.output/bunsen-lines'],
    command: ['make', '-s', '-C', 'agent/addon'],
    remedy: 'Run make -C agent/addon to see the whole output.',
  },
];

/** @type {import('./steps.mjs').Step[]} */
const programs = [
  {
    name: 'protobuf code',
    inputs: ['package-lock.json', 'server/proto'],
    outputs: ['server/proto/.output/push/v1/push_pb.ts'],
    launcher: npm,
    command: ['run', '-s', 'generate', '-w', '@bunsen/proto'],
    remedy: 'Mend what buf names above.',
  },
  {
    name: 'TypeScript',
    inputs: [
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.base.json',
      'server',
      'agent/src',
      'agent/tsconfig.json',
      'ui',
      'test',
    ],
    outputs: ['server/dist/main.js', 'agent/dist/main.js', 'server/profile/dist/index.js'],
    command: [...bin('typescript/bin/tsc'), '-b'],
    remedy: 'Mend what the compiler names above.',
  },
  {
    name: 'web UI',
    inputs: ['package-lock.json', 'ui', 'server/profile'],
    outputs: ['ui/dist/app/index.html'],
    command: [...bin('vite/bin/vite.js'), 'build', 'ui'],
    remedy: 'Mend what the bundler names above.',
  },
];

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Node ${process.version} is too old: install Node 20.19 or later.`);
  }
}

/**
 * Brings everything up to date.
 * @param {{ tests?: boolean, kernels?: boolean }} what `tests`, `kernels`: also what only the tests,
 * or the kernel matrix, need
 * @returns `samplerProblem`: why the sampler could not be built, if so; everything else is ready
 */
export async function bootstrap({ tests = false, kernels = false } = {}) {
  checkNode();
  let samplerProblem;
  try {
    await installPackages([
      ...samplerPackages,
      ...(tests ? testPackages : []),
      ...(kernels ? kernelPackages : []),
    ]);
  } catch (error) {
    // Server and UI need none of these packages; the others do.
    if (tests || kernels || !(error instanceof SetupError)) throw error;
    samplerProblem = error.message;
  }
  await runSteps(packages);
  if (!samplerProblem) await runSteps(sampler);
  await runSteps(programs);
  return { samplerProblem };
}

/** Runs `main`; a set-up that fails, or is interrupted, says so on standard error and exits 1. */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    const expected = error instanceof SetupError || error instanceof Interrupted;
    console.error(expected ? `\n✗ ${error.message}` : error);
    process.exitCode = 1;
  }
}
