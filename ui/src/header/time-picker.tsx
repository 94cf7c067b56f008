import { lazy, Suspense } from 'react';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import { useClock } from '../time/range-context.tsx';
import { describeRange, widenRange } from '../time/time-range.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import styles from './time-picker.module.css';

const TimePanel = lazy(() => import('./time-panel.tsx'));

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
        <Suspense fallback={null}>
          <TimePanel
            value={value}
            onPick={(range) => {
              onPick(range);
              close();
            }}
          />
        </Suspense>
      )}
    </Popover>
  );
}
