import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pprofOf } from './testing/pprof-of.ts';
import { TestServer } from './testing/test-server.ts';

/** What SQL.md says, compared with what the store answers to somebody who does as it says. */
const guide = readFileSync(new URL('../SQL.md', import.meta.url), 'utf8');

const HOUR = 3_600_000;
/** A value of 1 below is a core-hour. */
const CORE_HOUR_NS = 3.6e12;
/** The hour of `now()` in the guide's results. */
const GUIDE_HOUR = Date.parse('2026-11-20T12:00:00Z');

const now = Date.now();
const thisHour = Math.floor(now / HOUR) * HOUR;
const storeUrl = `http://127.0.0.1:${20_000 + (process.pid % 20_000)}`;

let server: TestServer;
before(async () => {
  server = await TestServer.start({ BUNSEN_STORE_LISTEN: storeUrl.slice('http://'.length) });
  for (const { labels, timeMs, folded } of PUSHES) {
    const period = CORE_HOUR_NS;
    await server.push(
      pprofOf(folded, {
        timeMs,
        period,
        labels,
        moduleOf: (name) => MODULES[name] ?? (labels.service_name as string),
      }),
    );
  }
});
after(() => server.close());

const MODULES: Record<string, string> = {
  do_syscall_64: '[kernel]',
  copy_user_generic: '[kernel]',
  malloc: 'libc.so.6',
  'G1ParScan::trim': 'libjvm.so',
  'GCTaskThread::run': 'libjvm.so',
};

const PUSHES = [
  {
    labels: { service_name: 'checkout', team: 'shop', host: 'node-1', version: '1.4.0' },
    timeMs: thisHour - 3 * HOUR + 300_000,
    folded: `main.main;http.serve;checkout.price;json.Unmarshal 6
      main.main;http.serve;checkout.price 2
      runtime.gcBgMarkWorker;runtime.scanobject 2`,
  },
  {
    labels: { service_name: 'resizer', team: 'media', host: 'node-1' },
    timeMs: thisHour - 3 * HOUR + 600_000,
    folded: `main;resize;malloc 2
      main;decode;malloc 4
      main;resize;do_syscall_64;copy_user_generic 3
      main;resize;std::map<a,b>::find 1`,
  },
  {
    labels: { service_name: 'checkout', team: 'shop', host: 'node-2', version: '1.5.0' },
    timeMs: thisHour - HOUR + 300_000,
    folded: `main.main;http.serve;checkout.price;json.Unmarshal 6
      main.main;http.serve;checkout.price;tax.Lookup 3
      main.main;http.serve;checkout.price 2
      runtime.gcBgMarkWorker;runtime.scanobject 1`,
  },
  {
    labels: { service_name: 'search', team: 'find', host: 'node-2', pod: 'search-0' },
    timeMs: now,
    folded: `Thread.run;Query.run;Index.scan;malloc 2
      Thread.run;Query.run;Json.write 3
      GCTaskThread::run;G1ParScan::trim 6
      Thread.run;Query.run;Index.scan;do_syscall_64;copy_user_generic 1`,
  },
].map((push) => ({ ...push, folded: push.folded.replace(/\n\s+/g, '\n') }));

/** As `curl -sG` asks. */
async function ask(query: string, format: string): Promise<string> {
  const search = new URLSearchParams({ database: 'bunsen', default_format: format, query });
  const response = await fetch(`${storeUrl}/?${search}`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

interface Question {
  title: string;
  sql: string;
  result: string;
}

const questions: Question[] = (guide.split('\n## Questions\n')[1] ?? '')
  .split(/^### /m)
  .slice(1)
  .map((section) => {
    const blocks = (kind: string) =>
      [...section.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, 'gms'))].map(
        ([, text]) => text,
      );
    const title = section.split('\n', 1)[0] as string;
    const [sql, text] = [blocks('sql'), blocks('text')];
    assert.deepEqual([sql.length, text.length], [1, 1], `${title}: needs one query, one result`);
    return { title, sql: sql[0] as string, result: text[0] as string };
  });

/** Cells of a result, whose columns are two or more spaces apart; times as if it were now. */
function expectedOf(result: string): string[][] {
  return result
    .trimEnd()
    .replace(/\d{4}-\d\d-\d\d \d\d:00:00/g, (time) =>
      new Date(Date.parse(`${time.replace(' ', 'T')}Z`) - GUIDE_HOUR + thisHour)
        .toISOString()
        .slice(0, 19)
        .replace('T', ' '),
    )
    .split('\n')
    .map((line) => line.split(/ {2,}/));
}

async function assertAnswered(): Promise<void> {
  for (const { title, sql, result } of questions) {
    const text = await ask(sql, 'TSVWithNames');
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    assert.deepEqual(rows, expectedOf(result), title);
  }
}

test('every question is answered as the guide shows, from samples and from rollups', async () => {
  assert.deepEqual(
    questions.map(({ title }) => Number.parseInt(title, 10)),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  await assertAnswered();
  await server.app.rollups.makeAll();
  const open = () => ask('SELECT countIf(is_open) FROM open_buckets', 'TSV');
  for (let i = 0; (await open()) !== '0\n'; i++) {
    assert.ok(i < 120, 'buckets stay open for a minute');
    await sleep(500);
  }
  await assertAnswered();
});

test('views have the columns that the guide says, and there are no others', async () => {
  const documented = [...guide.matchAll(/^### `(flame_\w+)`\n(.*?)(?=^##)/gms)].map(
    ([, view, section]) => {
      const columns = [...(section as string).matchAll(/^\| `(\w+)` \| `(.+?)` \| .+ \|$/gm)];
      return [view, columns.map(([, name, type]) => `${name} ${type}`)];
    },
  );
  const listed = await ask(
    `SELECT name FROM system.tables WHERE database = 'bunsen' AND startsWith(name, 'flame_')`,
    'TSV',
  );
  const actual = await Promise.all(
    listed
      .trimEnd()
      .split('\n')
      .map(async (view) => {
        const rows = (await ask(`DESCRIBE ${view}`, 'JSONCompactEachRow')).trimEnd().split('\n');
        return [view, rows.map((row) => (JSON.parse(row) as string[]).slice(0, 2).join(' '))];
      }),
  );
  assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(actual));
});

test('links lead to headings of the guide', () => {
  const anchors = [...guide.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor] of guide.matchAll(/\]\(#([^)]*)\)/g)) {
    assert.ok(anchors.includes(anchor as string), `#${anchor}`);
  }
});
