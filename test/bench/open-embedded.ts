import { readConfig } from '@bunsen/server/config';
import { prepareTables } from '@bunsen/server/store/prepare-tables';
import { ProfileStore } from '@bunsen/server/store/profile-store';
import { Rollups } from '@bunsen/server/store/rollups';
import { openStore, type Store } from '@bunsen/server/store/store';
import { atEnd, temporaryFolder } from '../harness.ts';
import type { Cleanups } from './report.ts';

export interface Embedded {
  store: Store;
  /** Makes nothing by itself: only when it is told to. */
  rollups: Rollups;
  profiles: ProfileStore;
}

/** The embedded store as the server opens it, without a server. Closes with the benchmark. */
export async function openEmbedded(t: Cleanups, dataDir = temporaryFolder(t)): Promise<Embedded> {
  const config = readConfig({ BUNSEN_DATA_DIR: dataDir });
  const onWarning = (message: string) => console.error(message);
  const store = await openStore({
    clickhouseUrl: '',
    clusterName: config.clickhouseCluster,
    quorum: config.clickhouseQuorum,
    retention: config.retention,
    embedded: {
      dataDir,
      listen: '',
      memoryBytes: config.storeMemoryBytes,
      concurrency: { reads: 8, writes: 6 },
      lockWaitMs: 5_000,
    },
    // Statements of the benchmark, not of a user: they merge and copy whole tables.
    queryTimeMs: 600_000,
    queryMemoryBytes: config.queryMemoryBytes,
    queryRows: Number.MAX_SAFE_INTEGER,
    onWarning,
  });
  atEnd(t, () => store.close());
  await prepareTables(store, onWarning);
  const rollups = new Rollups(store, onWarning);
  await rollups.load();
  return { store, rollups, profiles: new ProfileStore(store, rollups) };
}
