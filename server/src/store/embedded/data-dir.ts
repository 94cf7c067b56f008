import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The pid of the live process that has the store's directory open, other than this one. The engine
 * writes its pid into `status`, which it also locks; a stale file of a dead process does not count.
 */
export function ownerOfDataDir(storeDir: string): number | undefined {
  const status = readOrEmpty(join(storeDir, 'status'));
  const pid = Number(/^PID: (\d+)/.exec(status)?.[1]);
  if (!pid || pid === process.pid) return undefined;
  // The number may have gone to another program since: ask what holds the lock, where that is known.
  const locks = readOrEmpty('/proc/locks');
  if (locks !== '' && !new RegExp(`\\sWRITE\\s+${pid}\\s`).test(locks)) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
