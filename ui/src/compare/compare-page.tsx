import { useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { selectorOf, useDiff } from '../api/queries.ts';
import { Message } from '../components/message.tsx';
import { Cancelled, Loading, RequestError } from '../graph/flame-states.tsx';
import { useClock } from '../time/range-context.tsx';
import { resolveRange, type TimeRange } from '../time/time-range.ts';
import { updateCompare, useViewState } from '../url/use-view-state.ts';
import { hullOf } from './baselines.ts';
import styles from './compare-page.module.css';
import { ComparePanel } from './compare-panel.tsx';
import { QuickChoices } from './quick-choices.tsx';
import { SidePicker } from './side-picker.tsx';

/** Two selections of one profile type, A and B: what is the code that weighs more or less? */
export default function ComparePage() {
  const { compare } = useViewState();
  const { nowMs } = useClock();
  const left = resolveRange(compare.left.from, compare.left.until, nowMs);
  const right = resolveRange(compare.right.from, compare.right.until, nowMs);
  const error = 'error' in left ? `A: ${left.error}` : 'error' in right ? `B: ${right.error}` : '';
  return (
    <main className={styles.page}>
      <div className={styles.sides}>
        <SidePicker letter="A" side="left" range={'error' in left ? null : left} />
        <SidePicker letter="B" side="right" range={'error' in right ? null : right} />
        {!('error' in left || 'error' in right) && <QuickChoices range={hullOf(left, right)} />}
      </div>
      <div className={styles.content}>
        {'error' in left || 'error' in right ? (
          <Message tone="error" title="This is no time range" text={error} />
        ) : (
          <Comparison left={left} right={right} />
        )}
      </div>
    </main>
  );
}

function Comparison(props: { left: TimeRange; right: TimeRange }) {
  const { profileType, compare, maxNodes } = useViewState();
  const [left, right] = useMemo(
    () => [
      selectorOf({ ...compare.left, profileType }),
      selectorOf({ ...compare.right, profileType }),
    ],
    [compare, profileType],
  ) as [string, string];
  const diff = useDiff(
    { query: left, range: props.left },
    { query: right, range: props.right },
    maxNodes,
  );
  const client = useQueryClient();
  const cancel = () => void client.cancelQueries({ queryKey: diff.queryKey });
  const retry = () => void diff.refetch();

  const content = () => {
    if (diff.error) return <RequestError error={diff.error} retry={retry} />;
    if (diff.data) {
      const { tree, meta } = diff.data;
      const isEmpty = !tree.left.total[0] && !tree.right.total[0];
      if (isEmpty && !diff.isPlaceholderData) return <NothingToCompare warnings={meta.warnings} />;
      return <ComparePanel diff={diff.data} isStale={diff.isPlaceholderData} />;
    }
    // A cancelled query goes back to where it was: pending, and fetching nothing.
    return diff.fetchStatus === 'idle' ? <Cancelled retry={retry} /> : null;
  };
  return (
    <>
      {diff.isFetching && (
        <Loading key={left + right} receivedBytes={diff.receivedBytes} cancel={cancel} />
      )}
      {content()}
    </>
  );
}

function NothingToCompare({ warnings }: { warnings: string[] }) {
  const { compare } = useViewState();
  const hasFilters = compare.left.filters.length + compare.right.filters.length > 0;
  return (
    <Message
      tone="plain"
      title="Neither side has samples"
      text={
        <ul>
          {warnings.map((warning) => (
            <li key={warning}>
              <strong>{warning}</strong>
            </li>
          ))}
          <li>Choose a service and a time for A and for B above.</li>
          {hasFilters && <li>Perhaps no series has all of these labels.</li>}
        </ul>
      }
    >
      {hasFilters && (
        <button
          type="button"
          onClick={() =>
            updateCompare({
              left: { ...compare.left, filters: [] },
              right: { ...compare.right, filters: [] },
            })
          }
        >
          Without labels
        </button>
      )}
    </Message>
  );
}
