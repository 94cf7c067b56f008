import { foldedText, hasNegative, type PreparedFlame, signsOf, wholeOf } from '@bunsen/flame';
import type { CallTree } from '@bunsen/profile';
import {
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useDeferredValue,
  useMemo,
  useRef,
  useState,
} from 'react';
import { formatShare, formatValue } from '../format/value.ts';
import { useViewState } from '../url/use-view-state.ts';
import { Breadcrumb } from './breadcrumb.tsx';
import { type ExportFormat, ExportMenu } from './export-menu.tsx';
import styles from './flame-panel.module.css';
import { Notices } from './flame-states.tsx';
import { FlameToolbar } from './flame-toolbar.tsx';
import { type FlamePicture, FlameView } from './flame-view.tsx';
import { FrameTooltip } from './frame-tooltip.tsx';
import { FunctionList } from './function-list.tsx';
import { addStep, InvertButton, Steps } from './steps.tsx';
import { useFlameKeys } from './use-flame-keys.ts';
import { marksOf, useFunctionMarks, useMarkedShare, useSearchMarks } from './use-marks.ts';
import { usePointed } from './use-pointed.ts';
import { useTransformed } from './use-transformed.ts';
import { useZoom } from './use-zoom.ts';

const NO_FRAMES: string[] = [];

const FrameMenu = lazy(() => import('./frame-menu.tsx'));

/** A flame graph and its functions, linked: what is searched, picked or hovered shows in both. */
export function FlamePanel(props: {
  flame: PreparedFlame;
  isStale: boolean;
  /** What else the page can do with what is shown. */
  actions?: ReactNode;
  /** The first part of the names of exported files. */
  name: string;
  /** Where the server gives the same as a file. */
  exportUrl?: (format: ExportFormat) => string;
}) {
  const { isStale } = props;
  const { flame, stacks } = useTransformed(props.flame);
  const { layout, meta } = flame;
  const state = useViewState();
  const { pointed, menu, setPointed, setMenu } = usePointed(layout);
  const [hovered, setHovered] = useState('');
  const searchField = useRef<HTMLInputElement>(null);
  const picture = useRef<FlamePicture>(null);
  // The picture comes first: summing up 20 000 functions would hold it up.
  const listed = useDeferredValue<CallTree | null>(stacks, null);

  const { focus, zoom } = useZoom(layout);
  const found = useSearchMarks(layout.tree.frames, state.search, state.isRegex);
  const searchMarks = marksOf(found);
  // Turned round, the picture has frames of its own.
  const isTurned = stacks !== layout.tree;
  const ownFrames = isTurned ? stacks.frames : NO_FRAMES;
  const foundInList = useSearchMarks(ownFrames, state.search, state.isRegex);
  const listedMarks = marksOf(isTurned ? foundInList : found);
  const whole = wholeOf(layout);
  const foundShare = useMarkedShare(layout.tree, searchMarks, whole);
  const hoveredMarks = useFunctionMarks(layout.tree.frames, hovered);
  const pickedMarks = useFunctionMarks(layout.tree.frames, state.fn);
  const closeMenu = useCallback(() => setMenu(null), [setMenu]);
  useFlameKeys({ layout, pointed, searchField });

  const change = useMemo(() => (hasNegative(layout.tree) ? signsOf(layout.tree) : null), [layout]);

  const total = layout.tree.total[0] ?? 0;
  const label = `Flame graph of ${formatValue(total, meta.unit)}, ${layout.levels} levels deep. Arrow keys walk, Enter zooms, 0 resets; the table of functions holds the same figures.`;
  return (
    <div className={styles.panel} data-pane={state.pane} data-stale={isStale}>
      <FlameToolbar
        flame={flame}
        found={found}
        foundShare={foundShare}
        searchField={searchField}
        actions={
          <>
            <InvertButton />
            <ExportMenu
              name={props.name}
              fromMs={meta.fromMs}
              picture={picture}
              folded={() => foldedText(layout.tree, [layout.tree.self])}
              exportUrl={props.exportUrl}
            />
            {props.actions}
          </>
        }
      />
      <Notices meta={meta} total={wholeOf(props.flame.layout)} />
      <Steps whole={props.flame.layout} shown={whole} />
      <div className={styles.split}>
        {state.pane !== 'table' && (
          <div className={styles.graph}>
            <Breadcrumb layout={layout} focus={focus} onZoom={zoom} />
            <FlameView
              ref={picture}
              layout={layout}
              change={change}
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
                tree={listed}
                whole={whole}
                unit={meta.unit}
                marked={listed === stacks ? listedMarks : null}
                onHover={setHovered}
              />
            )}
          </div>
        )}
      </div>
      {pointed && !menu && <FrameTooltip layout={layout} meta={meta} pointed={pointed} />}
      {menu && (
        <Suspense fallback={null}>
          <FrameMenu
            layout={layout}
            pointed={menu}
            onZoom={zoom}
            onStep={addStep}
            close={closeMenu}
          />
        </Suspense>
      )}
      <div className="visually-hidden" aria-live="polite">
        {searchMarks ? `${formatShare(foundShare)} of the total matches` : ''}
      </div>
    </div>
  );
}
