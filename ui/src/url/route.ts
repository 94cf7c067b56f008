/** Which page a path shows. */
export type Route =
  | { page: 'fleet' }
  /** `service` is empty for all services together. */
  | { page: 'service'; service: string }
  | { page: 'compare' }
  | { page: 'unknown'; path: string };

export const COMPARE_PATH = '/compare';

/** Reads the path of a URL, escaped as `location.pathname` has it. */
export function parseRoute(path: string): Route {
  if (path === '/') return { page: 'fleet' };
  if (path === '/all') return { page: 'service', service: '' };
  if (path === COMPARE_PATH) return { page: 'compare' };
  const name = /^\/s\/([^/]+)$/.exec(path)?.[1];
  if (name === undefined) return { page: 'unknown', path };
  try {
    return { page: 'service', service: decodeURIComponent(name) };
  } catch {
    return { page: 'unknown', path };
  }
}

/** The path of a service's page. A slash inside of a name is escaped, so it stays one segment. */
export function servicePath(service: string): string {
  return service === '' ? '/all' : `/s/${encodeURIComponent(service)}`;
}
