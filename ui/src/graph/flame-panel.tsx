import type { PreparedFlame } from '@bunsen/flame';
import { type ReactNode, useCallback, useDeferredValue, useRef, useState } from 'react';
import { formatShare, formatValue } from '../format/value.ts';
import { useViewState } from '../url/use-view-state.ts';
import { Breadcrumb } from './breadcrumb.tsx';
import styles from './flame-panel.module.css';
import { Notices } from './flame-states.tsx';
import { FlameToolbar } from './flame-toolbar.tsx';
import { FlameView } from './flame-view.tsx';
import { FrameMenu } from './frame-menu.tsx';
import { FrameTooltip } from './frame-tooltip.tsx';
import { FunctionList } from './function-list.tsx';
import { useFlameKeys } from './use-flame-keys.ts';
import { marksOf, useFunctionMarks, useMarkedShare, useSearchMarks } from './use-marks.ts';
import { usePointed } from './use-pointed.ts';
import { useZoom } from './use-zoom.ts';

/** A flame graph and its functions, linked: what is searched, picked or hovered shows in both. */
export function FlamePanel(props: {
  flame: PreparedFlame;
  isStale: boolean;
  /** What else the page can do with what is shown. */
  actions?: ReactNode;
}) {
  const { flame, isStale } = props;
  const { layout, meta } = flame;
  const state = useViewState();
  const { pointed, menu, setPointed, setMenu } = usePointed(layout);
  const [hovered, setHovered] = useState('');
  const searchField = useRef<HTMLInputElement>(null);
  // The picture comes first: summing up 20 000 functions would hold it up.
  const listed = useDeferredValue<PreparedFlame | null>(flame, null);

  const { focus, zoom } = useZoom(layout);
  const found = useSearchMarks(layout.tree.frames, state.search, state.isRegex);
  const searchMarks = marksOf(found);
  const foundShare = useMarkedShare(layout.tree, searchMarks);
  const hoveredMarks = useFunctionMarks(layout.tree.frames, hovered);
  const pickedMarks = useFunctionMarks(layout.tree.frames, state.fn);
  const closeMenu = useCallback(() => setMenu(null), [setMenu]);
  useFlameKeys({ layout, pointed, searchField });

  const total = layout.tree.total[0] ?? 0;
  const label = `Flame graph of ${formatValue(total, meta.unit)}, ${layout.levels} levels deep. Arrow keys walk, Enter zooms, 0 resets; the table of functions holds the same figures.`;
  return (
    <div className={styles.panel} data-pane={state.pane} data-stale={isStale}>
      <FlameToolbar
        flame={flame}
        found={found}
        foundShare={foundShare}
        searchField={searchField}
        actions={props.actions}
      />
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
      {menu && <FrameMenu layout={layout} pointed={menu} onZoom={zoom} close={closeMenu} />}
      <div className="visually-hidden" aria-live="polite">
        {searchMarks ? `${formatShare(foundShare)} of the total matches` : ''}
      </div>
    </div>
  );
}
