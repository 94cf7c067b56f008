import { hasNegative, type PreparedFlame, wholeOf } from '@bunsen/flame';
import { FRAME_KINDS, frameKind, kindColour } from '@bunsen/profile';
import { type ReactNode, type RefObject, useDeferredValue, useMemo } from 'react';
import { formatCost, formatShare, formatValue, hasCores } from '../format/value.ts';
import { useTheme } from '../theme.ts';
import { useViewState } from '../url/use-view-state.ts';
import { ChangeLegend } from './change-legend.tsx';
import styles from './flame-toolbar.module.css';
import { PaneSwitch } from './pane-switch.tsx';
import { PickedFunction } from './picked-function.tsx';
import { SearchBox } from './search-box.tsx';
import { type Marks, useFunctionMarks, useMarkedShare } from './use-marks.ts';

/** Above graph and table: search and what it found, the function that is picked, totals, layout. */
export function FlameToolbar(props: {
  flame: PreparedFlame;
  found: Marks | { error: string } | null;
  /** Value of the stacks that hold a match, as a share of all. */
  foundShare: number;
  searchField: RefObject<HTMLInputElement | null>;
  /** What else the page can do with what is shown. */
  actions?: ReactNode;
}) {
  const { flame, found } = props;
  const { layout, meta } = flame;
  const { fn } = useViewState();
  const total = layout.tree.total[0] ?? 0;
  const isDifference = useMemo(() => hasNegative(layout.tree), [layout]);
  const picked = useFunctionMarks(layout.tree.frames, fn);
  const pickedShare = useMarkedShare(layout.tree, picked, wholeOf(layout));
  return (
    <div className={styles.toolbar}>
      <SearchBox
        found={found}
        foundText={formatShare(props.foundShare)}
        field={props.searchField}
      />
      <PickedFunction text={formatShare(pickedShare)} />
      <span className={styles.total}>
        <strong>{formatCost(total, meta.unit, meta)}</strong>
        {hasCores(meta.unit, meta) && <span> · {formatValue(total, meta.unit)}</span>}
      </span>
      {isDifference ? (
        <ChangeLegend less="subtracted" more="added" />
      ) : (
        <Legend frames={layout.tree.frames} />
      )}
      <PaneSwitch />
      {props.actions}
    </div>
  );
}

const NO_FRAMES: string[] = [];

/** The kinds of code that occur. */
function Legend({ frames }: { frames: string[] }) {
  const theme = useTheme();
  const deferred = useDeferredValue(frames, NO_FRAMES);
  const kinds = useMemo(() => {
    const present = new Set(deferred.map(frameKind));
    return FRAME_KINDS.filter((kind) => present.has(kind));
  }, [deferred]);
  return (
    <ul className={styles.legend} aria-label="Colours">
      {kinds.map((kind) => (
        <li key={kind}>
          <span className={styles.swatch} style={{ background: kindColour(kind, theme) }} />
          {kind === 'jit' ? 'JIT' : kind}
        </li>
      ))}
    </ul>
  );
}
