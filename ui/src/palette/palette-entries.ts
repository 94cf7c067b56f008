import { type FunctionsResponse, type ServicesResponse, shortName } from '@bunsen/profile';
import { functionPath, servicePath } from '../url/route.ts';

/** Somewhere to go. */
export interface Entry {
  kind: 'page' | 'service' | 'function';
  text: string;
  detail: string;
  path: string;
  /** Of a function: its module. */
  module: string | null;
}

const PAGES: Entry[] = [
  { kind: 'page', text: 'All services', detail: 'list', path: '/', module: null },
  { kind: 'page', text: 'Flame graph of all services', detail: '', path: '/all', module: null },
  { kind: 'page', text: 'Compare', detail: '', path: '/compare', module: null },
];

const MOST_SERVICES = 8;

/**
 * What matches a text: services and pages by any part of their name, those that begin with it first;
 * functions as the server found them.
 */
export function paletteEntries(
  typed: string,
  services: ServicesResponse['services'],
  functions: FunctionsResponse['functions'],
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
  return [
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
