import { clusterStatements } from './cluster-ddl.ts';
import type { QueryParams, Store } from './store.ts';

/**
 * Changes rows that are stored, on every server. Returns when it is done: what was read before is then
 * gone from disk as well, some minutes later.
 * @param statement `ALTER TABLE … DELETE WHERE …` or `… UPDATE …`
 */
export async function mutate(store: Store, statement: string, params: QueryParams): Promise<void> {
  const { cluster } = store;
  const whole = `${statement} SETTINGS mutations_sync = 2`;
  for (const each of cluster ? clusterStatements(whole, cluster) : [whole]) {
    await store.command(each, params);
  }
}
