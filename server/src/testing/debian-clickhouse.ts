import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { librariesOf, unpackedDebian } from './debian-package.ts';
import { freePort } from './free-port.ts';
import { type Started, startProgram } from './start-program.ts';
import { tempDir } from './test-server.ts';

/**
 * The ClickHouse server that Debian ships: a real server, though an old one (18.16). 32 MB at the
 * first time.
 * @returns its folder; or why it cannot be had
 */
export function debianClickHouse(): { root: string } | { missing: string } {
  return unpackedDebian('debian-clickhouse', (run) => [
    'clickhouse-server',
    'clickhouse-common',
    ...librariesOf(run, 'clickhouse-server'),
  ]);
}

/** Starts the server on a port of its own. @returns its URL, and what ends it */
export async function startDebianClickHouse(root: string): Promise<Started & { url: string }> {
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
  const url = `http://127.0.0.1:${http}`;
  const started = await startProgram(
    join(root, 'usr/sbin/clickhouse-server'),
    [`--config-file=${dir}/config.xml`],
    {
      readyUrl: url,
      seconds: 20,
      env: { LD_LIBRARY_PATH: libraries.map((path) => join(root, path)).join(':') },
    },
  );
  return { url, ...started };
}
