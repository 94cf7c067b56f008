import type { ReactNode } from 'react';
import styles from './segments.module.css';

/** A choice of a few, all of them in sight. */
export function Segments<T extends string>(props: {
  label: string;
  value: T;
  options: { value: T; text: ReactNode; title?: string }[];
  onPick: (value: T) => void;
}) {
  return (
    <fieldset className={styles.segments} aria-label={props.label}>
      {props.options.map(({ value, text, title }) => (
        <button
          key={value}
          type="button"
          title={title}
          aria-pressed={value === props.value}
          onClick={() => props.onPick(value)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}
