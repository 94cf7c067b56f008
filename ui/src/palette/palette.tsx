import { shortName } from '@bunsen/profile';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { navigate } from 'wouter/use-browser-location';
import { useFunctionSearch, useServices } from '../api/queries.ts';
import { Dialog } from '../components/dialog.tsx';
import { Icon } from '../components/icon.tsx';
import { useRange } from '../time/range-context.tsx';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import { useSettings } from '../use-settings.ts';
import styles from './palette.module.css';
import { type Entry, paletteEntries } from './palette-entries.ts';

const MOST_FUNCTIONS = 20;
/** The server is asked when nothing has been typed for so long. */
const PAUSE_MS = 200;

/** A field that leads to any service, function or page. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const { profileType } = useViewState();
  const range = useRange();
  const linkTo = useLinkTo();
  const { views } = useSettings();
  const [typed, setTyped] = useState('');
  const [active, setActive] = useState(0);
  const settled = useSettled(typed.trim());
  const services = useServices(profileType, range);
  const search = useFunctionSearch(settled, profileType, range, MOST_FUNCTIONS);
  const functions = typed.trim() === '' ? [] : (search.data?.functions ?? []);
  const entries = paletteEntries(typed, services.data?.services ?? [], functions, views);
  const list = useRef<HTMLDivElement>(null);

  const go = (entry: Entry) => {
    onClose();
    navigate(entry.kind === 'view' ? entry.path : linkTo(entry.path, { module: entry.module }));
  };
  const move = (to: number) => {
    const index = Math.max(0, Math.min(entries.length - 1, to));
    setActive(index);
    list.current?.querySelector(`#palette-${index}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const entry = entries[active];
    if (event.key === 'ArrowDown') move(active + 1);
    else if (event.key === 'ArrowUp') move(active - 1);
    else if (event.key === 'Enter' && entry) go(entry);
    else return;
    event.preventDefault();
  };
  const isWaiting = typed.trim() !== '' && (settled !== typed.trim() || search.isFetching);
  return (
    <Dialog label="Go to" onClose={onClose}>
      <div className={styles.field}>
        <Icon name="search" />
        <input
          autoFocus
          role="combobox"
          aria-label="Service or function"
          aria-expanded
          aria-controls="palette-list"
          aria-activedescendant={entries[active] ? `palette-${active}` : undefined}
          placeholder="Service or function"
          spellCheck={false}
          autoComplete="off"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      <div ref={list} id="palette-list" className={styles.list} role="listbox" aria-label="Found">
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys
          <div
            key={`${entry.kind} ${entry.path} ${entry.module}`}
            id={`palette-${index}`}
            className={styles.entry}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            data-kind={entry.kind}
            title={entry.text}
            onPointerMove={() => setActive(index)}
            onClick={() => go(entry)}
          >
            <span className={styles.kind}>{entry.kind}</span>
            <span className={styles.text}>
              {entry.kind === 'function' ? shortName(entry.text) : entry.text}
            </span>
            <span className={styles.detail}>{entry.detail}</span>
          </div>
        ))}
      </div>
      <p className={styles.note} role="status">
        {isWaiting ? 'Looking for functions…' : entries.length === 0 ? 'Nothing of that name.' : ''}
      </p>
    </Dialog>
  );
}

/** A value that has not changed for a while. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
