import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { tempDir } from './test-server.ts';

/** Unpacked here once, and found there by later runs. Git does not see it. */
const CACHE = fileURLToPath(new URL('../../.output/debian-clickhouse', import.meta.url));

/** What every Debian has, and must not have twice in a process. */
const OF_THE_SYSTEM = /^(libc6|libgcc-s1|libstdc\+\+6|libcrypt1)$/;

/**
 * The ClickHouse server that Debian ships, unpacked and not installed: a real server, though an old
 * one (18.16). From the package manager's own sources, 32 MB at the first time.
 * @returns its folder; or why it cannot be had
 */
export function debianClickHouse(): { root: string } | { missing: string } {
  if (existsSync(CACHE)) return { root: CACHE };
  const download = tempDir();
  const unpacked = `${CACHE}.part`;
  const options = { cwd: download, encoding: 'utf8', timeout: 45_000, stdio: 'pipe' } as const;
  try {
    const tree = execFileSync(
      'apt-cache',
      [
        'depends',
        '--recurse',
        '--important',
        '--no-conflicts',
        '--no-breaks',
        '--no-replaces',
        '--no-enhances',
        '--no-recommends',
        '--no-suggests',
        'clickhouse-server',
      ],
      options,
    );
    const libraries = tree
      .split('\n')
      .filter((line) => /^lib[a-z0-9]/.test(line) && !OF_THE_SYSTEM.test(line));
    const packages = ['clickhouse-server', 'clickhouse-common', ...new Set(libraries)];
    execFileSync('apt-get', ['download', ...packages], options);
    rmSync(unpacked, { recursive: true, force: true });
    mkdirSync(unpacked, { recursive: true });
    for (const deb of readdirSync(download))
      execFileSync('dpkg-deb', ['-x', deb, unpacked], options);
    renameSync(unpacked, CACHE);
    return { root: CACHE };
  } catch (error) {
    return { missing: (error as Error).message.trim().split('\n').slice(0, 3).join(' ') };
  }
}

/** Starts the server on a port of its own. @returns its URL, and what ends it */
export async function startDebianClickHouse(
  root: string,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const dir = tempDir();
  const [http, tcp] = [await freePort(), await freePort()];
  writeFileSync(
    join(dir, 'config.xml'),
    `<yandex>
      <listen_host>127.0.0.1</listen_host><http_port>${http}</http_port><tcp_port>${tcp}</tcp_port>
      <path>${dir}/data/</path><tmp_path>${dir}/tmp/</tmp_path><users_config>${dir}/users.xml</users_config>
      <logger><level>error</level><console>1</console></logger><mark_cache_size>5000000</mark_cache_size>
      <default_profile>default</default_profile><default_database>default</default_database>
    </yandex>`,
  );
  writeFileSync(
    join(dir, 'users.xml'),
    `<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default>
      <password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
    </default></users></yandex>`,
  );
  const libraries = [
    'usr/lib/x86_64-linux-gnu',
    'lib/x86_64-linux-gnu',
    'usr/lib/aarch64-linux-gnu',
  ];
  const child: ChildProcess = spawn(
    join(root, 'usr/sbin/clickhouse-server'),
    [`--config-file=${dir}/config.xml`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { LD_LIBRARY_PATH: libraries.map((path) => join(root, path)).join(':') },
    },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${http}`;
  for (let tries = 0; ; tries++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) break;
    if (child.exitCode !== null || tries === 200) throw new Error(`it does not start: ${said}`);
    await sleep(100);
  }
  return {
    url,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
