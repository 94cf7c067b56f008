import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Where a process runs, as far as its control group tells. Empty strings for what it does not. */
export interface CgroupPlace {
  /** The longest path of all hierarchies. */
  path: string;
  /** Innermost systemd service, without `.service`. */
  unit: string;
  /** 64 hex digits. */
  containerId: string;
  /** Kubernetes pod UID, with dashes. */
  podUid: string;
}

const CONTAINER_ID = /(?:^|[-/:])([0-9a-f]{64})(?:\.scope)?(?:\/|$)/;
const POD_UID = /pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})/;
const SERVICE = /^(.+)\.service$/;

/**
 * Reads the text of /proc/PID/cgroup, of version 1, 2 or both: the longest path of all hierarchies
 * says most. The services that only hold a user's session (`user@1000.service`) are no services.
 */
export function parseCgroup(text: string): CgroupPlace {
  const paths = text
    .split('\n')
    .map((line) => line.split(':').slice(2).join(':'))
    .sort((a, b) => b.length - a.length);
  const place: CgroupPlace = { path: paths[0] ?? '', unit: '', containerId: '', podUid: '' };
  for (const path of paths) {
    place.containerId ||= CONTAINER_ID.exec(path)?.[1] ?? '';
    place.podUid ||= POD_UID.exec(path)?.[1]?.replaceAll('_', '-') ?? '';
    place.unit ||= unitOf(path);
  }
  return place;
}

function unitOf(cgroupPath: string): string {
  const segments = cgroupPath.split('/').reverse();
  for (const segment of segments) {
    const unit = SERVICE.exec(segment)?.[1];
    if (unit && !/^user@\d+$/.test(unit)) {
      // systemd writes a dash inside of a name as \x2d.
      return unit.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
    }
  }
  return '';
}

/**
 * Names of containers by id, from what the container engines leave on the host's disk: Docker's
 * configuration, and Kubernetes' links `POD_NAMESPACE_CONTAINER-ID.log`. No daemon is asked.
 */
export class ContainerNames {
  readonly #root: string;
  readonly #names = new Map<string, string>();

  /** @param root of the host's file system; another one in tests, or inside of a container */
  constructor(root = '/') {
    this.#root = root;
  }

  /** The container's name, or the empty string. Names are remembered; what has none is asked anew. */
  async nameOf(containerId: string): Promise<string> {
    let name = this.#names.get(containerId);
    if (name === undefined) {
      name = (await this.#fromKubernetes(containerId)) || (await this.#fromDocker(containerId));
      if (name) this.#names.set(containerId, name);
    }
    return name;
  }

  async #fromKubernetes(containerId: string): Promise<string> {
    try {
      const logs = await readdir(path.join(this.#root, 'var/log/containers'));
      const log = logs.find((file) => file.endsWith(`-${containerId}.log`));
      return log?.split('_')[2]?.slice(0, -`-${containerId}.log`.length) ?? '';
    } catch {
      return ''; // no Kubernetes here
    }
  }

  async #fromDocker(containerId: string): Promise<string> {
    const file = `var/lib/docker/containers/${containerId}/config.v2.json`;
    try {
      const config: unknown = JSON.parse(await readFile(path.join(this.#root, file), 'utf8'));
      const name = (config as { Name?: unknown }).Name;
      return typeof name === 'string' ? name.replace(/^\//, '') : '';
    } catch {
      return ''; // no Docker here, or a container that is gone
    }
  }
}
