import { emphasisColour } from '@bunsen/profile';
import type { RefObject } from 'react';
import { Icon } from '../components/icon.tsx';
import { useTheme } from '../theme.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import styles from './search-box.module.css';
import type { Marks } from './use-marks.ts';

/** The search in functions and modules, with how much of the picture it found. */
export function SearchBox(props: {
  found: Marks | { error: string } | null;
  /** How much the matches hold. */
  foundText: string;
  field: RefObject<HTMLInputElement | null>;
}) {
  const { found, field } = props;
  const { search, isRegex } = useViewState();
  const theme = useTheme();
  const error = found && 'error' in found ? found.error : '';
  return (
    <div className={styles.search} data-error={error !== ''}>
      <Icon name="search" />
      <input
        ref={field}
        value={search}
        placeholder="Search functions and modules"
        aria-label="Search functions and modules"
        aria-invalid={error !== ''}
        title={error || undefined}
        spellCheck={false}
        onChange={(event) => updateViewState({ search: event.target.value }, { replace: true })}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.preventDefault();
          if (search === '') event.currentTarget.blur();
          else updateViewState({ search: '' }, { replace: true });
        }}
      />
      {error && <span className={styles.error}>not a regular expression</span>}
      {found && 'functions' in found && (
        <span className={styles.found}>
          <span className={styles.swatch} style={{ background: emphasisColour(theme) }} />
          {found.functions === 0
            ? 'no match'
            : `${props.foundText} in ${found.functions} ${found.functions === 1 ? 'function' : 'functions'}`}
        </span>
      )}
      {search === '' ? (
        <kbd>/</kbd>
      ) : (
        <button
          type="button"
          aria-label="Clear the search"
          title="Clear the search (Esc)"
          onClick={() => updateViewState({ search: '' })}
        >
          <Icon name="close" />
        </button>
      )}
      <button
        type="button"
        className={styles.regex}
        aria-pressed={isRegex}
        aria-label="Regular expression"
        title="Regular expression"
        onClick={() => updateViewState({ isRegex: !isRegex })}
      >
        .*
      </button>
    </div>
  );
}
