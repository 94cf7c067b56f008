import { useMemo, useState } from 'react';
import { formatValue, roundNumber } from '../format/value.ts';
import { useTheme } from '../theme.ts';
import { ticksOf, tickText } from '../time/ticks.ts';
import { formatTime } from '../time/time-range.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { heatRamp } from './heat-colours.ts';
import { boxOf, type Cell, type HeatGrid, piecesOf } from './heat-grid.ts';
import styles from './heat-panel.module.css';
import { HeatPlot } from './heat-plot.tsx';

const ROW_HEIGHT = { least: 16, most: 30 };
/** What the rows share while there is room. */
const COMFORTABLE_HEIGHT = 300;
const TICKS = 8;

/** The heatmap with its axes: names at the left, each of which picks its row; times below. */
export function HeatPanel({ grid, label }: { grid: HeatGrid; label: string }) {
  const { box } = useViewState();
  const [pointed, setPointed] = useState<Cell | null>(null);
  const { rows, fromMs, stepMs, steps } = grid;
  const rowHeight = Math.max(
    ROW_HEIGHT.least,
    Math.min(ROW_HEIGHT.most, Math.floor(COMFORTABLE_HEIGHT / rows.length)),
  );
  const ticks = useMemo(
    () => ticksOf({ fromMs, untilMs: fromMs + steps * stepMs }, TICKS),
    [fromMs, stepMs, steps],
  );
  const pickedRows = useMemo(() => {
    const pieces = box ? piecesOf(grid, box) : [];
    return (row: number) => pieces.some((one) => row >= one.fromRow && row < one.untilRow);
  }, [grid, box]);
  const what = `${grid.unit} by ${label} and time, ${rows.length} rows of ${steps} cells`;
  return (
    <section className={styles.panel} aria-label="Heatmap">
      <Readout grid={grid} cell={pointed} />
      <div className={styles.scroller}>
        <ul className={styles.names} style={{ lineHeight: `${rowHeight}px` }}>
          {rows.map(({ value }, row) => (
            <li key={value} style={{ height: rowHeight }}>
              <button
                type="button"
                title={`${value || `no ${label}`}: pick the row`}
                aria-pressed={pickedRows(row)}
                data-pointed={pointed?.row === row}
                onClick={() =>
                  updateViewState({
                    box: boxOf(grid, {
                      fromStep: 0,
                      untilStep: steps,
                      fromRow: row,
                      untilRow: row + 1,
                    }),
                    focus: '',
                  })
                }
              >
                {value || `(no ${label})`}
              </button>
            </li>
          ))}
        </ul>
        <div className={styles.plot}>
          <HeatPlot
            grid={grid}
            label={`Heatmap of ${what}. Arrow keys move, Shift with them makes a rectangle, Enter picks it, Escape lets go.`}
            rowHeight={rowHeight}
            box={box}
            onBox={(next) => updateViewState({ box: next, focus: '' })}
            onPoint={setPointed}
          />
        </div>
      </div>
      <div className={styles.times} aria-hidden="true">
        {ticks.times.map((timeMs) => (
          <span key={timeMs} style={{ left: `${((timeMs - fromMs) / (steps * stepMs)) * 100}%` }}>
            {tickText(timeMs, ticks.stepMs)}
          </span>
        ))}
      </div>
    </section>
  );
}

/** What is under the pointer, and what colours mean. */
function Readout({ grid, cell }: { grid: HeatGrid; cell: Cell | null }) {
  const theme = useTheme();
  const { fromMs, stepMs, unit, most, rows } = grid;
  const row = cell && rows[cell.row];
  const amount = (value: number) =>
    unit === 'cores'
      ? `${roundNumber(Number(value.toPrecision(3)))} cores`
      : formatValue(value, unit);
  const value = row?.cells[cell?.step ?? 0] ?? Number.NaN;
  return (
    <div className={styles.readout}>
      <span aria-live="polite">
        {row && cell ? (
          <>
            <strong>{Number.isNaN(value) ? 'no data' : amount(value)}</strong>
            {` ${row.value} · ${formatTime(fromMs + cell.step * stepMs)}`}
          </>
        ) : (
          `${formatValue(stepMs * 1e6, 'nanoseconds').replace(/\.0+ /, ' ')} a cell`
        )}
      </span>
      <span className={styles.scale}>
        0
        <span className={styles.ramp} style={{ background: heatRamp(theme) }} />
        {amount(most)}
      </span>
    </div>
  );
}
