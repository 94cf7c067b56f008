// What must be true on every kernel, and what is told of each.
import assert from 'node:assert/strict';
import { accountingOf, assertBalanced, flamegraph, pathsOf, totalOf } from '../harness.ts';
import { PERIOD_NS } from '../text-profile.ts';

/** What agent and server know after the work was done. */
export interface Evidence {
  /** What the agent printed, up to its accounting. */
  output: string;
  serverUrl: string;
}

export interface Findings {
  /** For people, by column. */
  cells: Record<string, string>;
  /** What the agent said that it cannot do. */
  said: string[];
  /** What is not as it must be; empty if all is well. */
  failures: string[];
}

/**
 * Shares are those of a program's own clock, to four standard deviations of the samples and two
 * points for what that clock has not: interrupts, and what a hypervisor took.
 */
const sharesTolerance = (samples: number) => 4 * Math.sqrt((0.7 * 0.3) / samples) + 0.02;

/** A guest's clock is not this host's. */
const range = () => ({ until: String(Date.now() + 600_000) });

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

export async function check({ output, serverUrl }: Evidence): Promise<Findings> {
  const failures: string[] = [];
  const expect = (what: string, holds: boolean) => {
    if (!holds) failures.push(what);
  };
  const accounting = accountingOf({ output });
  const count = (name: string) => accounting[name] ?? 0;
  const said = Array.from(
    output.matchAll(/^agent: (?!sampling|accounting)(.*)$/gm),
    ([, text]) => text as string,
  );
  const all = await flamegraph(serverUrl, '{}', range());
  const total = all.tree.total[0] as number;

  const stored = total / PERIOD_NS;
  let balanced = `${stored} samples, exact`;
  try {
    assertBalanced(accounting, stored);
    assert.equal(count('shipped'), stored);
    assert.equal(count('spooled'), 0);
    assert.equal(count('chains_missing'), 0);
  } catch (error) {
    balanced = 'wrong';
    failures.push(`accounting: ${String(error)}`);
  }
  const ends = Object.entries(accounting)
    .filter(([name]) => name.startsWith('unwind_') && name !== 'unwind_requests_lost')
    .reduce((sum, [, value]) => sum + value, count('user_stack_failed'));
  expect(`${count('user_stacks')} user stacks have ${ends} ends`, ends === count('user_stacks'));

  const byTables = count('tables_active') === 1;
  // A program that a verifier rejects is no failure of the agent, which says so and goes on: but here.
  expect('user stacks are not walked by tables', byTables);

  const burn = await shares(serverUrl, 'matrix-burn');
  const bare = await shares(serverUrl, 'matrix-bare');
  for (const [name, { samples, seventy }] of Object.entries({ burn, bare })) {
    expect(`${name}: only ${samples} samples`, samples >= 200);
    expect(
      `${name}: burn_seventy has ${percent(seventy)} of ${samples} samples, not 70 %`,
      Math.abs(seventy - 0.7) <= sharesTolerance(samples),
    );
  }
  expect(`burn: ${percent(burn.belowMain)} of the stacks reach main`, burn.belowMain >= 0.95);
  expect(`bare: ${percent(bare.belowMain)} of the stacks reach main`, bare.belowMain >= 0.95);

  const short = await flamegraph(serverUrl, '{service_name="matrix-short"}', range());
  const lived = short.tree.total[0] as number;
  const named = 1 - totalOf(short, (name) => name === '[process exited]') / lived;
  expect(`short-lived: only ${lived / PERIOD_NS} samples`, lived / PERIOD_NS >= 50);
  expect(`short-lived: ${percent(named)} of the samples are named`, named >= 0.95);

  const unnamed = totalOf(all, (name) => /^\[kernel\]\+0x/.test(name)) / total;
  expect(`${percent(unnamed)} of all samples have kernel frames without names`, unnamed < 0.01);

  return {
    cells: {
      'user stacks': byTables ? 'tables' : 'frame pointers',
      'task records': count('task_events_active') === 1 ? 'yes' : 'none',
      accounting: balanced,
      'burn 70 %': percent(burn.seventy),
      'to main': percent(burn.belowMain),
      'to main, no pointers': percent(bare.belowMain),
      'short-lived named': percent(named),
    },
    said,
    failures,
  };
}

interface Shares {
  /** Those in one of the two functions. */
  samples: number;
  seventy: number;
  belowMain: number;
}

async function shares(serverUrl: string, service: string): Promise<Shares> {
  const flame = await flamegraph(serverUrl, `{service_name="${service}"}`, range());
  const burning = (name: string) => totalOf(flame, (frame) => frame === name);
  const inFunctions = burning('burn_seventy') + burning('burn_thirty');
  let belowMain = 0;
  for (const [path, value] of pathsOf(flame)) {
    if (/(^|;)main;burn_(seventy|thirty)$/.test(path)) belowMain += value;
  }
  return {
    samples: inFunctions / PERIOD_NS,
    seventy: burning('burn_seventy') / inFunctions,
    belowMain: belowMain / inFunctions,
  };
}
