import { type FormEvent, useEffect, useRef, useState } from 'react';
import { saveView } from '../settings.ts';
import { PageLink } from '../url/page-link.tsx';
import { useSettings } from '../use-settings.ts';
import styles from './save-view-panel.module.css';

const MOST_CHARACTERS = 80;

/** A name for the URL as it is now, and those that were saved before. */
export default function SaveViewPanel({ close }: { close: () => void }) {
  const { views } = useSettings();
  const [name, setName] = useState(document.title.replace(/ · Bunsen$/, ''));
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const save = (event: FormEvent) => {
    event.preventDefault();
    const trimmed = name.trim();
    if (trimmed === '') return;
    saveView(trimmed, location.pathname + location.search);
    close();
  };
  const isKnown = views.some((one) => one.name === name.trim());
  return (
    <div className={styles.panel}>
      <form onSubmit={save}>
        <input
          ref={field}
          aria-label="Name of this view"
          maxLength={MOST_CHARACTERS}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" disabled={name.trim() === ''}>
          {isKnown ? 'Replace' : 'Save'}
        </button>
      </form>
      {views.length > 0 && (
        <ul aria-label="Saved views">
          {views.map((view) => (
            <li key={view.name}>
              <PageLink to={view.url} title={view.url} onFollow={close}>
                {view.name}
              </PageLink>
            </li>
          ))}
        </ul>
      )}
      <p>Kept by this browser. Ctrl-K finds it; Settings lists and deletes it.</p>
    </div>
  );
}
