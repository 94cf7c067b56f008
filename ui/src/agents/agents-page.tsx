import { useMemo } from 'react';
import { useAgents } from '../api/queries.ts';
import { Message } from '../components/message.tsx';
import { digits, formatCores, formatCount, formatShare } from '../format/value.ts';
import { Awaited } from '../graph/flame-states.tsx';
import { useRange } from '../time/range-context.tsx';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { AgentDetails } from './agent-details.tsx';
import { type AgentRow, agentRows } from './agent-rows.ts';
import { AgentTable } from './agent-table.tsx';
import styles from './agents-page.module.css';

/** Every host with its agent: whether it reports, what it loses, what it costs. */
export default function AgentsPage() {
  const { search, host, agentOrder } = useViewState();
  const range = useRange();
  const { data, error } = useAgents(range);
  const rows = useMemo(() => (data ? agentRows(data) : []), [data]);
  if (error || !data) return <Awaited error={error} />;
  if (rows.length === 0) return <NoAgents />;
  const wanted = search.toLowerCase();
  const listed = rows.filter((row) =>
    [row.host, row.agent.version, row.agent.kernel].some((text) =>
      text.toLowerCase().includes(wanted),
    ),
  );
  const picked = rows.find((row) => row.host === host);
  return (
    <main className={styles.page}>
      <h1 className="visually-hidden">Agents</h1>
      <Summary rows={rows} />
      <div className={styles.lists}>
        <section className={styles.agents} aria-label="Agents">
          <input
            type="search"
            className={styles.filter}
            placeholder="Filter by host, version or kernel"
            aria-label="Filter by host, version or kernel"
            value={search}
            onChange={(event) => updateViewState({ search: event.target.value }, { replace: true })}
          />
          <AgentTable rows={listed} picked={host} order={agentOrder} />
        </section>
        {picked && <AgentDetails row={picked} />}
      </div>
    </main>
  );
}

function Summary({ rows }: { rows: AgentRow[] }) {
  const sum = (of: (row: AgentRow) => number | undefined) =>
    rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const silent = rows.filter(({ state }) => state === 'silent').length;
  const rate = sum((row) => row.samplesPerSecond);
  const lost = sum((row) => (row.lostShare ?? 0) * (row.samplesPerSecond ?? 0));
  const cores = sum((row) => row.cores);
  const versions = new Set(rows.map(({ agent }) => agent.version)).size;
  return (
    <dl className={styles.summary}>
      <Figure name={rows.length === 1 ? 'host' : 'hosts'} value={formatCount(rows.length)} />
      <Figure name="silent" value={formatCount(silent)} isBad={silent > 0} />
      <Figure name="samples a second" value={rate > 0 ? digits(rate) : '–'} />
      <Figure
        name="of them lost"
        value={rate > 0 ? formatShare(lost / rate) : '–'}
        isBad={lost > 0}
      />
      <Figure name="cost of all agents" value={cores > 0 ? formatCores(cores) : '–'} />
      <Figure name={versions === 1 ? 'version' : 'versions'} value={formatCount(versions)} />
    </dl>
  );
}

function Figure(props: { name: string; value: string; isBad?: boolean }) {
  return (
    <div className={styles.figure} data-bad={props.isBad}>
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
    </div>
  );
}

function NoAgents() {
  return (
    <Message
      tone="plain"
      title="No agent was heard of in this range"
      text={
        <ul>
          <li>
            Agents report once a minute to the server that <code>BUNSEN_SERVER_URL</code> names.
          </li>
          <li>
            <code>npm start</code> starts one on this machine where the kernel allows it.
          </li>
          <li>What SDKs push needs no agent, and does not show here.</li>
        </ul>
      }
    >
      <button type="button" onClick={() => updateViewState({ from: 'now-1d', until: 'now' })}>
        Last 1 day
      </button>
    </Message>
  );
}
