import { findCluster } from './cluster.ts';
import { migrate } from './migrate.ts';
import { applyRetention } from './retention.ts';
import type { Store } from './store.ts';

/**
 * Makes the tables what this version and its options need, which may be repeated.
 * @param onChange told what an operator may want to know
 * @throws ConfigError that says what to change
 */
export async function prepareTables(
  store: Store,
  onChange: (message: string) => void,
): Promise<void> {
  if (store.clusterName !== '') store.cluster = await findCluster(store, store.clusterName);
  const applied = await migrate(store, onChange);
  const changes = await applyRetention(store);
  // New tables have no rows whose time could change.
  if (applied.length === 0) for (const change of changes) onChange(change);
}
