import { functionTable } from '@bunsen/flame';
import type { CallTree } from '@bunsen/profile';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useMemo, useRef } from 'react';
import { formatShare, formatValue } from '../format/value.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import type { SortColumn } from '../url/view-state.ts';
import { FunctionCell, SortHeader } from './function-cell.tsx';
import styles from './function-list.module.css';
import { listFunctions } from './list-functions.ts';

const ROW_HEIGHT = 26;
const COLUMNS: { by: SortColumn; text: string }[] = [
  { by: 'name', text: 'Function' },
  { by: 'self', text: 'Self' },
  { by: 'total', text: 'Total' },
];

/**
 * The functions of a flame graph with self and total: also the way to its figures for whoever cannot
 * see the picture. Only rows in sight exist, and they are not rendered while only the search box is.
 */
export const FunctionList = memo(function FunctionList(props: {
  tree: CallTree;
  /** What shares are of. */
  whole: number;
  unit: string;
  marked: Uint8Array | null;
  /** The function under the pointer; empty for none. */
  onHover: (fn: string) => void;
}) {
  const { tree, whole, unit, marked, onHover } = props;
  const table = useMemo(() => functionTable(tree), [tree]);
  const { sort, ascending, fn: picked } = useViewState();
  const scroller = useRef<HTMLDivElement>(null);
  const listed = useMemo(
    () => listFunctions(table, marked, sort, ascending),
    [table, marked, sort, ascending],
  );
  const rows = useVirtualizer({
    count: listed.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });

  const sortBy = (column: SortColumn) =>
    updateViewState({ sort: column, ascending: column === sort ? !ascending : column === 'name' });
  const moveFocus = (row: Element | null, by: 1 | -1) => {
    const next = by === 1 ? row?.nextElementSibling : row?.previousElementSibling;
    next?.querySelector('button')?.focus();
  };
  return (
    <div ref={scroller} className={styles.list} onPointerLeave={() => onHover('')}>
      <table className={styles.table} aria-rowcount={listed.length + 1} aria-label="Functions">
        <SortHeader columns={COLUMNS} sortedBy={sort} ascending={ascending} onSort={sortBy} />
        <tbody style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const at = listed[index] as number;
            const fn = table.functions[at] as string;
            return (
              <tr
                key={fn}
                className={styles.row}
                style={{ transform: `translateY(${start}px)` }}
                aria-rowindex={index + 2}
                data-picked={fn === picked}
                onPointerEnter={() => onHover(fn)}
              >
                <FunctionCell
                  fn={fn}
                  onHover={onHover}
                  onKeyDown={(event) => {
                    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
                    event.preventDefault();
                    moveFocus(
                      event.currentTarget.closest('tr'),
                      event.key === 'ArrowDown' ? 1 : -1,
                    );
                  }}
                />
                <Amount value={table.self[at] as number} whole={whole} unit={unit} />
                <Amount value={table.total[at] as number} whole={whole} unit={unit} />
              </tr>
            );
          })}
        </tbody>
      </table>
      {listed.length === 0 && (
        <p className={styles.none}>
          {marked ? 'No function matches the search.' : 'No function is left.'}
        </p>
      )}
    </div>
  );
});

function Amount({ value, whole, unit }: { value: number; whole: number; unit: string }) {
  const share = whole > 0 ? value / whole : 0;
  return (
    <td className={styles.amount}>
      <span className={styles.bar} style={{ width: `${Math.min(1, Math.abs(share)) * 100}%` }} />
      <span className={styles.value}>{formatValue(value, unit)}</span>
      <span className={styles.share}>{formatShare(share)}</span>
    </td>
  );
}
