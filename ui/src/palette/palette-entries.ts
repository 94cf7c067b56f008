import { type FunctionsResponse, type ServicesResponse, shortName } from '@bunsen/profile';
import type { SavedView } from '../settings.ts';
import { functionPath, servicePath } from '../url/route.ts';

/** Somewhere to go. */
export interface Entry {
  kind: 'page' | 'service' | 'function' | 'view';
  text: string;
  detail: string;
  /** Of a saved view: with its query, which is all that it is about. */
  path: string;
  /** Of a function: its module. */
  module: string | null;
}

const PAGES: Entry[] = [
  ['All services', '/', 'list'],
  ['Flame graph of all services', '/all'],
  ['Heatmap', '/heatmap'],
  ['Labels', '/labels'],
  ['Compare', '/compare'],
  ['Files', '/adhoc', 'pprof, perf script, .cpuprofile'],
  ['Agents', '/agents'],
  ['Settings', '/settings', 'time zone, costs, saved views'],
].map(([text = '', path = '', detail = '']) => ({
  kind: 'page',
  text,
  detail,
  path,
  module: null,
}));

const MOST_SERVICES = 8;

/**
 * What matches a text: services, saved views and pages by any part of their name, services that begin
 * with it first; functions as the server found them.
 */
export function paletteEntries(
  typed: string,
  services: ServicesResponse['services'],
  functions: FunctionsResponse['functions'],
  views: readonly SavedView[],
): Entry[] {
  const wanted = typed.trim().toLowerCase();
  const matches = ({ text }: Entry) => text.toLowerCase().includes(wanted);
  const begins = ({ text }: Entry) => (text.toLowerCase().startsWith(wanted) ? 0 : 1);
  const found = services
    .map(
      ({ service }): Entry => ({
        kind: 'service',
        text: service,
        detail: '',
        path: servicePath(service),
        module: null,
      }),
    )
    .filter((entry) => entry.text !== '' && matches(entry))
    .sort((a, b) => begins(a) - begins(b)) // stable: else the most expensive first, as they came
    .slice(0, MOST_SERVICES);
  // A name that matches goes before one whose parameters do.
  const inName = (name: string) => (shortName(name).toLowerCase().includes(wanted) ? 0 : 1);
  const sorted = functions.toSorted((a, b) => inName(a.name) - inName(b.name));
  const saved = views.map(
    ({ name, url }): Entry => ({
      kind: 'view',
      text: name,
      detail: 'saved',
      path: url,
      module: null,
    }),
  );
  return [
    ...saved.filter(matches),
    ...found,
    ...sorted.map(
      ({ name, module }): Entry => ({
        kind: 'function',
        text: name,
        detail: module,
        path: functionPath(name),
        module,
      }),
    ),
    ...PAGES.filter(matches),
  ];
}
