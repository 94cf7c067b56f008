import { selectorOf } from '../api/flame-requests.ts';
import { useDiff } from '../api/queries.ts';
import { Message } from '../components/message.tsx';
import pageStyles from '../components/page.module.css';
import { FlameResult } from '../graph/flame-result.tsx';
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
    <main className={pageStyles.page}>
      <div className={styles.sides}>
        <SidePicker letter="A" side="left" range={'error' in left ? null : left} />
        <SidePicker letter="B" side="right" range={'error' in right ? null : right} />
        {!('error' in left || 'error' in right) && <QuickChoices range={hullOf(left, right)} />}
      </div>
      <div className={pageStyles.content}>
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
  const left = selectorOf({ ...compare.left, profileType });
  const right = selectorOf({ ...compare.right, profileType });
  const diff = useDiff(
    { query: left, range: props.left },
    { query: right, range: props.right },
    maxNodes,
  );
  return (
    <FlameResult
      result={diff}
      isEmpty={({ tree }) => !tree.left.total[0] && !tree.right.total[0]}
      empty={({ meta }) => <NothingToCompare warnings={meta.warnings} />}
    >
      {(data, isStale) => (
        <ComparePanel
          diff={data}
          isStale={isStale}
          name={`${compare.left.service || 'all'}-to-${compare.right.service || 'all'}`}
        />
      )}
    </FlameResult>
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
