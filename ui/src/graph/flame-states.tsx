import type { FlameMeta, Matcher } from '@bunsen/profile';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ApiError } from '../api/client.ts';
import { Icon } from '../components/icon.tsx';
import { Message } from '../components/message.tsx';
import { formatCount, formatShare, formatValue } from '../format/value.ts';
import { useRange } from '../time/range-context.tsx';
import { widenRange } from '../time/time-range.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import styles from './flame-states.module.css';

/** What is quicker than this shows no sign of loading: it would only flicker. */
const SHOW_AFTER_MS = 300;
const OFFER_CANCEL_AFTER_MS = 800;

/** A request on its way: a moving line, then how much has come, and a way to call it off. */
export function Loading(props: {
  /** What is done until bytes come. */
  what: string;
  receivedBytes: number;
  cancel: () => void;
}) {
  const [waitedMs, setWaitedMs] = useState(0);
  useEffect(() => {
    const startedAt = Date.now();
    const timer = setInterval(() => setWaitedMs(Date.now() - startedAt), 100);
    return () => clearInterval(timer);
  }, []);
  if (waitedMs < SHOW_AFTER_MS) return null;
  return (
    <>
      <div className={styles.line} />
      {waitedMs >= OFFER_CANCEL_AFTER_MS && (
        <div className={styles.loading} role="status">
          {props.receivedBytes > 0
            ? `${formatValue(props.receivedBytes, 'bytes')} received`
            : props.what}
          , {Math.floor(waitedMs / 1000)} s
          <button type="button" onClick={props.cancel}>
            Cancel
          </button>
        </div>
      )}
    </>
  );
}

/**
 * In the place of a page that has nothing to show yet: why, or for how long it has been waited for and a
 * way to call that off.
 */
export function Awaited({ error }: { error: Error | null }) {
  const client = useQueryClient();
  const [isCancelled, setIsCancelled] = useState(false);
  const retry = () => {
    setIsCancelled(false);
    void client.refetchQueries({ type: 'active', predicate: ({ state }) => !state.data });
  };
  const cancel = () => {
    setIsCancelled(true);
    void client.cancelQueries();
  };
  if (error) return <RequestError error={error} retry={retry} />;
  if (isCancelled) return <Cancelled retry={retry} />;
  return <Loading what="The server is at work" receivedBytes={0} cancel={cancel} />;
}

export function Cancelled({ retry }: { retry: () => void }) {
  return (
    <Message tone="plain" title="Cancelled" text="A shorter range or more labels make it quicker.">
      <button type="button" onClick={retry}>
        Run it again
      </button>
    </Message>
  );
}

export function RequestError({ error, retry }: { error: Error; retry: () => void }) {
  const code = error instanceof ApiError ? error.code : error.name;
  return (
    <Message tone="error" title="This did not work" text={error.message} code={code}>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </Message>
  );
}

/** An empty answer, with what usually is the reason. */
export function NoSamples({ filters, warnings = [] }: { filters: Matcher[]; warnings?: string[] }) {
  const range = useRange();
  const widen = () => {
    const wider = widenRange(range, Date.now());
    updateViewState({ from: String(wider.fromMs), until: String(wider.untilMs) });
  };
  return (
    <Message
      tone="plain"
      title="No samples in this range"
      text={
        <ul>
          {warnings.map((warning) => (
            <li key={warning}>
              <strong>{warning}</strong>
            </li>
          ))}
          {filters.length > 0 && <li>Perhaps no series has all of these labels.</li>}
          <li>The agent ships every 15 seconds: what runs since a moment ago shows up shortly.</li>
          {filters.length === 0 && (
            <li>
              Is the agent running? <code>npm start</code> starts one where the kernel allows it,
              and says what it lacks where not.
            </li>
          )}
        </ul>
      }
    >
      <button type="button" onClick={widen}>
        <Icon name="zoomOut" /> Twice the range
      </button>
      <button type="button" onClick={() => updateViewState({ from: 'now-1d', until: 'now' })}>
        Last 1 day
      </button>
      {filters.length > 0 && (
        <button type="button" onClick={() => updateViewState({ filters: [] })}>
          Without labels
        </button>
      )}
    </Message>
  );
}

/** What the server wants a reader to know, such as a label that no series has. */
export function Warnings({ warnings }: { warnings: string[] }) {
  return warnings.map((warning) => (
    <p key={warning} className={styles.notice} data-tone="warn">
      {warning}
    </p>
  ));
}

/** What the answer says about itself: its warnings, and how much of it was folded away. */
export function Notices(props: {
  meta: Pick<FlameMeta, 'foldedNodes' | 'foldedValue' | 'warnings'>;
  total: number;
}) {
  const { meta, total } = props;
  const nodes = meta.foldedNodes;
  return (
    <>
      <Warnings warnings={meta.warnings} />
      {nodes > 0 && (
        <p className={styles.notice}>
          <span>
            {formatCount(nodes)} small {nodes === 1 ? 'node' : 'nodes'} with{' '}
            {formatShare(meta.foldedValue / total)} of the value {nodes === 1 ? 'is' : 'are'} folded
            into <code>other</code>.
          </span>
          <MoreNodes />
        </p>
      )}
    </>
  );
}

/** Past this a browser has more to hold than anyone can look at. */
const MOST_NODES = 1_000_000;

function MoreNodes() {
  const { maxNodes } = useViewState();
  if (maxNodes >= MOST_NODES) return null;
  const next = Math.min(MOST_NODES, maxNodes * 4);
  return (
    <button type="button" onClick={() => updateViewState({ maxNodes: next })}>
      Fetch up to {formatCount(next)} nodes
    </button>
  );
}
