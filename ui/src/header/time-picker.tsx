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

export interface TypedRange {
  from: string;
  until: string;
}

/** The time range of a page. */
export function TimePicker() {
  const { from, until } = useViewState();
  const { range } = useClock();
  const zoomOut = () => {
    if (!range) return;
    const wider = widenRange(range, Date.now());
    updateViewState({ from: String(wider.fromMs), until: String(wider.untilMs) });
  };
  return (
    <div className={styles.group}>
      <RangePicker
        label="Time range"
        align="end"
        value={{ from, until }}
        onPick={updateViewState}
      />
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

/** A time range: what it is, and a panel that changes it. */
export function RangePicker(props: {
  label: string;
  align: 'start' | 'end';
  value: TypedRange;
  onPick: (range: TypedRange) => void;
}) {
  const { label, value, onPick } = props;
  const { nowMs } = useClock();
  return (
    <Popover
      label={label}
      align={props.align}
      triggerClass={styles.trigger}
      trigger={
        <>
          <Icon name="clock" />
          <span className={styles.text}>{describeRange(value.from, value.until, nowMs)}</span>
        </>
      }
    >
      {(close) => (
        <TimePanel
          value={value}
          onPick={(range) => {
            onPick(range);
            close();
          }}
        />
      )}
    </Popover>
  );
}

function TimePanel({ value, onPick }: { value: TypedRange; onPick: (range: TypedRange) => void }) {
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
