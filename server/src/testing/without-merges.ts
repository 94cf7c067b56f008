import { ROLLUP_TABLES } from '../store/rollup-sql.ts';
import type { TestServer } from './test-server.ts';

/** Meanwhile rollups have what was deleted with both signs. */
export async function withoutMerges(
  { app: { store } }: TestServer,
  check: () => Promise<void>,
): Promise<void> {
  for (const table of ROLLUP_TABLES) await store.command(`SYSTEM STOP MERGES ${table}`);
  try {
    await check();
  } finally {
    for (const table of ROLLUP_TABLES) await store.command(`SYSTEM START MERGES ${table}`);
  }
}
