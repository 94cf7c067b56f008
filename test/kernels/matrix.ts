// npm run kernels -- [--write | NAME…]: the agent on each kernel, as a table; exit code 1 if anything
// is not as it must be, or could not be tried.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Cleanups } from '../bench/report.ts';
import { type Cleanup, needsRoot, root, startAgent, startServer } from '../harness.ts';
import { check, type Findings } from './checks.ts';
import { fetchKernel, KERNELS, Unreachable } from './debian-kernels.ts';
import { runGuest } from './guest.ts';
import { buildPrograms, packKernel, packUserSpace } from './image.ts';

const OUTPUT = path.join(root, 'test/output/kernels');
/** The kernel that runs already. */
const HOST = 'host';
const NAMES = [...Object.keys(KERNELS), HOST];
/** Some eight hundred samples of each program. */
const SECONDS_TO_BURN = '8';
/** A minute on an idle machine, more than four on one with ten times the work that it can do. */
const LIMIT_MS = 600_000;

/** One row: a kernel that was tried, or why it was not. */
interface Row {
  name: string;
  version: string;
  seconds: number;
  findings?: Findings;
  skipped?: string;
  /** Suites that could not be read. */
  trouble?: string;
  failures: string[];
}

async function onGuest(
  t: Cleanup,
  name: string,
  userSpace: string,
  progress: (step: string) => void,
): Promise<Row> {
  const folder = path.join(OUTPUT, name);
  const row: Row = { name, version: '', seconds: 0, failures: [] };
  const kernel = await fetchKernel(name, folder).catch((error: unknown) => {
    if (error instanceof Unreachable) return error;
    throw error;
  });
  if (kernel instanceof Unreachable) return { ...row, skipped: kernel.message };
  progress(`Debian's ${kernel.version}`);
  const server = await startServer(t);
  const run = await runGuest({
    image: kernel.image,
    initramfs: packKernel(userSpace, kernel.modules, folder),
    folder,
    limitMs: LIMIT_MS,
    env: {
      // This host, as QEMU's network shows it.
      BUNSEN_SERVER_URL: `http://10.0.2.2:${server.port}`,
      BUNSEN_HOSTNAME: name,
      BUNSEN_AGENT_DATA_DIR: '/tmp/spool',
      // One frequency, however slow the guest is.
      BUNSEN_CPU_BUDGET_PERCENT: '100',
      SECONDS_TO_BURN,
    },
    progress,
  });
  row.version = kernel.version;
  row.trouble = kernel.trouble;
  row.seconds = run.seconds;
  const missing = ['booted', 'sampling', 'burned', 'churned', 'agent ended with 0'].find(
    (step) => !run.steps.some((each) => each.startsWith(step)),
  );
  if (missing) {
    row.failures.push(
      `never ${missing}: see console.log and guest.log in ${path.relative(root, folder)}`,
    );
    return row;
  }
  row.findings = await check({ output: run.output, serverUrl: server.url });
  return row;
}

async function onHost(t: Cleanup, progress: (step: string) => void): Promise<Row> {
  const row: Row = { name: HOST, version: os.release(), seconds: 0, failures: [] };
  if (needsRoot) return { ...row, skipped: needsRoot };
  const startMs = Date.now();
  const server = await startServer(t);
  const agent = await startAgent(t, server.url);
  progress('sampling');
  const work = path.join(root, 'test/kernels/work.sh');
  await promisify(execFile)('sh', [work, buildPrograms(t), SECONDS_TO_BURN]);
  await agent.stop();
  row.findings = await check({ output: agent.output, serverUrl: server.url });
  return { ...row, seconds: (Date.now() - startMs) / 1000 };
}

/** @returns lines of a Markdown table */
function table(rows: Row[]): string[] {
  const columns = [...new Set(rows.flatMap(({ findings }) => Object.keys(findings?.cells ?? {})))];
  const cells = [
    ['kernel', 'version', ...columns, 'result'],
    ...rows.map(({ name, version, findings, skipped, failures }) => [
      name,
      version,
      ...columns.map((column) => findings?.cells[column] ?? ''),
      skipped ? 'SKIPPED' : failures.length > 0 ? 'FAILED' : 'passed',
    ]),
  ];
  const widths = cells[0]?.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const lines = cells.map(
    (row) => `| ${row.map((cell, i) => cell.padEnd(widths?.[i] ?? 0)).join(' | ')} |`,
  );
  lines.splice(1, 0, `|${cells[0]?.map(() => '---').join('|')}|`);
  return lines;
}

function report(rows: Row[]): string {
  const notes = rows.flatMap(({ name, findings, skipped, trouble, failures }) => [
    ...(trouble ? [`**${name}, not all of its suites were read**: ${trouble}`] : []),
    ...(skipped ? [`**${name} was SKIPPED**: ${skipped}`] : []),
    ...failures.map((failure) => `**${name} FAILED**: ${failure}`),
    ...(findings?.said ?? []).map((text) => `${name}, the agent: ${text}`),
  ]);
  return [...table(rows), '', ...notes.map((note) => `- ${note}`)].join('\n');
}

const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  console.error(`There is no kernel ${unknown.join(', ')}; there are: ${NAMES.join(', ')}`);
  process.exit(2);
}
if (values.write && positionals.length > 0) {
  console.error('--write is for all kernels: leave their names out');
  process.exit(2);
}
const rows: Row[] = [];
await Cleanups.run(async (t) => {
  mkdirSync(OUTPUT, { recursive: true });
  const userSpace = packUserSpace(t, OUTPUT);
  for (const name of positionals.length > 0 ? positionals : NAMES) {
    const startMs = Date.now();
    const progress = (step: string) =>
      console.log(`${name.padEnd(8)} ${((Date.now() - startMs) / 1000).toFixed(0)} s: ${step}`);
    const row =
      name === HOST ? await onHost(t, progress) : await onGuest(t, name, userSpace, progress);
    row.failures.push(...(row.findings?.failures ?? []));
    rows.push(row);
  }
});
const text = report(rows);
console.log(`\n${text}`);
if (values.write) {
  writeFileSync(
    path.join(root, 'test/kernels/RESULTS.md'),
    `# The last run\n\nWritten by \`npm run kernels -- --write\`.\n\n${text}\n`,
  );
}
console.log(
  JSON.stringify({
    kernels: rows.map(({ name, version, seconds, findings, skipped, failures }) => ({
      name,
      version,
      seconds,
      ...findings?.cells,
      said: findings?.said,
      skipped,
      failures,
    })),
  }),
);
process.exitCode = rows.some(({ failures, skipped }) => failures.length > 0 || skipped) ? 1 : 0;
