import { readConfig } from '@bunsen/server/config';
import { openStore, type Store } from '@bunsen/server/store/store';
import { atEnd, temporaryFolder } from '../harness.ts';
import type { Cleanups } from './report.ts';

/** The embedded store as the server opens it, without a server. Closes with the benchmark. */
export async function openEmbedded(t: Cleanups, dataDir = temporaryFolder(t)): Promise<Store> {
  const config = readConfig({ BUNSEN_DATA_DIR: dataDir });
  const store = await openStore({
    clickhouseUrl: '',
    embedded: {
      dataDir,
      listen: '',
      memoryBytes: config.storeMemoryBytes,
      maxConcurrent: 12,
      lockWaitMs: 5_000,
    },
    // Statements of the benchmark, not of a user: they merge and copy whole tables.
    queryTimeMs: 600_000,
    queryMemoryBytes: config.queryMemoryBytes,
    onWarning: (message) => console.error(message),
  });
  atEnd(t, () => store.close());
  return store;
}
