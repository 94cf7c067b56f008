import type { Governor } from '../govern/governor.ts';
import { type Balance, sum } from './accounting.ts';
import type { AgentParts } from './agent-parts.ts';
import { PAGE_STYLE } from './page-style.ts';
import { completeShare, KEPT_MS, type SampledProcess, type WalkEnds, walkEnds } from './walks.ts';

/** The busiest processes are listed. */
const LISTED_PROCESSES = 25;

/** How a walk ended, for people. What is missing here is shown by the counter's name. */
const END_TEXT: Record<string, string> = {
  complete: 'reached the outermost frame',
  by_pointer: 'by frame pointers: no tables of the process yet',
  absent: 'rows of a large file were yet to be read',
  unmapped: 'an address outside the known mappings',
  unknown_rule: 'a rule that the tables cannot hold',
  bad_pointer: 'no rules, and no frame pointer',
  bad_frame: 'the caller was not above its callee',
  read_failed: 'the stack was not in memory',
  truncated: 'deeper than the kernel walks',
  failed: 'no stack at all',
};

const count = (value: number) => value.toLocaleString('en-US');
const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
const inBudget = (value: string, budget: string) => `${value} (budget ${budget})`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** The names of processes are theirs to choose. */
const escaped = (text: string) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const row = (name: string, value: string, kind = '') =>
  `<tr class="${kind}"><th scope="row">${escaped(name)}</th><td class="number">${escaped(value)}</td></tr>`;

const bar = (share: number, warns: boolean) =>
  `<span class="bar${warns ? ' warn' : ''}"><i style="width:${(Math.min(share, 1) * 100).toFixed(1)}%"></i></span>`;

/** The status page: plain HTML, as things are when it is asked for. */
export function statusPage(agent: AgentParts): string {
  const { host, serverUrl, accounting, governor, spool } = agent;
  const counters = agent.sampler.counters();
  const trouble = accounting.delayedBy
    ? `<p class="error">Cannot deliver, windows wait on disk: ${escaped(accounting.delayedBy)}</p>`
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(host)}: Bunsen agent</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>Bunsen agent</h1>
<span>${escaped(host)}</span>
<span class="soft">${governor.frequencyHz} Hz, shipping to ${escaped(serverUrl)}</span>
<nav><a href="/">Reload</a><a href="/metrics">Metrics</a></nav>
</header>
<main>
<section><h2>Where the samples went</h2>${balanceTable(accounting.balance(counters, spool), accounting.droppedByRule, spool.length)}${trouble}</section>
<section><h2>What it costs</h2>${costTable(governor, counters)}</section>
<div class="stack"><section><h2>How user stacks ended</h2>${endsTable(walkEnds(counters))}</section>
${limitsSection(agent.limits)}${podsSection(agent.pods)}</div>
<section class="wide"><h2>Processes of the last ${KEPT_MS / 60_000} minutes, by samples</h2>${processTable(agent.walks.top(LISTED_PROCESSES))}</section>
</main>
</body>
</html>
`;
}

function balanceTable(
  balance: Balance,
  droppedByRule: Record<string, number>,
  spoolWindows: number,
): string {
  const { taken, inherited, filtered, lost, shipped, onTheWay, unaccounted } = balance;
  const words = (reasons: Record<string, number>) =>
    Object.fromEntries(
      Object.entries(reasons).map(([reason, value]) => [reason.replaceAll('_', ' '), value]),
    );
  const parts = (reasons: Record<string, number>, kind = '') =>
    Object.entries(reasons)
      .filter(([, value]) => value > 0)
      .map(([reason, value]) => row(reason, count(value), `part ${kind}`))
      .join('');
  const inheritedRow = inherited > 0 ? row('Found in the spool', count(inherited), 'sum') : '';
  const unaccountedKind = unaccounted === 0 ? 'soft' : 'error';
  return `<table>
<tbody>${row('Taken', count(taken), 'sum')}${inheritedRow}</tbody>
<tbody>${row('Filtered', count(sum(filtered)), 'sum')}${parts(words(filtered))}${parts(droppedByRule, 'rule')}</tbody>
<tbody>${row('Lost', count(sum(lost)), sum(lost) > 0 ? 'sum error' : 'sum')}${parts(words(lost), 'error')}</tbody>
<tbody>${row('Shipped', count(shipped), 'sum')}</tbody>
<tbody>${row('On the way', count(sum(onTheWay)), 'sum')}
${row('in the kernel', count(onTheWay.kernel), 'part')}
${row('in the open window', count(onTheWay.window), 'part')}
${row(`in the spool, ${count(spoolWindows)} window${spoolWindows === 1 ? '' : 's'}`, count(onTheWay.spool), 'part')}</tbody>
<tbody>${row('Unaccounted', count(unaccounted), unaccountedKind)}</tbody>
</table>`;
}

function costTable(governor: Governor, counters: Record<string, number>): string {
  const { budget, cost, frequencyHz, highestHz, changes } = governor;
  const against = (name: string, share: number, value: string) =>
    `<tr><th scope="row">${name}</th><td class="number">${value}${bar(share, share > 1)}</td></tr>`;
  const measured = cost
    ? against(
        'CPU time of the host',
        cost.cpuShare / budget.cpuShare,
        inBudget(percent(cost.cpuShare), `${budget.cpuShare * 100} %`),
      ) +
      against(
        'Memory',
        cost.memoryBytes / budget.memoryBytes,
        inBudget(megabytes(cost.memoryBytes), megabytes(budget.memoryBytes)),
      )
    : row('CPU time and memory', 'not measured yet', 'soft');
  const taken = counters['samples_taken'] ?? 0;
  const microseconds = taken > 0 ? (counters['run_time_ns'] ?? 0) / taken / 1000 : 0;
  const lowered = frequencyHz < highestHz;
  return `<table><tbody>
${measured}
${row('Frequency', lowered ? `${frequencyHz} Hz, lowered from ${highestHz}` : `${frequencyHz} Hz`, lowered ? 'warn' : '')}
${row('lowered for CPU time', count(changes.cpu), 'part')}
${row('lowered for memory', count(changes.memory), 'part')}
${row('raised again', count(changes.room), 'part')}
${row('In the kernel, each sample', `${microseconds.toFixed(1)} µs`)}
${row('Tables in the kernel', megabytes(counters['table_bytes'] ?? 0))}
${row('of files', count(counters['table_modules'] ?? 0), 'part')}
${row('of processes', count(counters['table_processes'] ?? 0), 'part')}
${row('Symbols', megabytes(counters['symbol_bytes'] ?? 0))}
${row('Names', megabytes(counters['name_bytes'] ?? 0))}
</tbody></table>`;
}

function limitsSection(limits: string[]): string {
  if (limits.length === 0) return '';
  const lines = limits.map((limit) => `<p class="warn">${escaped(limit)}</p>`);
  return `<section><h2>Less than on the latest kernels</h2>${lines.join('')}</section>`;
}

function podsSection(pods: AgentParts['pods']): string {
  if (!pods) return '';
  const { containers, requests, failure } = pods;
  const trouble = failure
    ? `<p class="error">Cannot be asked, pods stay as they were known: ${escaped(failure)}</p>`
    : '';
  return `<section><h2>Kubernetes</h2><table><tbody>
${row('Containers that are known', count(containers))}
${row('Answers', count(requests.answered))}
${row('Failures', count(requests.failed), requests.failed > 0 ? 'warn' : '')}
</tbody></table>${trouble}</section>`;
}

/** The ends that occurred, most frequent first. */
const byCount = (ends: WalkEnds) =>
  Object.entries(ends)
    .filter(([, walks]) => walks > 0)
    .sort(([, left], [, right]) => right - left);

function endsTable(ends: WalkEnds): string {
  const all = sum(ends);
  if (all === 0) return '<p class="soft">None so far.</p>';
  const rows = byCount(ends).map(([end, walks]) =>
    row(END_TEXT[end] ?? end, `${percent(walks / all)}  (${count(walks)})`),
  );
  return `<table><tbody>${rows.join('')}</tbody></table>`;
}

function processTable(processes: SampledProcess[]): string {
  if (processes.length === 0) return '<p class="soft">The first window is still open.</p>';
  const rows = processes.map(({ pid, service, samples, ends }) => {
    const complete = completeShare(ends);
    const all = sum(ends);
    const early = byCount(ends)
      .filter(([end]) => end !== 'complete')
      .map(([end, walks]) => `${END_TEXT[end] ?? end} ${percent(walks / all)}`)
      .join('; ');
    const share = complete === undefined ? 'kernel' : percent(complete);
    return `<tr><th scope="row" class="name">${escaped(service)}</th>
<td class="number soft">${pid}</td>
<td class="number">${count(samples)}</td>
<td class="number">${share}${complete === undefined ? '' : bar(complete, complete < 0.9)}</td>
<td class="soft">${escaped(early)}</td></tr>`;
  });
  return `<table>
<thead><tr><th scope="col">Service</th><th scope="col" class="number">Process</th><th scope="col" class="number">Samples</th>
<th scope="col" class="number">Complete stacks</th><th scope="col">Why others ended early</th></tr></thead>
<tbody>${rows.join('')}</tbody>
</table>`;
}
