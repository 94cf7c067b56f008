import { type Subject, selectorOf, useLabelNames, useSeries } from '../api/queries.ts';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import { useClock } from '../time/range-context.tsx';
import { stepFor, type TimeRange } from '../time/time-range.ts';
import { updateCompare, useViewState } from '../url/use-view-state.ts';
import {
  type Baseline,
  isSameSide,
  labelBaseline,
  newestFirst,
  timeBaselines,
} from './baselines.ts';
import { LabelChoice } from './label-choice.tsx';
import styles from './quick-choices.module.css';

/** What services call their release, in the order in which it is looked for. */
const VERSION_LABELS = ['version', 'service_version', 'service.version'];

/** What one mostly compares with: B before, or one version with another. `range`: that of both sides. */
export function QuickChoices({ range }: { range: TimeRange }) {
  const { profileType, compare } = useViewState();
  const { nowMs } = useClock();
  const { left, right } = compare;
  const subject = { profileType, service: right.service, filters: [] };
  const versions = useVersions(subject, range);
  const choose = (choice: Pick<Baseline, 'left' | 'right'>) =>
    updateCompare({ left: choice.left, right: choice.right });
  const choices = timeBaselines(right, nowMs);
  const [newest, before] = versions?.values ?? [];
  if (versions && newest && before) {
    const values = { left: before, right: newest };
    choices.push(labelBaseline({ left, right }, versions.label, values, nowMs));
  }
  return (
    <fieldset className={styles.choices} aria-label="Compare B with">
      <span className={styles.title}>Compare B with</span>
      {choices.map((choice) => (
        <button
          key={choice.text}
          type="button"
          aria-pressed={isSameSide(choice.left, left) && isSameSide(choice.right, right)}
          onClick={() => choose(choice)}
        >
          {choice.text}
        </button>
      ))}
      <Popover label="Compare by a label" trigger="By label…">
        {(close) => (
          <LabelChoice
            subject={subject}
            range={range}
            onDone={(label, values) => {
              choose(labelBaseline({ left, right }, label, values, nowMs));
              close();
            }}
          />
        )}
      </Popover>
      <button
        type="button"
        className={styles.swap}
        title="Swap A and B"
        onClick={() => choose({ left: right, right: left })}
      >
        <Icon name="swap" /> Swap
      </button>
    </fieldset>
  );
}

const VERSION_POINTS = 60;

/** The versions of a service in a range, the newest first; null unless there are two. */
function useVersions(
  subject: Subject,
  range: TimeRange,
): { label: string; values: string[] } | null {
  const query = selectorOf(subject);
  const names = useLabelNames(query, range).data?.labels;
  const label = VERSION_LABELS.find((name) =>
    names?.some((one) => one.name === name && one.values > 1),
  );
  const series = useSeries(
    query,
    range,
    stepFor(range, VERSION_POINTS),
    label,
    label !== undefined,
  );
  if (!label || !series.data) return null;
  return { label, values: newestFirst(series.data, label) };
}
