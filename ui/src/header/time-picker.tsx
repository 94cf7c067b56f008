import { type FormEvent, useState } from 'react';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import { useClock } from '../time/range-context.tsx';
import {
  describeRange,
  describeTimeZone,
  formatTime,
  PRESETS,
  parseTime,
  resolveRange,
  widenRange,
} from '../time/time-range.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import styles from './time-picker.module.css';

/** The time range: what it is, and a panel that changes it. */
export function TimePicker() {
  const { from, until } = useViewState();
  const { range, nowMs } = useClock();
  const zoomOut = () => {
    if (!range) return;
    const wider = widenRange(range, Date.now());
    updateViewState({ from: String(wider.fromMs), until: String(wider.untilMs) });
  };
  return (
    <div className={styles.group}>
      <Popover
        label="Time range"
        align="end"
        triggerClass={styles.trigger}
        trigger={
          <>
            <Icon name="clock" />
            <span className={styles.text}>{describeRange(from, until, nowMs)}</span>
          </>
        }
      >
        {(close) => <TimePanel close={close} />}
      </Popover>
      <button
        type="button"
        className={styles.zoomOut}
        aria-label="Twice the time range"
        title="Twice the time range"
        onClick={zoomOut}
      >
        <Icon name="zoomOut" />
      </button>
    </div>
  );
}

function TimePanel({ close }: { close: () => void }) {
  const state = useViewState();
  const { nowMs } = useClock();
  const readable = (text: string) => {
    const time = /^\d+$/.test(text) ? parseTime(text, nowMs) : null;
    return time === null ? text : formatTime(time);
  };
  const [from, setFrom] = useState(readable(state.from));
  const [until, setUntil] = useState(readable(state.until));
  const [error, setError] = useState('');

  const show = (nextFrom: string, nextUntil: string) => {
    updateViewState({ from: nextFrom, until: nextUntil });
    close();
  };
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
    show(fixed(from), fixed(until));
  };
  return (
    <div className={styles.panel}>
      <ul className={styles.presets}>
        {PRESETS.map((preset) => (
          <li key={preset.from}>
            <button
              type="button"
              aria-current={state.from === preset.from && state.until === 'now'}
              onClick={() => show(preset.from, 'now')}
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
