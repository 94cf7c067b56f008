import { buffer } from 'node:stream/consumers';
import { decodeBlocks } from '@bunsen/server/store/native-block';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { freePort, startServer } from '../harness.ts';
import type { Cleanups, Figure } from './report.ts';

/** Rows of an answer that succeeds. */
const ROWS = 5000;
const TENANTS = ['ada', 'bob'];

/** Queries that fail after they have had rows to give, where they can, with ClickHouse's error number. */
const FAILING = [
  {
    kind: 'throwIf',
    code: '395',
    sql: (tenant: string) =>
      `SELECT '${tenant}' AS tenant, throwIf(number = 90000) FROM numbers(100000) SETTINGS max_block_size = 1000`,
  },
  {
    kind: 'time-out',
    code: '159',
    sql: (tenant: string) =>
      `SELECT '${tenant}' AS tenant, sleepEachRow(0.001) FROM numbers(1000000)
       SETTINGS max_block_size = 10, max_execution_time = 0.05`,
  },
  {
    kind: 'memory limit',
    code: '241',
    sql: (tenant: string) =>
      `SELECT '${tenant}' AS tenant, groupArray(number) FROM numbers(10000000)
       SETTINGS max_memory_usage = 20000000`,
  },
  {
    kind: 'malformed regex',
    code: '427',
    sql: (tenant: string) =>
      `SELECT '${tenant}' AS tenant, match(toString(number), '(' || toString(number)) FROM numbers(1000)`,
  },
];

interface Row {
  tenant: string;
  n: number;
}

/** Ways to have an answer. */
const FORMATS: Record<string, (bytes: Buffer) => Row[]> = {
  JSONEachRow: (bytes) => linesOf(bytes).map((line) => JSON.parse(line)),
  JSONCompactEachRow: (bytes) =>
    linesOf(bytes).map((line) => {
      const [tenant, n] = JSON.parse(line);
      return { tenant, n };
    }),
  TabSeparated: (bytes) =>
    linesOf(bytes).map((line) => {
      const [tenant = '', n] = line.split('\t');
      return { tenant, n: Number(n) };
    }),
  Native: (bytes) =>
    [...decodeBlocks(bytes)].flatMap(({ columns }) => {
      const [tenant, n] = columns as unknown as [
        { dictionary: string[]; codes: Uint32Array },
        { values: Uint32Array },
      ];
      return Array.from(n.values, (value, row) => ({
        tenant: tenant.dictionary[tenant.codes[row] as number] as string,
        n: value,
      }));
    }),
};

/**
 * Two tenants ask the embedded store's HTTP front at the same time, and every second query fails.
 * Each answer is to be its own rows, all of them, in order.
 */
export async function showIsolation(
  t: Cleanups,
  { queries }: { queries: number },
): Promise<Figure[]> {
  const port = await freePort();
  await startServer(t, { env: { BUNSEN_STORE_LISTEN: `127.0.0.1:${port}` } });
  const count = { foreign: 0, wrong: 0, answers: 0, failed: 0 };
  const formats = Object.entries(FORMATS);
  await Promise.all(
    TENANTS.map(async (tenant) => {
      const client = createClient({
        url: `http://127.0.0.1:${port}`,
        log: { level: ClickHouseLogLevel.OFF },
      });
      t.after(() => client.close());
      for (let i = 0; i < queries / TENANTS.length; i++) {
        const turn = i >> 1;
        if (i % 2 === 0) {
          const { kind, code, sql } = FAILING[turn % FAILING.length] as (typeof FAILING)[number];
          const got = await codeOf(client, sql(tenant));
          if (got !== code) throw new Error(`${kind} ended with ${got}, not with ${code}`);
          count.failed++;
          continue;
        }
        const [format, read] = formats[turn % formats.length] as (typeof formats)[number];
        const from = i * ROWS;
        const bytes = await ask(
          client,
          `SELECT toLowCardinality('${tenant}') AS tenant, toUInt32(number) AS n FROM numbers(${from}, ${ROWS}) FORMAT ${format}`,
        );
        const rows = read(bytes);
        count.answers++;
        count.foreign += rows.filter((row) => row.tenant !== tenant).length;
        const right = rows.length === ROWS && rows.every(({ n }, row) => n === from + row);
        if (!right) count.wrong++;
      }
    }),
  );
  return [
    { name: 'isolation.failed', value: count.failed, unit: 'queries', note: 'as they should' },
    { name: 'isolation.answers', value: count.answers, unit: 'queries' },
    { name: 'isolation.foreign', value: count.foreign, unit: 'rows', bar: '0' },
    { name: 'isolation.wrong', value: count.wrong, unit: 'answers', bar: '0' },
  ];
}

async function ask(client: ClickHouseClient, query: string): Promise<Buffer> {
  return buffer((await client.exec({ query })).stream);
}

/** ClickHouse's number of the error that a query ends with. */
async function codeOf(client: ClickHouseClient, query: string): Promise<string> {
  try {
    return `${(await ask(client, query)).length} bytes`;
  } catch (error) {
    return String((error as { code?: string }).code ?? error);
  }
}

function linesOf(bytes: Buffer): string[] {
  return bytes.toString('utf8').split('\n').slice(0, -1);
}
