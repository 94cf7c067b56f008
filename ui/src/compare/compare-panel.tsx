import { diffTable, foldedText, layoutDiff } from '@bunsen/flame';
import type { FlameDiff } from '@bunsen/profile';
import { lazy, Suspense, useCallback, useDeferredValue, useMemo, useRef, useState } from 'react';
import { formatShare } from '../format/value.ts';
import { Breadcrumb } from '../graph/breadcrumb.tsx';
import { ExportMenu } from '../graph/export-menu.tsx';
import panelStyles from '../graph/flame-panel.module.css';
import { Notices } from '../graph/flame-states.tsx';
import { type FlamePicture, FlameView } from '../graph/flame-view.tsx';
import { useFlameKeys } from '../graph/use-flame-keys.ts';
import { marksOf, useFunctionMarks, useMarkedShare, useSearchMarks } from '../graph/use-marks.ts';
import { usePointed } from '../graph/use-pointed.ts';
import { useZoom } from '../graph/use-zoom.ts';
import { updateCompare, useViewState } from '../url/use-view-state.ts';
import { ChangeList } from './change-list.tsx';
import { CompareToolbar } from './compare-toolbar.tsx';
import { CompareTooltip } from './compare-tooltip.tsx';
import { diffScale } from './diff-scale.ts';
import { SideNotices } from './side-notices.tsx';

const FrameMenu = lazy(() => import('../graph/frame-menu.tsx'));

const VIEW_KEYS = {
  d: () => updateCompare({ view: 'diff' }),
  a: () => updateCompare({ view: 'left' }),
  b: () => updateCompare({ view: 'right' }),
};

/** The flame graph of a comparison, or of one of its sides, and the functions that changed. */
export function ComparePanel(props: {
  diff: FlameDiff;
  isStale: boolean;
  /** The first part of the names of exported files. */
  name: string;
  /** The sides have no length, or other units: only their shares can be compared. */
  onlyShares?: boolean;
}) {
  const { diff, isStale, onlyShares = false } = props;
  const { tree, meta } = diff;
  const { compare, search, isRegex, fn, pane } = useViewState();
  const { view } = compare;
  const wanted = onlyShares ? 'share' : compare.scale;
  const scale = useMemo(() => diffScale(wanted, diff), [wanted, diff]);
  const drawn = useMemo(() => layoutDiff(tree, scale.weights, view), [tree, scale, view]);
  const { layout } = drawn;
  const table = useMemo(() => diffTable(tree), [tree]);
  // The picture comes first.
  const listed = useDeferredValue<typeof table | null>(table, null);
  const { pointed, menu, setPointed, setMenu } = usePointed(layout);
  const [hovered, setHovered] = useState('');
  const searchField = useRef<HTMLInputElement>(null);
  const picture = useRef<FlamePicture>(null);

  const { focus, zoom } = useZoom(layout);
  const found = useSearchMarks(tree.frames, search, isRegex);
  const searchMarks = marksOf(found);
  const hoveredMarks = useFunctionMarks(tree.frames, hovered);
  const pickedMarks = useFunctionMarks(tree.frames, fn);
  const closeMenu = useCallback(() => setMenu(null), [setMenu]);
  useFlameKeys({ layout, pointed, searchField, more: VIEW_KEYS });

  const shareText = (left: number, right: number) => `${formatShare(left)} → ${formatShare(right)}`;
  const sides = useMemo(() => {
    const { frames, frame, depth } = tree;
    return {
      left: { frames, frame, depth, ...tree.left },
      right: { frames, frame, depth, ...tree.right },
    };
  }, [tree]);
  const foundText = shareText(
    useMarkedShare(sides.left, searchMarks),
    useMarkedShare(sides.right, searchMarks),
  );
  const pickedText = shareText(
    useMarkedShare(sides.left, pickedMarks),
    useMarkedShare(sides.right, pickedMarks),
  );
  const shown = { diff: 'A and B', left: 'A alone', right: 'B alone' }[view];
  const label = `Flame graph of ${shown}, ${layout.levels} levels deep. Arrow keys walk, Enter zooms, 0 resets, d, a and b change what is shown; the table of changes holds the same figures.`;
  return (
    <div className={panelStyles.panel} data-pane={pane} data-stale={isStale}>
      <CompareToolbar
        diff={diff}
        onlyShares={onlyShares}
        found={found}
        foundText={foundText}
        pickedText={pickedText}
        searchField={searchField}
        actions={
          <ExportMenu
            name={props.name}
            fromMs={meta.right.fromMs}
            picture={picture}
            folded={() => foldedText(tree, [tree.left.self, tree.right.self])}
          />
        }
      />
      <Notices meta={meta} total={(tree.left.total[0] ?? 0) + (tree.right.total[0] ?? 0)} />
      {!isStale && <SideNotices diff={diff} />}
      <div className={panelStyles.split}>
        {pane !== 'table' && (
          <div className={panelStyles.graph}>
            <Breadcrumb layout={layout} focus={focus} onZoom={zoom} />
            <FlameView
              ref={picture}
              layout={layout}
              change={drawn.change}
              label={label}
              focus={focus}
              marked={hoveredMarks ?? pickedMarks ?? searchMarks}
              onPoint={setPointed}
              onZoom={zoom}
              onMenu={setMenu}
            />
          </div>
        )}
        {pane !== 'graph' && (
          <div className={panelStyles.list} data-wide="true">
            {listed && (
              <ChangeList
                table={listed}
                scale={scale}
                marked={listed === table ? searchMarks : null}
                onHover={setHovered}
              />
            )}
          </div>
        )}
      </div>
      {pointed && !menu && (
        <CompareTooltip
          diff={diff}
          layout={layout}
          node={drawn.source[pointed.node] as number}
          pointed={pointed}
        />
      )}
      {menu && (
        <Suspense fallback={null}>
          <FrameMenu layout={layout} pointed={menu} onZoom={zoom} close={closeMenu} />
        </Suspense>
      )}
      <div className="visually-hidden" aria-live="polite">
        {searchMarks ? `${foundText} of the total matches` : ''}
      </div>
    </div>
  );
}
