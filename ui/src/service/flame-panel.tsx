import { type Pointed, type PreparedFlame, pathIds } from '@bunsen/flame';
import { parseFrame } from '@bunsen/profile';
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { formatShare, formatValue } from '../format/value.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { Breadcrumb } from './breadcrumb.tsx';
import styles from './flame-panel.module.css';
import { Notices } from './flame-states.tsx';
import { FlameToolbar } from './flame-toolbar.tsx';
import { FlameView } from './flame-view.tsx';
import { frameText } from './frame-facts.ts';
import { FrameMenu } from './frame-menu.tsx';
import { FrameTooltip } from './frame-tooltip.tsx';
import { FunctionList } from './function-list.tsx';
import { useFunctionMarks, useSearchResult } from './use-marks.ts';

/** A flame graph and its functions, linked: what is searched, picked or hovered shows in both. */
export function FlamePanel({ flame, isStale }: { flame: PreparedFlame; isStale: boolean }) {
  const { layout, meta } = flame;
  const state = useViewState();
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const [menu, setMenu] = useState<Pointed | null>(null);
  const [hovered, setHovered] = useState('');
  const searchField = useRef<HTMLInputElement>(null);
  // The picture comes first: summing up 20 000 functions would hold it up.
  const listed = useDeferredValue<PreparedFlame | null>(flame, null);

  const ids = useMemo(() => pathIds(layout), [layout]);
  const focus = useMemo(
    () => (state.focus === '' ? 0 : Math.max(0, ids.find(state.focus))),
    [ids, state.focus],
  );
  const zoom = useCallback(
    (node: number) => updateViewState({ focus: node === 0 ? '' : ids.idOf(node) }),
    [ids],
  );
  const found = useSearchResult(flame, state.search, state.isRegex);
  const hoveredMarks = useFunctionMarks(flame, hovered);
  const pickedMarks = useFunctionMarks(flame, state.fn);
  const searchMarks = found && 'marked' in found ? found.marked : null;

  // Nodes of another layout mean nothing in this one.
  const [pointedLayout, setPointedLayout] = useState(layout);
  if (pointedLayout !== layout) {
    setPointedLayout(layout);
    setPointed(null);
    setMenu(null);
  }

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const typing = (event.target as Element).closest?.('input, select, [role="menu"]');
      if (typing) return;
      if (event.key === '/') searchField.current?.focus();
      else if (event.key === '0') updateViewState({ focus: '' });
      else if (event.key === 'c' && pointed) {
        void navigator.clipboard?.writeText(parseFrame(frameText(layout, pointed.node)).name);
      } else if (event.key === 'Escape') {
        updateViewState(state.fn === '' ? { focus: '' } : { fn: '' });
      } else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [layout, pointed, state.fn]);

  const total = layout.tree.total[0] ?? 0;
  const label = `Flame graph of ${formatValue(total, meta.unit)}, ${layout.levels} levels deep. Arrow keys walk, Enter zooms, 0 resets; the table of functions holds the same figures.`;
  return (
    <div className={styles.panel} data-pane={state.pane} data-stale={isStale}>
      <FlameToolbar flame={flame} found={found} searchField={searchField} />
      <Notices meta={meta} total={total} />
      <div className={styles.split}>
        {state.pane !== 'table' && (
          <div className={styles.graph}>
            <Breadcrumb layout={layout} focus={focus} onZoom={zoom} />
            <FlameView
              layout={layout}
              label={label}
              focus={focus}
              marked={hoveredMarks ?? pickedMarks ?? searchMarks}
              onPoint={setPointed}
              onZoom={zoom}
              onMenu={setMenu}
            />
          </div>
        )}
        {state.pane !== 'graph' && (
          <div className={styles.list}>
            {listed && (
              <FunctionList
                tree={listed.layout.tree}
                unit={listed.meta.unit}
                marked={listed === flame ? searchMarks : null}
                onHover={setHovered}
              />
            )}
          </div>
        )}
      </div>
      {pointed && !menu && <FrameTooltip layout={layout} meta={meta} pointed={pointed} />}
      {menu && (
        <FrameMenu layout={layout} pointed={menu} onZoom={zoom} close={() => setMenu(null)} />
      )}
      <div className="visually-hidden" aria-live="polite">
        {found && 'share' in found ? `${formatShare(found.share)} of the total matches` : ''}
      </div>
    </div>
  );
}
