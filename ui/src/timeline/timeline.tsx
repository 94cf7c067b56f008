import { lazy, Suspense, useMemo, useState } from 'react';
import { useSeries } from '../api/queries.ts';
import { digits, formatValue } from '../format/value.ts';
import { useRange } from '../time/range-context.tsx';
import { formatTime, stepFor } from '../time/time-range.ts';
import { updateViewState } from '../url/use-view-state.ts';
import { type StackedSeries, stackSeries } from './stack-series.ts';
import styles from './timeline.module.css';

const TimelineChart = lazy(() => import('./timeline-chart.tsx'));

/** Steps are some six pixels wide on a wide screen. */
const MAX_POINTS = 240;
const MAX_SERIES = 6;

/** How much was used when; a drag over it narrows the range down. */
export function Timeline(props: { query: string; groupBy?: string; height: number }) {
  const { query, groupBy, height } = props;
  const range = useRange();
  const { data, error, isPlaceholderData } = useSeries(
    query,
    range,
    stepFor(range, MAX_POINTS),
    groupBy,
  );
  const stacked = useMemo(
    () => data && stackSeries(data, groupBy ?? '', MAX_SERIES),
    [data, groupBy],
  );
  const [step, setStep] = useState<number | null>(null);
  return (
    <section className={styles.timeline} aria-label="Timeline" data-stale={isPlaceholderData}>
      <div className={styles.chart} style={{ height }}>
        {error && <p className={styles.error}>{error.message}</p>}
        {stacked && !error && (
          <Suspense fallback={null}>
            <TimelineChart
              data={stacked}
              range={range}
              height={height}
              onStep={setStep}
              onBrush={({ fromMs, untilMs }) =>
                updateViewState({ from: String(fromMs), until: String(untilMs) })
              }
            />
          </Suspense>
        )}
      </div>
      {stacked && !error && <Legend data={stacked} step={step} />}
    </section>
  );
}

/** The names of the series; their values while the pointer is over a step. */
function Legend({ data, step }: { data: StackedSeries; step: number | null }) {
  const amount = (value: number | null | undefined) => {
    if (value === null || value === undefined) return '–';
    return data.unit === 'cores' ? digits(value) : formatValue(value, data.unit);
  };
  const single = data.names.length === 1;
  return (
    <div className={styles.legend}>
      {step !== null && data.timesS[step] !== undefined && (
        <span className={styles.time}>{formatTime(data.timesS[step] * 1000)}</span>
      )}
      {single && step !== null && (
        <span>
          {amount(data.values[0]?.[step])} {data.unit === 'cores' ? 'cores' : ''}
        </span>
      )}
      {single && step === null && (
        <span className={styles.hint}>
          {data.unit === 'cores' ? 'cores' : data.unit} per{' '}
          {formatValue(data.stepMs * 1e6, 'nanoseconds')
            .replace('.0 ', ' ')
            .replace('.00 ', ' ')}
          , drag to zoom in
        </span>
      )}
      {!single &&
        data.names.map((name, index) => (
          <span key={name} className={styles.entry}>
            <span
              className={styles.swatch}
              style={{ background: `var(--series-${index < MAX_SERIES ? index : 'rest'})` }}
            />
            <span className={styles.name}>{name}</span>
            {step !== null && <span>{amount(data.values[index]?.[step])}</span>}
          </span>
        ))}
    </div>
  );
}
