import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackedDebian } from './debian-package.ts';
import { freePort } from './free-port.ts';
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
): Promise<{ url: string; stop: () => Promise<void> }> {
  const dir = tempDir();
  const [samples, config, data] = ['samples.om', 'prometheus.yml', 'data'].map((name) =>
    join(dir, name),
  ) as [string, string, string];
  writeFileSync(samples, openMetrics);
  writeFileSync(config, 'global: {}\n');
  const blocks = ['tsdb', 'create-blocks-from', 'openmetrics', samples, data];
  execFileSync(join(root, 'usr/bin/promtool'), blocks, { stdio: 'pipe' });
  const port = await freePort();
  const child: ChildProcess = spawn(
    join(root, 'usr/bin/prometheus'),
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (answer?.ok) break;
    if (child.exitCode !== null || tries === 300) throw new Error(`it does not start: ${said}`);
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
