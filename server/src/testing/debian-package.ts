import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tempDir } from './test-server.ts';

/** Unpacked here once, and found there by later runs. Git does not see it. */
const CACHE = fileURLToPath(new URL('../../.output/', import.meta.url));

/** What every Debian has, and must not have twice in a process. */
const OF_THE_SYSTEM = /^(libc6|libgcc-s1|libstdc\+\+6|libcrypt1)$/;

/** The output of a program, in the folder that packages are downloaded to. */
export type Run = (program: string, args: string[]) => string;

/**
 * Debian's packages, unpacked and not installed, from the package manager's own sources.
 * @param packagesOf the names of those that are needed, asked for at the first time only
 * @returns their folder; or why they cannot be had
 */
export function unpackedDebian(
  name: string,
  packagesOf: (run: Run) => string[],
): { root: string } | { missing: string } {
  const root = `${CACHE}${name}`;
  if (existsSync(root)) return { root };
  const download = tempDir();
  const unpacked = `${root}.part`;
  const options = { cwd: download, encoding: 'utf8', timeout: 45_000, stdio: 'pipe' } as const;
  const run: Run = (program, args) => execFileSync(program, args, options);
  try {
    run('apt-get', ['download', ...packagesOf(run)]);
    rmSync(unpacked, { recursive: true, force: true });
    mkdirSync(unpacked, { recursive: true });
    for (const deb of readdirSync(download)) run('dpkg-deb', ['-x', deb, unpacked]);
    renameSync(unpacked, root);
    return { root };
  } catch (error) {
    return { missing: (error as Error).message.trim().split('\n').slice(0, 3).join(' ') };
  }
}

/** The libraries that a package needs, and does not find on every Debian. */
export function librariesOf(run: Run, name: string): string[] {
  const tree = run('apt-cache', [
    'depends',
    '--recurse',
    '--important',
    '--no-conflicts',
    '--no-breaks',
    '--no-replaces',
    '--no-enhances',
    '--no-recommends',
    '--no-suggests',
    name,
  ]);
  const names = tree
    .split('\n')
    .filter((line) => /^lib[a-z0-9]/.test(line) && !OF_THE_SYSTEM.test(line));
  return [...new Set(names)];
}
