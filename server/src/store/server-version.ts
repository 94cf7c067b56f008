import { ConfigError } from '../errors.ts';

/** The oldest that has all that the tables and inserts use; of its features, GCD codecs and
 * `distributed_foreground_insert` are the youngest. Later ones are done without where they lack. */
export const OLDEST_VERSION = '24.3';

/**
 * @param version as `SELECT version()` has it
 * @throws ConfigError if it is too old
 */
export function checkServerVersion(version: string, url: string): void {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  const [oldestMajor, oldestMinor] = OLDEST_VERSION.split('.').map(Number) as [number, number];
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new ConfigError(
    `the ClickHouse at ${url} is version ${version}; Bunsen needs ${OLDEST_VERSION} or newer: update it, name another one in CLICKHOUSE_URL, or leave that out to use the embedded store`,
  );
}
