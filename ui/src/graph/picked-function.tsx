import { parseFrame } from '@bunsen/profile';
import { Icon } from '../components/icon.tsx';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { FunctionLink } from './function-link.tsx';
import styles from './picked-function.module.css';

/** The function that was picked from the table stays marked until it is let go. `text`: how much it holds. */
export function PickedFunction({ text }: { text: string }) {
  const { fn } = useViewState();
  if (fn === '') return null;
  return (
    <span className={styles.picked}>
      <span className={styles.name} title={parseFrame(fn).name}>
        {parseFrame(fn).name}
      </span>
      {text}
      <FunctionLink fn={fn} />
      <button
        type="button"
        aria-label="Let go of this function"
        title="Let go of this function (Esc)"
        onClick={() => updateViewState({ fn: '' })}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}
