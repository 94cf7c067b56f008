import { digits, formatAge, formatCount, formatShare, formatValue } from '../format/value.ts';
import { updateViewState } from '../url/use-view-state.ts';
import type { AgentRow } from './agent-rows.ts';
import styles from './agent-table.module.css';

/** More than anyone reads: those in trouble come first, and the filter finds the others. */
const MOST_ROWS = 500;

const STATE_TEXT: Record<AgentRow['state'], string> = {
  reporting: 'Reporting',
  losing: 'Losing samples',
  silent: 'Silent',
};

export function AgentTable({ rows, picked }: { rows: AgentRow[]; picked: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways takes arrow keys
    <section className={styles.scroller} tabIndex={0} aria-label="List of agents">
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col">State</th>
            <th scope="col">Version</th>
            <th scope="col" className={styles.number}>
              Samples/s
            </th>
            <th scope="col" className={styles.number}>
              Lost
            </th>
            <th
              scope="col"
              className={styles.number}
              title="User stacks that were walked to their outermost frame by tables"
            >
              Whole stacks
            </th>
            <th scope="col" className={styles.number} title="Of the CPUs of the host">
              CPU
            </th>
            <th scope="col" className={styles.number}>
              Memory
            </th>
            <th scope="col" className={styles.number} title="Not delivered yet">
              Waiting
            </th>
            <th scope="col" className={styles.number}>
              Last seen
            </th>
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
