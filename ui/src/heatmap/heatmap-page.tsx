import { useMemo } from 'react';
import { selectorOf } from '../api/flame-requests.ts';
import { useSeries } from '../api/queries.ts';
import { Message } from '../components/message.tsx';
import { Segments } from '../components/segments.tsx';
import { formatCount } from '../format/value.ts';
import { Awaited, NoSamples, Warnings } from '../graph/flame-states.tsx';
import { LabelPicker, useLabel } from '../labels/label-picker.tsx';
import { useRange } from '../time/range-context.tsx';
import { stepFor } from '../time/time-range.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import type { HeatScale } from '../url/view-state.ts';
import { BoxGraph } from './box-graph.tsx';
import { heatGrid } from './heat-grid.ts';
import { HeatPanel } from './heat-panel.tsx';
import styles from './heatmap-page.module.css';

const SCALES: { value: HeatScale; text: string; title: string }[] = [
  { value: 'all', text: 'All rows', title: 'The strongest colour is the most of all rows' },
  { value: 'row', text: 'Each row', title: 'The strongest colour is the most of each row' },
];
/** Cells of a row at most: some eight pixels wide on a wide screen. */
const MAX_STEPS = 150;

/** How much when and where: a rectangle of it is a flame graph, against all the rest. */
export default function HeatmapPage({ service }: { service: string }) {
  const { profileType, filters, box, heatScale } = useViewState();
  const range = useRange();
  const query = selectorOf({ profileType, service, filters });
  const { label: wanted, error: labelError } = useLabel(query, range);
  const { data, error, isPlaceholderData } = useSeries(query, range, stepFor(range, MAX_STEPS), {
    groupBy: wanted,
    enabled: wanted !== undefined,
  });
  // While the next label is on its way, what is shown is of the one before.
  const label = Object.keys(data?.series[0]?.labels ?? {})[0] ?? wanted;
  const grid = useMemo(
    () => (data && label !== undefined ? heatGrid(data, label, range.untilMs) : undefined),
    [data, label, range.untilMs],
  );
  const failed = labelError ?? error;
  if (failed || !grid || label === undefined || !data) return <Awaited error={failed} />;
  return (
    <main className={styles.page} data-open={box !== null} data-stale={isPlaceholderData}>
      <div className={styles.bar}>
        <h1 className="visually-hidden">Heatmap</h1>
        <LabelPicker label={wanted ?? label} query={query} range={range} />
        <Segments
          label="Strongest colour"
          value={heatScale}
          options={SCALES}
          onPick={(next) => updateViewState({ heatScale: next })}
        />
        <span className={styles.count}>
          {formatCount(grid.rows.length)} {grid.rows.length === 1 ? 'row' : 'rows'}
          {grid.hidden > 0 && `, the largest of ${formatCount(grid.rows.length + grid.hidden)}`}
        </span>
      </div>
      <Warnings warnings={data.warnings} />
      {grid.rows.length === 0 ? (
        <NoSamples filters={filters} />
      ) : (
        <HeatPanel grid={grid} label={label} />
      )}
      {box && <BoxGraph service={service} label={label} grid={grid} box={box} />}
      {!box && grid.rows.length > 0 && (
        <Message
          tone="plain"
          title="Drag over a rectangle"
          text="What it spends its time on shows here, against all the rest. A click takes a cell, a name its whole row."
        />
      )}
    </main>
  );
}
