/**
 * A chDB that is configured as a server of a cluster: it takes replicated and Distributed tables, as
 * far as that goes without a network. It does not take ON CLUSTER, and neither inserts into
 * replicated tables nor reads from Distributed ones: they hang or fail.
 *
 * A process of its own, as statements may hang, with a directory, the name of the cluster and its
 * database as arguments: sent `string[]`, it answers with a {@link Reply} for
 * each statement, and ends when its parent does.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export type Reply = { rows: string } | { error: string };

const [dir, cluster, database] = process.argv.slice(2) as [string, string, string];

const CONFIG = `<clickhouse>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <macros><shard>1</shard><replica>r1</replica></macros>
  <remote_servers><${cluster}>
    ${[1, 2]
      .map(
        (port) => `<shard><internal_replication>true</internal_replication>
          <replica><host>127.0.0.1</host><port>${port}</port></replica></shard>`,
      )
      .join('')}
  </${cluster}></remote_servers>
</clickhouse>`;

writeFileSync(join(dir, 'config.xml'), CONFIG);
const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');
const session = new Session(join(dir, 'store'), {
  connectionArgs: [`--config-file=${join(dir, 'config.xml')}`],
});
session.query(`CREATE DATABASE ${database}`);
session.query(`USE ${database}`);
// The engine does not end while it tries to reach a shard; there is nothing here to be kept.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', async (statements: string[]) => {
  const replies: Reply[] = [];
  for (const statement of statements) {
    try {
      const result = await session.queryAsync(statement, { format: 'TabSeparated' });
      replies.push({ rows: result.text() });
    } catch (error) {
      replies.push({ error: (error as Error).message });
    }
  }
  process.send?.(replies);
});
