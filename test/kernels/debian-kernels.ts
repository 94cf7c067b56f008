// Kernels as Debian builds them, fetched with apt and verified by Debian's keys, beside the machine's
// own package lists: nothing is installed, and no root is needed.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Cloud kernels: the same sources, with the drivers of virtual machines alone. */
const PACKAGE = 'linux-image-cloud-amd64';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Suites that may have it; the highest version of all of them is taken. */
export const KERNELS: Record<string, { suites: string[]; security: string[] }> = {
  '5.10': { suites: ['bullseye'], security: ['bullseye-security'] },
  '6.1': { suites: ['bookworm'], security: ['bookworm-security'] },
  '6.12': { suites: ['trixie'], security: ['trixie-security'] },
  newest: { suites: ['trixie-backports', 'sid'], security: [] },
};

export interface DebianKernel {
  /** Debian's version, such as `6.1.192-2`. */
  version: string;
  image: string;
  /** `kernel/` with its modules, perhaps compressed. */
  modules: string;
  /** What apt said of suites that could not be read; empty if all could. */
  trouble: string;
}

/** The kernel could not be had, for a reason that lies outside of this machine. */
export class Unreachable extends Error {}

/**
 * Fetches the latest kernel of this name into `folder`, if it is not there yet.
 * @throws Unreachable
 */
export async function fetchKernel(name: string, folder: string): Promise<DebianKernel> {
  const apt = aptFor(name, folder);
  // A suite that has moved to the archive fails the update; the others may do.
  const trouble = await apt.get('update').then(
    () => '',
    (error: { stderr: string }) => error.stderr,
  );
  // Highest version first, whatever priority its suite has.
  const [row] = (await apt.cache('madison', PACKAGE)).split('\n');
  const version = row?.split('|')[1]?.trim();
  if (!version) throw new Unreachable(`no suite has ${PACKAGE}: ${trouble.trim() || 'not listed'}`);
  const unpacked = path.join(folder, version);
  let kernel = findKernel(unpacked);
  if (!kernel) {
    const packages = await withDependencies(apt, `${PACKAGE}=${version}`);
    const downloads = path.join(folder, 'packages');
    rmSync(downloads, { recursive: true, force: true });
    mkdirSync(downloads);
    await apt.get('download', ...packages).catch((error: { stderr: string }) => {
      throw new Unreachable(`${packages.join(' ')}: ${error.stderr}`);
    });
    rmSync(unpacked, { recursive: true, force: true });
    for (const file of readdirSync(downloads)) {
      await run('dpkg-deb', ['-x', path.join(downloads, file), unpacked]);
    }
    kernel = findKernel(unpacked);
  }
  if (!kernel) throw new Error(`no kernel in ${unpacked}, where its packages were unpacked`);
  return { version, ...kernel, trouble: trouble.trim() };
}

interface Apt {
  get(...command: string[]): Promise<string>;
  cache(...command: string[]): Promise<string>;
}

/** apt with lists, cache and sources of its own below `folder`. */
function aptFor(name: string, folder: string): Apt {
  const kernel = KERNELS[name];
  if (!kernel) throw new Error(`no kernel is called ${name}`);
  const at = path.join(folder, 'apt');
  for (const part of ['lists/partial', 'cache/archives/partial', '../packages']) {
    mkdirSync(path.join(at, part), { recursive: true });
  }
  const sources = path.join(at, 'sources.list');
  const { main, security } = mirrors();
  const line = (uri: string, suite: string) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`;
  writeFileSync(
    sources,
    [
      ...kernel.suites.map((suite) => line(main, suite)),
      ...kernel.security.map((suite) => line(security, suite)),
    ].join(''),
  );
  writeFileSync(path.join(at, 'status'), '');
  const settings = {
    'Dir::State': at,
    'Dir::State::status': path.join(at, 'status'),
    'Dir::Cache': path.join(at, 'cache'),
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'APT::Architecture': 'amd64',
    // Its unprivileged user may not write into a checkout.
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const call = async (program: string, command: string[]) => {
    const cwd = path.join(folder, 'packages');
    mkdirSync(cwd, { recursive: true });
    const limits = { cwd, timeout: 300_000, maxBuffer: 64 << 20 };
    return (await run(program, ['-q', ...options, ...command], limits)).stdout;
  };
  return {
    get: (...command) => call('apt-get', command),
    cache: (...command) => call('apt-cache', command),
  };
}

/** Where this machine gets its Debian packages from: the mirror and the security updates. */
function mirrors(): { main: string; security: string } {
  const format = '$(ORIGIN)|$(LABEL)|$(REPO_URI)';
  const rows = execFileSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' })
    .split('\n')
    .map((row) => row.split('|'));
  const uri = (label: string) =>
    rows.find(([origin, its]) => origin === 'Debian' && its === label)?.[2];
  const main = uri('Debian');
  if (!main) throw new Unreachable('apt of this machine knows no mirror of Debian: apt-get update');
  return { main, security: uri('Debian-Security') ?? main };
}

/** The packages that hold image and modules, found along the dependencies. */
async function withDependencies(apt: Apt, start: string): Promise<string[]> {
  const found = new Set<string>();
  const waiting = [start];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const depends = /^Depends: (.*)$/m.exec(await apt.cache('show', next))?.[1] ?? '';
    for (const [, name, version] of depends.matchAll(
      /(linux-(?:image|binary|modules)-\d\S*)(?: \(= ([^)]+)\))?/g,
    )) {
      const one = version ? `${name}=${version}` : `${name}`;
      if (found.has(one)) continue;
      found.add(one);
      waiting.push(one);
    }
  }
  return [...found];
}

/** Image and modules below the folder into which the packages were unpacked. */
function findKernel(unpacked: string): Pick<DebianKernel, 'image' | 'modules'> | undefined {
  const list = (...parts: string[]): string[] => {
    const at = path.join(unpacked, ...parts);
    try {
      return readdirSync(at).map((name) => path.join(at, name));
    } catch {
      return [];
    }
  };
  const [release] = [...list('lib/modules'), ...list('usr/lib/modules')];
  const image = [...list('boot'), ...(release ? [path.join(release, 'vmlinuz')] : [])].find(
    (file) => path.basename(file).startsWith('vmlinuz'),
  );
  return release && image ? { image, modules: path.join(release, 'kernel') } : undefined;
}
