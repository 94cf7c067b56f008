import type { DiffTable } from '@bunsen/flame';
import { changeColour } from '@bunsen/profile';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import { Segments } from '../components/segments.tsx';
import { relativeChange, signed } from '../format/change.ts';
import { formatCount } from '../format/value.ts';
import { FunctionCell, SortHeader } from '../graph/function-cell.tsx';
import listStyles from '../graph/function-list.module.css';
import { useTheme } from '../theme.ts';
import type { ChangeColumn, ChangeKind, Measure } from '../url/compare-state.ts';
import { updateCompare, updateViewState, useViewState } from '../url/use-view-state.ts';
import styles from './change-list.module.css';
import type { DiffScale } from './diff-scale.ts';
import { type Change, changesOf, markedFunctions, sortChanges } from './list-changes.ts';

const ROW_HEIGHT = 26;
const COLUMNS: { by: ChangeColumn; text: string }[] = [
  { by: 'name', text: 'Function' },
  { by: 'left', text: 'A' },
  { by: 'right', text: 'B' },
  { by: 'change', text: 'Change' },
];
const KINDS: { kind: ChangeKind; text: string }[] = [
  { kind: 'all', text: 'All' },
  { kind: 'new', text: 'New' },
  { kind: 'gone', text: 'Gone' },
  { kind: 'more', text: 'More' },
  { kind: 'less', text: 'Less' },
];
const MEASURES: { value: Measure; text: string; title: string }[] = [
  { value: 'self', text: 'Self', title: 'Samples that end in the function' },
  { value: 'total', text: 'Total', title: 'Samples whose stack holds the function' },
];

/** What became of each function, the largest change first. Only rows in sight exist. */
export function ChangeList(props: {
  table: DiffTable;
  scale: DiffScale;
  /** Per frame: 1 if the search found it; null to list every function. */
  marked: Uint8Array | null;
  /** The function under the pointer; empty for none. */
  onHover: (fn: string) => void;
}) {
  const { table, scale, marked, onHover } = props;
  const { compare, ascending } = useViewState();
  const { measure, only, by } = compare;
  const scroller = useRef<HTMLDivElement>(null);
  const changes = useMemo(() => {
    const all = changesOf(table, measure, scale.weights);
    if (!marked) return all;
    const found = markedFunctions(table, marked);
    return all.filter(({ fn }) => found.has(fn));
  }, [table, measure, scale, marked]);
  const listed = useMemo(
    () =>
      sortChanges(
        only === 'all' ? changes : changes.filter(({ kind }) => kind === only),
        by,
        ascending,
      ),
    [changes, only, by, ascending],
  );
  const largest = changes.reduce((most, one) => Math.max(most, Math.abs(one.change)), 0);
  const rows = useVirtualizer({
    count: listed.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  const sortBy = (column: ChangeColumn) =>
    updateViewState({
      ascending: column === by ? !ascending : column === 'name',
      compare: { ...compare, by: column },
    });
  const columns = COLUMNS.map(({ by: column, text }) => ({
    by: column,
    text: column === 'change' && scale.unit !== '' ? `${text}, ${scale.unit}` : text,
  }));
  const count = (kind: ChangeKind) =>
    kind === 'all' ? changes.length : changes.filter((one) => one.kind === kind).length;
  return (
    <div className={styles.changes}>
      <div className={styles.filters}>
        <Segments
          label="Value"
          value={measure}
          options={MEASURES}
          onPick={(value) => updateCompare({ measure: value })}
        />
        <Segments
          label="Kind of change"
          value={only}
          options={KINDS.map(({ kind, text }) => ({
            value: kind,
            text: (
              <>
                {text} <span className={styles.count}>{formatCount(count(kind))}</span>
              </>
            ),
          }))}
          onPick={(kind) => updateCompare({ only: kind })}
        />
      </div>
      <div ref={scroller} className={listStyles.list} onPointerLeave={() => onHover('')}>
        <table
          className={`${listStyles.table} ${styles.table}`}
          aria-rowcount={listed.length + 1}
          aria-label="Changes by function"
        >
          <SortHeader columns={columns} sortedBy={by} ascending={ascending} onSort={sortBy} />
          <tbody style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index, start }) => {
              const one = listed[index];
              return (
                one && (
                  <ChangeRow
                    key={one.fn}
                    change={one}
                    index={index}
                    top={start}
                    largest={largest}
                    scale={scale}
                    onHover={onHover}
                  />
                )
              );
            })}
          </tbody>
        </table>
        {listed.length === 0 && (
          <p className={listStyles.none}>
            {changes.length === 0 ? 'No function matches the search.' : 'None of this kind.'}
          </p>
        )}
      </div>
    </div>
  );
}

function ChangeRow(props: {
  change: Change;
  index: number;
  top: number;
  /** The largest change of all, which has the longest bar. */
  largest: number;
  scale: DiffScale;
  onHover: (fn: string) => void;
}) {
  const { change, largest, scale, onHover } = props;
  const { fn } = change;
  const { fn: picked } = useViewState();
  const theme = useTheme();
  return (
    <tr
      className={listStyles.row}
      style={{ transform: `translateY(${props.top}px)` }}
      aria-rowindex={props.index + 2}
      data-picked={fn === picked}
      onPointerEnter={() => onHover(fn)}
    >
      <FunctionCell fn={fn} onHover={onHover} />
      <td className={styles.value}>{change.left === 0 ? '–' : scale.formatCell(change.left)}</td>
      <td className={styles.value}>{change.right === 0 ? '–' : scale.formatCell(change.right)}</td>
      <td className={styles.change} data-kind={change.kind}>
        <span className={styles.track}>
          <span
            className={styles.bar}
            data-less={change.change < 0}
            style={{
              width: `${largest > 0 ? (Math.abs(change.change) / largest) * 50 : 0}%`,
              background: changeColour(Math.sign(change.change), theme),
            }}
          />
        </span>
        <span className={styles.amount}>{cellChange(scale, change.change)}</span>
        <span className={styles.relative}>{relativeChange(change.left, change.right)}</span>
      </td>
    </tr>
  );
}

/** A change without the unit that stands above its column. */
function cellChange(scale: DiffScale, change: number): string {
  if (scale.unit === '') return scale.formatChange(change);
  return signed(change, scale.formatCell(Math.abs(change)));
}
