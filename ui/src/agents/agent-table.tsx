import { Icon } from '../components/icon.tsx';
import { digits, formatAge, formatCount, formatShare, formatValue } from '../format/value.ts';
import { updateViewState } from '../url/use-view-state.ts';
import type { AgentColumn, AgentOrder } from '../url/view-state.ts';
import { type AgentRow, sortAgents } from './agent-rows.ts';
import styles from './agent-table.module.css';

/** More than anyone reads: those in trouble come first, and the filter finds the others. */
const MOST_ROWS = 500;

const STATE_TEXT: Record<AgentRow['state'], string> = {
  reporting: 'Reporting',
  losing: 'Losing samples',
  silent: 'Silent',
};

const COLUMNS: { by: AgentColumn; text: string; title?: string; isNumber?: boolean }[] = [
  { by: 'host', text: 'Host' },
  { by: 'state', text: 'State' },
  { by: 'version', text: 'Version' },
  { by: 'samples', text: 'Samples/s', isNumber: true },
  { by: 'lost', text: 'Lost', isNumber: true },
  {
    by: 'whole',
    text: 'Whole stacks',
    title: 'User stacks that were walked to their outermost frame by tables',
    isNumber: true,
  },
  { by: 'cpu', text: 'CPU', title: 'Of the CPUs of the host', isNumber: true },
  { by: 'memory', text: 'Memory', isNumber: true },
  { by: 'waiting', text: 'Waiting', title: 'Not delivered yet', isNumber: true },
  { by: 'age', text: 'Last seen', isNumber: true },
];

/** @param props.order null for the order of `rows` */
export function AgentTable(props: { rows: AgentRow[]; picked: string; order: AgentOrder | null }) {
  const { picked, order } = props;
  const rows = order ? sortAgents(props.rows, order) : props.rows;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways takes arrow keys
    <section className={styles.scroller} tabIndex={0} aria-label="List of agents">
      <table className={styles.table}>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <Head key={column.by} {...column} order={order} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row) => (
            <Row key={row.host} row={row} isPicked={row.host === picked} />
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && (
        <p className={styles.note}>
          The first {MOST_ROWS} of {formatCount(rows.length)}: filter to see others.
        </p>
      )}
      {rows.length === 0 && <p className={styles.note}>No agent matches.</p>}
    </section>
  );
}

/** A click sorts by the column, numbers from the largest; the next one turns that round. */
function Head(props: (typeof COLUMNS)[number] & { order: AgentOrder | null }) {
  const { by, text, title, isNumber = false, order } = props;
  const isSorted = order?.by === by;
  const ascending = isSorted ? !order.ascending : !isNumber;
  return (
    <th
      scope="col"
      className={isNumber ? styles.number : undefined}
      title={title}
      aria-sort={!isSorted ? 'none' : order.ascending ? 'ascending' : 'descending'}
    >
      <button type="button" onClick={() => updateViewState({ agentOrder: { by, ascending } })}>
        {text}
        {isSorted && <Icon name={order.ascending ? 'up' : 'down'} />}
      </button>
    </th>
  );
}

function Row({ row, isPicked }: { row: AgentRow; isPicked: boolean }) {
  const { agent, state, cores } = row;
  const share = (value: number | undefined) => (value === undefined ? '–' : formatShare(value));
  const gauge = (name: string) => formatValue(agent.gauges[name] ?? 0, 'bytes');
  return (
    <tr data-state={state} data-picked={isPicked}>
      <th scope="row">
        <button
          type="button"
          aria-pressed={isPicked}
          title={row.host}
          onClick={() => updateViewState({ host: isPicked ? '' : row.host })}
        >
          {row.host}
        </button>
      </th>
      <td>
        <span className={styles.state}>{STATE_TEXT[state]}</span>
      </td>
      <td>{agent.version}</td>
      <td className={styles.number}>
        {row.samplesPerSecond === undefined ? '–' : digits(row.samplesPerSecond)}
      </td>
      <td className={styles.number} data-bad={row.lost.length > 0}>
        {share(row.lostShare)}
      </td>
      <td className={styles.number}>{share(row.completeShare)}</td>
      <td className={styles.number}>{share(cores === undefined ? cores : cores / agent.cpus)}</td>
      <td className={styles.number}>{gauge('resident_bytes')}</td>
      <td className={styles.number}>{gauge('spool_bytes')}</td>
      <td className={styles.number}>{formatAge(row.ageMs)}</td>
    </tr>
  );
}
