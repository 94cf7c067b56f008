import { Icon } from '../components/icon.tsx';
import { formatCores, formatCount, formatShare, formatValue } from '../format/value.ts';
import { useRange } from '../time/range-context.tsx';
import { formatTime } from '../time/time-range.ts';
import { PageLink } from '../url/page-link.tsx';
import { pathOfPage } from '../url/route.ts';
import { updateViewState, useLinkTo } from '../url/use-view-state.ts';
import styles from './agent-details.module.css';
import type { AgentRow, Named } from './agent-rows.ts';

/** What became of samples and stacks, by the name that the agent's metrics have as well. */
const MEANINGS: Record<string, string> = {
  counts_full: 'the kernel’s map was full',
  counts_failed: 'the kernel could not count it',
  spool_full: 'its window was given up for newer ones',
  spool_write_failed: 'its window could not be written to disk',
  rejected: 'the server refused its window',
  idle: 'of the idle task',
  kernel_thread: 'of kernel threads, which are excluded',
  pid: 'of processes that are not asked for',
  cgroup: 'of control groups that are not asked for',
  complete: 'by tables, to the outermost frame',
  by_pointer: 'by frame pointers alone',
  absent: 'at code whose tables were not read yet',
  unmapped: 'outside of known mappings',
  unknown_rule: 'at a rule that tables cannot hold',
  bad_pointer: 'at code without rules or frame pointer',
  bad_frame: 'at a caller that was not above its callee',
  read_failed: 'at memory that was not there',
  truncated: 'at the depth limit',
  failed: 'the kernel had no stack',
};

/** All that is known of the agent of one host. */
export function AgentDetails({ row }: { row: AgentRow }) {
  const { agent, cores, runs } = row;
  const range = useRange();
  const linkTo = useLinkTo();
  const ofHost = { filters: [{ name: 'host', operator: '=' as const, value: row.host }] };
  const length = (ms: number) => formatValue(ms * 1e6, 'nanoseconds');
  const facts: [name: string, value: string][] = [
    ['Samples', `${agent.frequencyHz} a second on each of ${agent.cpus} CPUs`],
    ['Version', agent.version],
    ['Kernel', agent.kernel],
    [
      'Started',
      `${formatTime(agent.lastSeenMs - agent.uptimeMs)}${runs > 1 ? `, one of ${runs} starts` : ''}`,
    ],
    [
      'Costs',
      cores === undefined
        ? 'not known yet'
        : `${formatCores(cores)}, ${formatShare(cores / agent.cpus)} of the host`,
    ],
    ['Memory', formatValue(agent.gauges['resident_bytes'] ?? 0, 'bytes')],
    [
      'Waiting',
      `${formatCount(agent.gauges['spool_samples'] ?? 0)} samples, ${formatValue(agent.gauges['spool_bytes'] ?? 0, 'bytes')}`,
    ],
  ];
  return (
    <section className={styles.details} aria-label={`Agent of ${row.host}`}>
      <div className={styles.head}>
        <h2>{row.host}</h2>
        <button type="button" onClick={() => updateViewState({ host: '' })}>
          <Icon name="close" />
          <span className="visually-hidden">Close</span>
        </button>
      </div>
      <p className={styles.links}>
        <PageLink to={linkTo(pathOfPage('service', ''), ofHost)}>Flame graph of the host</PageLink>
        <PageLink to={linkTo('/', ofHost)}>Its services</PageLink>
      </p>
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className={styles.about}>
        {agent.recentMs > 0
          ? `Counted over ${length(agent.recentMs)} of the last ${length(range.untilMs - range.fromMs)}:`
          : 'It was heard of only once in this range: counts follow within a minute.'}
      </p>
      <Counts title="Samples lost" counts={row.lost} none="None." isBad />
      <Counts title="User stacks, by how their walk ended" counts={row.walks} none="None yet." />
      <Counts title="Samples left out on purpose" counts={row.filtered} none="None." />
    </section>
  );
}

function Counts(props: { title: string; counts: Named[]; none: string; isBad?: boolean }) {
  const sum = props.counts.reduce((total, { count }) => total + count, 0);
  return (
    <div className={styles.counts} data-bad={props.isBad === true && sum > 0}>
      <h3>{props.title}</h3>
      {sum === 0 && <p className={styles.about}>{props.none}</p>}
      <ul>
        {props.counts.map(({ name, count }) => (
          <li key={name}>
            <span className={styles.bar} style={{ width: `${(count / sum) * 100}%` }} />
            <code>{name}</code>
            <span className={styles.meaning}>{MEANINGS[name]}</span>
            <span className={styles.count}>{formatCount(count)}</span>
            <span className={styles.share}>{formatShare(count / sum)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
