import { OTHER_FRAME, parseFrame, shortName } from '@bunsen/profile';
import type { KeyboardEventHandler } from 'react';
import { Icon } from '../components/icon.tsx';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { FunctionLink } from './function-link.tsx';
import styles from './function-list.module.css';

/** A function in a table: picks it in the graph beside it, and leads to its page. */
export function FunctionCell(props: {
  /** As it is stored: name and module. */
  fn: string;
  onHover: (fn: string) => void;
  onKeyDown?: KeyboardEventHandler<HTMLButtonElement>;
}) {
  const { fn, onHover } = props;
  const { fn: picked, pane } = useViewState();
  const { name, module } = parseFrame(fn);
  return (
    <td>
      <button
        type="button"
        className={styles.name}
        aria-pressed={fn === picked}
        title={module ? `${name}\n${module}` : name}
        onClick={() => updateViewState({ fn: fn === picked ? '' : fn })}
        onFocus={(event) => event.currentTarget.matches(':focus-visible') && onHover(fn)}
        onBlur={() => onHover('')}
        onKeyDown={props.onKeyDown}
      >
        <span className={styles.text}>{pane === 'table' ? name : shortName(name)}</span>
        <span className={styles.module}>
          {fn === OTHER_FRAME ? 'small nodes, folded together' : module}
        </span>
      </button>
      {fn !== OTHER_FRAME && <FunctionLink fn={fn} />}
    </td>
  );
}

/** The head of a table that can be sorted by each of its columns. */
export function SortHeader<Column extends string>(props: {
  columns: { by: Column; text: string }[];
  sortedBy: Column;
  ascending: boolean;
  onSort: (by: Column) => void;
}) {
  const { columns, sortedBy, ascending, onSort } = props;
  return (
    <thead>
      <tr className={styles.row}>
        {columns.map(({ by, text }) => (
          <th
            key={by}
            scope="col"
            aria-sort={by !== sortedBy ? 'none' : ascending ? 'ascending' : 'descending'}
          >
            <button type="button" onClick={() => onSort(by)}>
              {text}
              {by === sortedBy && <Icon name={ascending ? 'up' : 'down'} />}
            </button>
          </th>
        ))}
      </tr>
    </thead>
  );
}
