import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseSettings } from '@clickhouse/client';
import { BunsenError, ConfigError } from '../errors.ts';
import { type ClusterTarget, quote } from './cluster-ddl.ts';
import { hashTexts } from './content-hash.ts';
import type { Store } from './store.ts';

export interface Cluster extends ClusterTarget {
  shards: number;
}

/** How a cluster is read, beyond how one server is. */
export const CLUSTER_READ: ClickHouseSettings = {
  // What a condition looks up in another table may be on another shard: it is looked up once, for all.
  distributed_product_mode: 'global',
  // Where rows are by service (cluster-ddl.ts), only the shard that has it is asked.
  optimize_skip_unused_shards: 1,
  load_balancing: 'nearest_hostname',
};

/**
 * The shard of a push, from 1 on. All of a push is on one: so its mark is beside all of its rows, and
 * an insert reaches one shard wholly or not at all. Services are then spread, also the largest.
 */
export function shardOf(pushId: bigint, shards: number): number {
  return Number(pushId % BigInt(shards)) + 1;
}

/**
 * Settings of an insert of whole pushes of one shard: where it goes, and what it is called, by which
 * it is known when it comes again.
 */
export function pushSettings(
  table: string,
  pushIds: bigint[],
  { shards }: Cluster,
): ClickHouseSettings {
  const sorted = pushIds.map(String).sort();
  return {
    insert_shard_id: String(shardOf(pushIds[0] as bigint, shards)),
    insert_deduplication_token: `${table}-${hashTexts(sorted)}`,
  };
}

/** How it is written to. */
export function clusterWrite(quorum: number): ClickHouseSettings {
  return {
    // A 200 means that the rows are in their shards. By default the server that was asked spools it.
    distributed_foreground_insert: 1,
    // One replica is no quorum: the insert would wait for a second server to say so in Keeper.
    insert_quorum: quorum === 1 ? '0' : String(quorum),
    load_balancing: 'nearest_hostname',
  };
}

/**
 * Asks the servers whether they are the cluster that the option names.
 * @throws ConfigError that says what to change
 */
export async function findCluster(store: Store, name: string): Promise<Cluster> {
  const rows = await store.rows<{ cluster: string; database: string; shards: number }>(
    `SELECT cluster, currentDatabase() AS database, max(shard_num) AS shards
     FROM system.clusters GROUP BY cluster ORDER BY cluster`,
  );
  const found = rows.find(({ cluster }) => cluster === name);
  if (!found) {
    const known = rows.map(({ cluster }) => cluster).join(', ') || 'none';
    throw new ConfigError(
      `BUNSEN_CLICKHOUSE_CLUSTER=${name} is not in system.clusters of the ClickHouse (it has: ${known}): correct the name, or add the cluster to remote_servers in its configuration`,
    );
  }
  const macros = await store.rows<{ macro: string }>('SELECT macro FROM system.macros');
  for (const needed of ['shard', 'replica']) {
    if (macros.some(({ macro }) => macro === needed)) continue;
    throw new ConfigError(
      `the servers of BUNSEN_CLICKHOUSE_CLUSTER=${name} have no macro {${needed}}, which names their place in Keeper: set it under <macros> in the configuration of each`,
    );
  }
  return { name, database: found.database, shards: found.shards };
}

/**
 * A table as all replicas of all shards have it, for FROM: rows can be there several times. One that
 * lags behind, or does not answer, hides nothing that another one has.
 */
export function onEveryReplica({ name, database }: ClusterTarget, table: string): string {
  return `clusterAllReplicas(${quote(name)}, ${quote(database)}, ${quote(table)})`;
}
/** For the end of a SELECT that has it; a replica that cannot be reached is tried once. */
export const SKIP_DEAD_REPLICAS =
  'SETTINGS skip_unavailable_shards = 1, connections_with_failover_max_tries = 1';

/** Waits between the tries of an insert of which it is not known whether it was done: 25 s in all. */
const TRY_AGAIN_MS = [500, 1_500, 3_000, 8_000, 12_000];

/**
 * Repeats an insert until it is known to be done: the same rows under the same token, so that a shard
 * that has them leaves them out, on whichever replica. Without this, a push whose insert had reached
 * one replica only, which then died, could be repeated on another that knows nothing of it.
 * @throws BunsenError the last one, when the cluster has been away for all that time
 */
export async function insertUntilSure(
  insert: () => Promise<void>,
  waitsMs: readonly number[] = TRY_AGAIN_MS,
): Promise<void> {
  for (const waitMs of waitsMs) {
    try {
      return await insert();
    } catch (error) {
      if (!(error instanceof BunsenError) || error.code !== 'STORE_UNAVAILABLE') throw error;
    }
    await sleep(waitMs);
  }
  await insert();
}
