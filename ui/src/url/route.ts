/** Which page a path shows. */
export type Route =
  | { page: 'fleet' }
  /** `service` is empty for all services together. */
  | { page: 'service'; service: string }
  | { page: 'compare' }
  | { page: 'function'; name: string }
  | { page: 'unknown'; path: string };

export const COMPARE_PATH = '/compare';

/** Reads the path of a URL, escaped as `location.pathname` has it. */
export function parseRoute(path: string): Route {
  if (path === '/') return { page: 'fleet' };
  if (path === '/all') return { page: 'service', service: '' };
  if (path === COMPARE_PATH) return { page: 'compare' };
  const [, letter, escaped = ''] = /^\/([sf])\/([^/]+)$/.exec(path) ?? [];
  if (letter === undefined) return { page: 'unknown', path };
  try {
    const name = decodeURIComponent(escaped);
    return letter === 's' ? { page: 'service', service: name } : { page: 'function', name };
  } catch {
    return { page: 'unknown', path };
  }
}

/** The path of a service's page. A slash inside of a name is escaped, so it stays one segment. */
export function servicePath(service: string): string {
  return service === '' ? '/all' : `/s/${encodeURIComponent(service)}`;
}

/** The path of a function's page. Its module stands in the query. */
export function functionPath(name: string): string {
  return `/f/${encodeURIComponent(name)}`;
}
