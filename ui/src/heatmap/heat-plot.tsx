import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { useTheme } from '../theme.ts';
import type { Box } from '../url/view-state.ts';
import { heatColour } from './heat-colours.ts';
import {
  boxOf,
  type Cell,
  type CellBox,
  cellsBetween,
  type HeatGrid,
  piecesOf,
} from './heat-grid.ts';
import styles from './heat-plot.module.css';

/**
 * The cells: a drag or Shift with arrow keys makes a rectangle. Only data paints the canvas; what is
 * pointed at and picked are boxes above it.
 */
export function HeatPlot(props: {
  grid: HeatGrid;
  /** What a screen reader says of the picture. */
  label: string;
  rowHeight: number;
  box: Box | null;
  onBox: (box: Box | null) => void;
  /** The cell under the pointer or the keyboard's; null for none. */
  onPoint: (cell: Cell | null) => void;
}) {
  const { grid, rowHeight, box, onBox, onPoint } = props;
  const { rows, steps } = grid;
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const [cursor, setCursor] = useState<Cell | null>(null);
  /** Where the rectangle began that is being made. */
  const [anchor, setAnchor] = useState<Cell | null>(null);

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || steps === 0 || rows.length === 0) return;
    const image = context.createImageData(steps, rows.length);
    rows.forEach(({ cells }, row) => {
      cells.forEach((value, step) => {
        if (Number.isNaN(value)) return;
        const colour = heatColour(grid.most > 0 ? value / grid.most : 0, theme);
        image.data.set([...colour, 255], (row * steps + step) * 4);
      });
    });
    context.putImageData(image, 0, 0);
  }, [grid, rows, steps, theme]);

  const point = (cell: Cell | null) => {
    setCursor(cell);
    onPoint(cell);
  };
  const cellAt = (event: PointerEvent): Cell => {
    const { left, top, width } = event.currentTarget.getBoundingClientRect();
    return inside({
      step: Math.floor(((event.clientX - left) / width) * steps),
      row: Math.floor((event.clientY - top) / rowHeight),
    });
  };
  const inside = ({ step, row }: Cell): Cell => ({
    step: Math.max(0, Math.min(steps - 1, step)),
    row: Math.max(0, Math.min(rows.length - 1, row)),
  });
  const pick = (from: Cell, to: Cell) => onBox(boxOf(grid, cellsBetween(from, to)));

  const onKeyDown = (event: KeyboardEvent) => {
    const move = MOVES[event.key];
    if (move) {
      const from = cursor && inside(cursor);
      const to = from ? inside({ step: from.step + move.step, row: from.row + move.row }) : START;
      setAnchor(event.shiftKey ? (anchor ?? from ?? to) : null);
      point(to);
    } else if (event.key === 'Enter' && cursor) {
      pick(anchor ?? cursor, cursor);
      setAnchor(null);
    } else if (event.key === 'Escape' && (anchor || box)) {
      if (anchor) setAnchor(null);
      else onBox(null);
    } else return;
    event.preventDefault();
  };
  const making = anchor && cursor ? cellsBetween(anchor, cursor) : null;
  const picked = making ? [making] : box ? piecesOf(grid, box) : [];
  const place = ({ fromStep, untilStep, fromRow, untilRow }: CellBox) => ({
    left: `${(fromStep / steps) * 100}%`,
    width: `${((untilStep - fromStep) / steps) * 100}%`,
    top: fromRow * rowHeight,
    height: (untilRow - fromRow) * rowHeight,
  });
  return (
    <figure
      className={styles.plot}
      style={{ height: rows.length * rowHeight }}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes arrow keys, as its label says
      tabIndex={0}
      aria-label={props.label}
      onKeyDown={onKeyDown}
      onBlur={() => {
        setAnchor(null);
        point(null);
      }}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setAnchor(cellAt(event));
        point(cellAt(event));
      }}
      onPointerMove={(event) => {
        // A rectangle that the keyboard makes is no pointer's.
        if (event.buttons === 0) setAnchor(null);
        point(cellAt(event));
      }}
      onPointerLeave={() => {
        if (!anchor) point(null);
      }}
      onPointerUp={(event) => {
        if (!anchor) return;
        pick(anchor, cellAt(event));
        setAnchor(null);
      }}
      onPointerCancel={() => setAnchor(null)}
    >
      <canvas ref={canvas} width={steps} height={rows.length} data-heat />
      {picked.map((piece) => (
        <div key={piece.fromRow} className={styles.box} style={place(piece)} />
      ))}
      {cursor && cursor.row < rows.length && cursor.step < steps && !making && (
        <div className={styles.cursor} style={place(cellsBetween(cursor, cursor))} />
      )}
    </figure>
  );
}

const START: Cell = { step: 0, row: 0 };
const MOVES: Record<string, Cell> = {
  ArrowLeft: { step: -1, row: 0 },
  ArrowRight: { step: 1, row: 0 },
  ArrowUp: { step: 0, row: -1 },
  ArrowDown: { step: 0, row: 1 },
};
