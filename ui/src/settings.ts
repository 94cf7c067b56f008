/** What a reader chose for all pages. The theme is kept apart, as it is needed before the first paint. */
export interface Settings {
  /** Whether times are shown and read in the zone of the browser or in UTC. */
  zone: 'local' | 'utc';
  /** What a core costs in an hour; 0 to show no costs. */
  costPerCoreHour: number;
  /** What stands before an amount of money, such as `$`. */
  currency: string;
  /** The beginning of the range that a visit starts with: `now-30m`. */
  range: string;
  /** The latest first. */
  views: SavedView[];
}

/** A URL that somebody gave a name. */
export interface SavedView {
  name: string;
  /** Path and query. */
  url: string;
}

const STORAGE_KEY = 'bunsen-settings';
const DEFAULTS: Settings = {
  zone: 'local',
  costPerCoreHour: 0,
  currency: '$',
  range: 'now-30m',
  views: [],
};
/** Characters of a currency. */
export const MOST_CURRENCY = 4;

const listeners = new Set<() => void>();
let current: Settings | undefined;

/** What is stored, as far as it is what it should be: an older version may have written it. */
function read(): Settings {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}') as Partial<Settings>;
    const views = Array.isArray(stored.views) ? stored.views : [];
    return {
      zone: stored.zone === 'utc' ? 'utc' : 'local',
      costPerCoreHour: Number(stored.costPerCoreHour) > 0 ? Number(stored.costPerCoreHour) : 0,
      currency:
        typeof stored.currency === 'string'
          ? stored.currency.slice(0, MOST_CURRENCY)
          : DEFAULTS.currency,
      range: /^now-\d+[smhdw]$/.test(stored.range ?? '')
        ? (stored.range as string)
        : DEFAULTS.range,
      views: views.filter((one) => typeof one?.name === 'string' && /^\/(?!\/)/.test(one.url)),
    };
  } catch {
    return DEFAULTS;
  }
}

/**
 * The name stands for this URL from now on.
 * @param url path and query
 */
export function saveView(name: string, url: string): void {
  const others = settings().views.filter((one) => one.name !== name);
  changeSettings({ views: [{ name, url }, ...others] });
}

/** Read when it is first asked for: storage takes a browser 10 ms to open. */
export function settings(): Settings {
  current ??= read();
  return current;
}

/** Remembered by this browser, where it lets us; else until the page is left. */
export function changeSettings(patch: Partial<Settings>): void {
  current = { ...settings(), ...patch };
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(current));
  } catch {
    // Storage is blocked.
  }
  for (const listener of listeners) listener();
}

/** @returns a function that ends it */
export function onSettings(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
