import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackedDebian } from './debian-package.ts';
import { freePort } from './free-port.ts';
import { type Started, startProgram } from './start-program.ts';
import { tempDir } from './test-server.ts';

/**
 * Prometheus and promtool, which Debian ships (2.42). 19 MB at the first time.
 * @returns their folder; or why they cannot be had
 */
export function debianPrometheus(): { root: string } | { missing: string } {
  return unpackedDebian('debian-prometheus', () => ['prometheus']);
}

/**
 * Starts a Prometheus that holds these samples and scrapes nothing.
 * @param openMetrics as text, with times
 * @returns its URL, and what ends it
 */
export async function startPrometheus(
  root: string,
  openMetrics: string,
): Promise<Started & { url: string }> {
  const dir = tempDir();
  const [samples, config, data] = ['samples.om', 'prometheus.yml', 'data'].map((name) =>
    join(dir, name),
  ) as [string, string, string];
  writeFileSync(samples, openMetrics);
  writeFileSync(config, 'global: {}\n');
  const blocks = ['tsdb', 'create-blocks-from', 'openmetrics', samples, data];
  execFileSync(join(root, 'usr/bin/promtool'), blocks, { stdio: 'pipe' });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const started = await startProgram(
    join(root, 'usr/bin/prometheus'),
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { readyUrl: `${url}/-/ready`, seconds: 30 },
  );
  return { url, ...started };
}
