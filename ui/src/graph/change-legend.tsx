import { changeColour } from '@bunsen/profile';
import { useTheme } from '../theme.ts';
import styles from './change-legend.module.css';

const STEPS = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1];

/** What the colours of changes say: blue is `less`, orange is `more`. */
export function ChangeLegend({ less, more }: { less: string; more: string }) {
  const theme = useTheme();
  return (
    <div className={styles.legend} role="img" aria-label={`Blue: ${less}. Orange: ${more}.`}>
      <span>− {less}</span>
      <span className={styles.ramp}>
        {STEPS.map((change) => (
          <span key={change} style={{ background: changeColour(change, theme) }} />
        ))}
      </span>
      <span>{more} +</span>
    </div>
  );
}
