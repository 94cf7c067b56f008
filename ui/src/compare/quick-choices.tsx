import { useVersions } from '../api/use-versions.ts';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import { useClock } from '../time/range-context.tsx';
import type { TimeRange } from '../time/time-range.ts';
import { updateCompare, useViewState } from '../url/use-view-state.ts';
import { type Baseline, isSameSide, labelBaseline, timeBaselines } from './baselines.ts';
import { LabelChoice } from './label-choice.tsx';
import styles from './quick-choices.module.css';

/** What one mostly compares with: B before, or one version with another. `range`: that of both sides. */
export function QuickChoices({ range }: { range: TimeRange }) {
  const { profileType, compare } = useViewState();
  const { nowMs } = useClock();
  const { left, right } = compare;
  const subject = { profileType, service: right.service, filters: [] };
  const versions = useVersions(subject, range).data;
  const choose = (choice: Pick<Baseline, 'left' | 'right'>) =>
    updateCompare({ left: choice.left, right: choice.right });
  const choices = timeBaselines(right, nowMs);
  const [newest, before] = versions?.values ?? [];
  if (versions && newest && before) {
    const values = { left: before.value, right: newest.value };
    choices.push(labelBaseline({ left, right }, versions.label, values, nowMs));
  }
  return (
    <fieldset className={styles.choices} aria-label="Compare B with">
      <span className={styles.title}>Compare B with</span>
      {choices.map((choice) => (
        <button
          key={choice.text}
          type="button"
          aria-pressed={
            isSameSide(choice.left, left, nowMs) && isSameSide(choice.right, right, nowMs)
          }
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
