import { type FlameLayout, type StepKind, wholeOf } from '@bunsen/flame';
import { parseFrame, shortName } from '@bunsen/profile';
import { Icon } from '../components/icon.tsx';
import { formatShare } from '../format/value.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { parseViewState, type Step } from '../url/view-state.ts';
import styles from './steps.module.css';

const NAMES: Record<StepKind, string> = {
  focus: 'only stacks with',
  ignore: 'without',
  hide: 'hidden',
  collapse: 'collapsed',
};

/** Adds a step to the chain; the zoom goes, as its node may be gone. */
export function addStep(step: Step): void {
  const { steps } = parseViewState(location.search);
  updateViewState({ steps: [...steps, step], focus: '' });
}

/** What is done to stacks before they are drawn, a pill each. Nothing while nothing is. */
export function Steps({ whole, shown }: { whole: FlameLayout; shown: number }) {
  const { steps } = useViewState();
  if (steps.length === 0) return null;
  const share = shown / (wholeOf(whole) || 1);
  return (
    <div className={styles.steps}>
      {steps.map((step, index) => {
        const name = step.kind === 'collapse' ? step.key : parseFrame(step.key).name;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step may be there twice, and has no state
          <span key={`${index} ${step.kind} ${step.key}`} className={styles.step} title={name}>
            {NAMES[step.kind]}
            <span className={styles.name}>{shortName(name)}</span>
            <button
              type="button"
              title="Undo this step"
              aria-label={`Undo: ${NAMES[step.kind]} ${name}`}
              onClick={() => updateViewState({ steps: steps.filter((_, i) => i !== index) })}
            >
              <Icon name="close" />
            </button>
          </span>
        );
      })}
      <span className={styles.share} role="status">
        {share === 0 ? 'No stack is left.' : `${formatShare(share)} of the value is shown.`}
      </span>
    </div>
  );
}

/** Turns stacks round. */
export function InvertButton() {
  const { inverted } = useViewState();
  return (
    <button
      type="button"
      className={styles.invert}
      aria-pressed={inverted}
      title="Turn stacks round: what they end in comes first"
      onClick={() => updateViewState({ inverted: !inverted, focus: '' })}
    >
      Invert
    </button>
  );
}
