import { type FormEvent, useState } from 'react';
import { useClock } from '../time/range-context.tsx';
import {
  describeTimeZone,
  formatTime,
  PRESETS,
  parseTime,
  resolveRange,
} from '../time/time-range.ts';
import styles from './time-panel.module.css';
import type { TypedRange } from './time-picker.tsx';

/** Ranges to pick from, and two fields for any other. */
export default function TimePanel({
  value,
  onPick,
}: {
  value: TypedRange;
  onPick: (range: TypedRange) => void;
}) {
  const { nowMs } = useClock();
  const readable = (text: string) => {
    const time = /^\d+$/.test(text) ? parseTime(text, nowMs) : null;
    return time === null ? text : formatTime(time);
  };
  const [from, setFrom] = useState(readable(value.from));
  const [until, setUntil] = useState(readable(value.until));
  const [error, setError] = useState('');

  const apply = (event: FormEvent) => {
    event.preventDefault();
    const now = Date.now();
    const resolved = resolveRange(from, until, now);
    if ('error' in resolved) {
      setError(resolved.error);
      return;
    }
    // A local time means something else to a reader in another zone: the URL holds the instant.
    const fixed = (text: string) =>
      text.trim().startsWith('now') ? text.trim() : String(parseTime(text, now));
    onPick({ from: fixed(from), until: fixed(until) });
  };
  return (
    <div className={styles.panel}>
      <ul className={styles.presets}>
        {PRESETS.map((preset) => (
          <li key={preset.from}>
            <button
              type="button"
              aria-current={value.from === preset.from && value.until === 'now'}
              onClick={() => onPick({ from: preset.from, until: 'now' })}
            >
              {preset.label}
            </button>
          </li>
        ))}
      </ul>
      <form className={styles.form} onSubmit={apply}>
        <label>
          From
          <input
            value={from}
            spellCheck={false}
            onChange={(event) => setFrom(event.target.value)}
          />
        </label>
        <label>
          Until
          <input
            value={until}
            spellCheck={false}
            onChange={(event) => setUntil(event.target.value)}
          />
        </label>
        {error && (
          <p className={styles.error} role="alert">
            {error}
          </p>
        )}
        <button type="submit">Apply</button>
        <p className={styles.hint}>
          <code>2026-11-21 09:30</code> or <code>now-90m</code>
          <br />
          Times are {describeTimeZone(nowMs)}.
        </p>
      </form>
    </div>
  );
}
