import { ConfigError } from '../errors.ts';

/** The oldest that has all that the tables and inserts use; of its features, GCD codecs and
 * `distributed_foreground_insert` are the youngest. Later ones are done without where they lack. */
export const OLDEST_VERSION = '24.3';

/** The first that has `query_plan_join_swap_table`, and does it unless it is told not to. */
export const SWAPS_SIDES = '24.12';

/** @param version as `SELECT version()` has it */
export function isSince(version: string, since: string): boolean {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  const [sinceMajor, sinceMinor] = since.split('.').map(Number) as [number, number];
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/**
 * @param version as `SELECT version()` has it
 * @throws ConfigError if it is too old
 */
export function checkServerVersion(version: string, url: string): void {
  if (isSince(version, OLDEST_VERSION)) return;
  throw new ConfigError(
    `the ClickHouse at ${url} is version ${version}; Bunsen needs ${OLDEST_VERSION} or newer: update it, name another one in CLICKHOUSE_URL, or leave that out to use the embedded store`,
  );
}
