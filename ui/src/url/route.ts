/** Which page a path shows. */
export type Route =
  | { page: 'fleet' }
  /** `service` is empty for all services together. */
  | { page: 'service'; service: string }
  /** The same, `service` empty for all. */
  | { page: 'heatmap' | 'labels'; service: string }
  | { page: 'compare' | 'adhoc' | 'agents' | 'settings' }
  | { page: 'function'; name: string }
  | { page: 'unknown'; path: string };

export type PageName = Route['page'];

export const COMPARE_PATH = '/compare';

/** Pages that are one path each. */
const SINGLE_PAGES = ['compare', 'adhoc', 'agents', 'settings'] as const;
/** First segments of the paths that go on with a name, and whose it is. */
const NAMED_PAGES = { s: 'service', heatmap: 'heatmap', labels: 'labels', f: 'function' } as const;

/** Reads the path of a URL, escaped as `location.pathname` has it. */
export function parseRoute(path: string): Route {
  if (path === '/') return { page: 'fleet' };
  if (path === '/all') return { page: 'service', service: '' };
  if (path === '/heatmap') return { page: 'heatmap', service: '' };
  if (path === '/labels') return { page: 'labels', service: '' };
  const single = SINGLE_PAGES.find((page) => path === `/${page}`);
  if (single) return { page: single };
  const [, first, escaped = ''] = /^\/(s|f|heatmap|labels)\/([^/]+)$/.exec(path) ?? [];
  if (first === undefined) return { page: 'unknown', path };
  const page = NAMED_PAGES[first as keyof typeof NAMED_PAGES];
  try {
    const name = decodeURIComponent(escaped);
    return page === 'function' ? { page, name } : { page, service: name };
  } catch {
    return { page: 'unknown', path };
  }
}

/** The path of a service's page. A slash inside of a name is escaped, so it stays one segment. */
export function servicePath(service: string): string {
  return service === '' ? '/all' : `/s/${encodeURIComponent(service)}`;
}

/** The path of a page about a service, or about all of them. */
export function pathOfPage(page: 'service' | 'heatmap' | 'labels', service: string): string {
  if (page === 'service') return servicePath(service);
  return service === '' ? `/${page}` : `/${page}/${encodeURIComponent(service)}`;
}

/** The path of a function's page. Its module stands in the query. */
export function functionPath(name: string): string {
  return `/f/${encodeURIComponent(name)}`;
}
