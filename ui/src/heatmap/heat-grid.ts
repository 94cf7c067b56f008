import type { SeriesResponse } from '@bunsen/profile';
import { isCpuTime } from '../format/value.ts';
import type { TimeRange } from '../time/time-range.ts';
import type { Box } from '../url/view-state.ts';

/** Values over time, a row for each value of a label. */
export interface HeatGrid {
  /** The largest sum first. */
  rows: HeatRow[];
  /** Rows that are left out, since they are the smallest of too many. */
  hidden: number;
  fromMs: number;
  stepMs: number;
  /** Cells of a row: cell `i` is of [fromMs + i * stepMs, + stepMs). */
  steps: number;
  /** `cores` for CPU time, else the unit of the cells, which are then a step's sums. */
  unit: string;
  /** What the strongest colour stands for, at least: few cells may hold more. */
  most: number;
}

export interface HeatRow {
  /** Of the label; empty for series without it. */
  value: string;
  /** NaN where there is no data. */
  cells: Float64Array;
}

/** A row takes 3 pixels at least, and a canvas has its limits. */
export const MAX_ROWS = 200;

/** This share of all cells has a colour of its own value; hotter ones look alike, so that one spike leaves the rest to be seen. */
const SCALE_QUANTILE = 0.99;

/**
 * Series of one label as a grid.
 * @param untilMs when the range ends: the last step may reach past it
 */
export function heatGrid(response: SeriesResponse, label: string, untilMs: number): HeatGrid {
  const { series, fromMs, stepMs } = response;
  const cpu = isCpuTime(response.unit);
  const steps = Math.round((response.untilMs - fromMs) / stepMs);
  const rows = series.slice(0, MAX_ROWS).map(({ labels, values }) => ({
    value: labels[label] ?? '',
    cells: Float64Array.from(values, (value, i) => {
      if (value === null) return Number.NaN;
      const lengthMs = Math.min(stepMs, untilMs - fromMs - i * stepMs);
      return cpu ? value / ((lengthMs > 0 ? lengthMs : stepMs) * 1e6) : value;
    }),
  }));
  return {
    rows,
    hidden: Math.max(0, series.length - MAX_ROWS),
    fromMs,
    stepMs,
    steps,
    unit: cpu ? 'cores' : response.unit,
    most: scaleOf(rows),
  };
}

/** A whole number of steps and rows: from inclusive, until exclusive. */
export interface CellBox {
  fromStep: number;
  untilStep: number;
  fromRow: number;
  untilRow: number;
}

export interface Cell {
  step: number;
  row: number;
}

/** The rectangle between two cells, both of them in it. */
export function cellsBetween(a: Cell, b: Cell): CellBox {
  return {
    fromStep: Math.min(a.step, b.step),
    untilStep: Math.max(a.step, b.step) + 1,
    fromRow: Math.min(a.row, b.row),
    untilRow: Math.max(a.row, b.row) + 1,
  };
}

export function boxOf({ rows, fromMs, stepMs }: HeatGrid, cells: CellBox): Box {
  return {
    fromMs: fromMs + cells.fromStep * stepMs,
    untilMs: fromMs + cells.untilStep * stepMs,
    values: rows.slice(cells.fromRow, cells.untilRow).map(({ value }) => value),
  };
}

/**
 * Where a box is drawn: a piece for each run of rows that are in it, as rows may have changed places
 * since. None if it is not in sight.
 */
export function piecesOf({ rows, fromMs, stepMs, steps }: HeatGrid, box: Box): CellBox[] {
  const fromStep = Math.max(0, Math.floor((box.fromMs - fromMs) / stepMs));
  const untilStep = Math.min(steps, Math.ceil((box.untilMs - fromMs) / stepMs));
  if (fromStep >= untilStep) return [];
  const picked = new Set(box.values);
  const pieces: CellBox[] = [];
  rows.forEach(({ value }, row) => {
    if (!picked.has(value)) return;
    const last = pieces.at(-1);
    if (last?.untilRow === row) last.untilRow++;
    else pieces.push({ fromStep, untilStep, fromRow: row, untilRow: row + 1 });
  });
  return pieces;
}

/** The shortest range that holds a box and what is in sight: what the rest of a box is part of. */
export function wholeRange({ fromMs, stepMs, steps }: HeatGrid, box: Box): TimeRange {
  return {
    fromMs: Math.min(fromMs, box.fromMs),
    untilMs: Math.max(fromMs + steps * stepMs, box.untilMs),
  };
}

function scaleOf(rows: HeatRow[]): number {
  const all = rows.flatMap(({ cells }) => [...cells.filter((cell) => cell > 0)]);
  all.sort((a, b) => a - b);
  const most = all.at(-1) ?? 0;
  const typical = all[Math.floor((all.length - 1) * SCALE_QUANTILE)] ?? 0;
  // Close to the largest, the largest makes the rounder statement.
  return most > typical * 1.5 ? typical : most;
}
