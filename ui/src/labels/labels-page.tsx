import { useMemo } from 'react';
import { selectorOf } from '../api/flame-requests.ts';
import { useLabelDifferences, useSeries } from '../api/queries.ts';
import { formatCount } from '../format/value.ts';
import { Awaited, NoSamples, Warnings } from '../graph/flame-states.tsx';
import { useRange } from '../time/range-context.tsx';
import { stepFor } from '../time/time-range.ts';
import { useViewState } from '../url/use-view-state.ts';
import { LabelPicker, useLabel } from './label-picker.tsx';
import styles from './labels-page.module.css';
import { ValueCard } from './value-card.tsx';
import { sharedScale, valueRows } from './value-rows.ts';

const MOST_VALUES = 100;
const POINTS = 60;
const NO_SCALE = { most: 0, average: [] };

/** The values of a label side by side, those first that are least like the rest. */
export default function LabelsPage({ service }: { service: string }) {
  const { profileType, filters } = useViewState();
  const range = useRange();
  const query = selectorOf({ profileType, service, filters });
  const { label: wanted, error: labelError } = useLabel(query, range);
  const known = wanted !== undefined;
  const differences = useLabelDifferences(wanted ?? '', query, range, MOST_VALUES, known);
  const series = useSeries(query, range, stepFor(range, POINTS), {
    groupBy: wanted,
    enabled: known,
  });
  const { data, error, isPlaceholderData } = differences;
  const rows = useMemo(() => (data ? valueRows(data, series.data) : []), [data, series.data]);
  const scale = useMemo(() => (series.data ? sharedScale(series.data) : NO_SCALE), [series.data]);
  const failed = labelError ?? error;
  if (failed || !data) return <Awaited error={failed} />;
  // While the next label is on its way, what is shown is of the one before.
  const { label } = data;
  const unlike = rows.filter((row) => row.isUnlike).length;
  return (
    <main className={styles.page} data-stale={isPlaceholderData}>
      <div className={styles.bar}>
        <h1 className="visually-hidden">Labels</h1>
        <LabelPicker label={wanted ?? label} query={query} range={range} />
        <p className={styles.count}>
          {formatCount(rows.length)} {rows.length === 1 ? 'value' : 'values'}
          {rows.length === MOST_VALUES && ' at most'}
          {rows.length > 1 && `, ${unlike} unlike the rest by more than chance`}
        </p>
      </div>
      <Warnings warnings={data.warnings} />
      {rows.length === 0 && <NoSamples filters={filters} />}
      {rows.length === 1 && (
        <p className={styles.note}>
          All series have the same value of this label: choose one that tells them apart.
        </p>
      )}
      <ul className={styles.cards} aria-label={`Values of ${label}, the least like the rest first`}>
        {rows.map((row) => (
          <ValueCard
            key={row.value}
            row={row}
            label={label}
            service={service}
            unit={data.unit}
            total={data.total}
            range={data}
            scale={scale}
          />
        ))}
      </ul>
      {rows.length > 1 && (
        <p className={styles.note}>
          “Unlike” is the part of its total that a value spends in other functions than all other
          values together do; the mark on the bar is what chance alone makes of so many samples.
          Charts have one scale, and the dashed line is the average of all values.
        </p>
      )}
    </main>
  );
}
