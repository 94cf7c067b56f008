// Debian packages: installed when root or password-less sudo allows, else named.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { runShown, SetupError, succeeds } from './steps.mjs';

/** What builds the sampler and runs it. */
export const samplerPackages = [
  'clang', // compiles the BPF programs
  'llvm', // strips them
  'g++',
  'make',
  'libbpf-dev',
  'libelf-dev',
  'libdw-dev', // reads debug information
  'liblzma-dev', // unpacks symbol tables
  'libiberty-dev', // demangles C++ and Rust names
];

/** What the tests need besides. */
export const testPackages = [
  'chromium', // the browser in which the pages are looked at
  'clang-format',
  'libclang-rt-dev', // libFuzzer
  'linux-perf', // what the stacks are compared with
];

/** What the kernel matrix needs besides. */
export const kernelPackages = [
  'qemu-system-x86', // the guests
  'busybox-static', // their shell
  'cpio', // packs their root file system
  'xz-utils', // unpacks modules
];

/** Packages of the list that are not installed. @param {string[]} packages */
function missing(packages) {
  // One line a package that was ever installed: name, perhaps with `:amd64`, and `install`.
  const selections = spawnSync('dpkg', ['--get-selections', ...packages], { encoding: 'utf8' });
  const installed = new Set(
    selections.stdout
      .split('\n')
      .map((line) => line.split(/\s+/))
      .filter(([, state]) => state === 'install')
      .map(([name]) => name?.split(':')[0]),
  );
  return packages.filter((name) => !installed.has(name));
}

/** Whether dpkg was stopped in the middle of its work: then apt-get refuses to do anything. */
function isDpkgInterrupted() {
  try {
    return readdirSync('/var/lib/dpkg/updates').some((file) => /^\d+$/.test(file));
  } catch {
    return false;
  }
}

/** `[]` for root, `['sudo', '-n']` where that works without a password, else undefined. */
export function privilege() {
  if (process.getuid?.() === 0) return [];
  return succeeds('sudo', '-n', 'true') ? ['sudo', '-n'] : undefined;
}

/**
 * Installs what is missing of the list.
 * @param {string[]} packages
 * @throws SetupError that says what to run, where it may not install
 */
export async function installPackages(packages) {
  if (!succeeds('dpkg', '--version')) {
    if (packages.every((name) => succeeds('which', name))) return;
    throw new SetupError(
      `This is not a Debian system: install what stands for these Debian packages yourself: ${packages.join(' ')}`,
    );
  }
  const absent = missing(packages);
  if (absent.length === 0) return;
  const remedy = `Run this, then start again:\n    sudo apt-get update && sudo apt-get install -y ${absent.join(' ')}`;
  const as = privilege();
  if (!as) {
    throw new SetupError(`Debian packages are missing, and only root may install them. ${remedy}`);
  }
  const asRoot = [...as, 'env', 'DEBIAN_FRONTEND=noninteractive'];
  const apt = [...asRoot, 'apt-get', '-q', '-o', 'Dpkg::Use-Pty=0'];
  if (isDpkgInterrupted()) {
    const finish = [...asRoot, 'dpkg', '--configure', '-a'];
    await runShown('finishing what dpkg was interrupted in', finish, remedy, { finish: true });
  }
  // One unreachable repository fails the update, and may not matter: the installation tells.
  await runShown('package lists', [...apt, 'update'], remedy).catch((error) => {
    if (!(error instanceof SetupError)) throw error;
    console.log(`    ${error.message.split('\n')[0]}; going on with the lists that there are`);
  });
  await runShown(
    `Debian packages: ${absent.join(' ')}`,
    [...apt, 'install', '-y', '--no-install-recommends', ...absent],
    remedy,
    // dpkg in the middle of its work leaves the whole machine's packages half installed.
    { finish: true },
  );
}
