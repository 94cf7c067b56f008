import { lazy, Suspense, useMemo, useState } from 'react';
import { type FunctionName, useSeries } from '../api/queries.ts';
import { digits, formatValue } from '../format/value.ts';
import { useRange } from '../time/range-context.tsx';
import { formatTime, stepFor, type TimeRange, WEEK_MS } from '../time/time-range.ts';
import { updateViewState } from '../url/use-view-state.ts';
import { Marks, type TimelineMark } from './marks.tsx';
import { type StackedSeries, seriesColour, stackSeries } from './stack-series.ts';
import styles from './timeline.module.css';

const TimelineChart = lazy(() => import('./timeline-chart.tsx'));

/** Steps are some six pixels wide on a wide screen. */
const MAX_POINTS = 240;
const MAX_SERIES = 6;

/** How much was used when; a drag over it narrows the range down. */
export function Timeline(props: {
  query: string;
  groupBy?: string;
  height: number;
  /** Times that mean something. */
  marks?: TimelineMark[];
  /** Only of the stacks that have this function, and with what it was a week before. */
  fn?: FunctionName;
}) {
  const { query, groupBy, height, fn, marks = [] } = props;
  const range = useRange();
  const stepMs = stepFor(range, MAX_POINTS);
  const { data, error, isPlaceholderData } = useSeries(query, range, stepMs, { groupBy, fn });
  const before = useWeekBefore(query, range, stepMs, fn);
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
              before={before}
              maxSeries={MAX_SERIES}
              range={range}
              height={height}
              onStep={setStep}
              onBrush={({ fromMs, untilMs }) =>
                updateViewState({ from: String(fromMs), until: String(untilMs) })
              }
            />
          </Suspense>
        )}
        {stacked && !error && <Marks marks={marks} range={range} />}
      </div>
      {stacked && !error && <Legend data={stacked} before={before} step={step} />}
    </section>
  );
}

/** What a function came to a week before, step by step; null if there is nothing to compare with. */
function useWeekBefore(
  query: string,
  { fromMs, untilMs }: TimeRange,
  stepMs: number,
  fn: FunctionName | undefined,
): (number | null)[] | null {
  const before = { fromMs: fromMs - WEEK_MS, untilMs: untilMs - WEEK_MS };
  // Every step divides a week, so that those of the two weeks lie upon each other.
  const { data } = useSeries(query, before, stepMs, { fn, enabled: fn !== undefined });
  return useMemo(() => (data && stackSeries(data, '', 1).values[0]) ?? null, [data]);
}

/** The names of the series; their values while the pointer is over a step. */
function Legend(props: {
  data: StackedSeries;
  before: (number | null)[] | null;
  step: number | null;
}) {
  const { data, before, step } = props;
  const single = data.names.length <= 1;
  const stepText = formatValue(data.stepMs * 1e6, 'nanoseconds').replace(/\.0+ /, ' ');
  const amount = (values: (number | null)[] | undefined) => {
    const value = step === null ? null : values?.[step];
    if (value === null || value === undefined) return 'no data';
    return data.unit === 'cores' ? digits(value) : formatValue(value, data.unit);
  };
  return (
    <div className={styles.legend} data-single={single}>
      {step === null ? (
        data.names.length === 1 && (
          <span className={styles.quiet}>
            {data.unit} per {stepText} · drag to zoom in
          </span>
        )
      ) : (
        <span className={styles.quiet}>{formatTime((data.timesS[step] ?? 0) * 1000)}</span>
      )}
      {single && step !== null && (
        <strong>
          {amount(data.values[0])} {data.unit === 'cores' && 'cores'}
        </strong>
      )}
      {!single &&
        data.names.map((name, index) => (
          <span key={name} className={styles.entry}>
            <span
              className={styles.swatch}
              style={{ background: `var(${seriesColour(index, MAX_SERIES)})` }}
            />
            <span className={styles.name}>{name}</span>
            {step !== null && <span>{amount(data.values[index])}</span>}
          </span>
        ))}
      {before && (
        <span className={styles.entry}>
          <span className={styles.dash} />
          <span className={styles.name}>a week before</span>
          {step !== null && <span>{amount(before)}</span>}
        </span>
      )}
    </div>
  );
}
