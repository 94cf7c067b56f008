import type { DiffView } from '@bunsen/flame';
import type { FlameDiff } from '@bunsen/profile';
import type { ReactNode, RefObject } from 'react';
import { Segments } from '../components/segments.tsx';
import { relativeChange } from '../format/change.ts';
import { ChangeLegend } from '../graph/change-legend.tsx';
import toolbarStyles from '../graph/flame-toolbar.module.css';
import { PaneSwitch } from '../graph/pane-switch.tsx';
import { PickedFunction } from '../graph/picked-function.tsx';
import { SearchBox } from '../graph/search-box.tsx';
import type { Marks } from '../graph/use-marks.ts';
import type { Scale } from '../url/compare-state.ts';
import { updateCompare, useViewState } from '../url/use-view-state.ts';
import { diffScale } from './diff-scale.ts';

const VIEWS: { value: DiffView; text: string; title: string }[] = [
  { value: 'diff', text: 'Diff', title: 'Both sides, coloured by what changed (d)' },
  { value: 'left', text: 'A', title: 'Only A (a)' },
  { value: 'right', text: 'B', title: 'Only B (b)' },
];

const SCALES: { value: Scale; text: string; title: string }[] = [
  { value: 'share', text: 'Share', title: 'What each side spends its own total on' },
  { value: 'absolute', text: 'Absolute', title: 'What it costs, by the second' },
];

/** Above the comparison: search, what is drawn and in which measure, and how the totals changed. */
export function CompareToolbar(props: {
  diff: FlameDiff;
  onlyShares: boolean;
  found: Marks | { error: string } | null;
  foundText: string;
  pickedText: string;
  searchField: RefObject<HTMLInputElement | null>;
  actions: ReactNode;
}) {
  const { compare } = useViewState();
  return (
    <div className={toolbarStyles.toolbar}>
      <SearchBox found={props.found} foundText={props.foundText} field={props.searchField} />
      <PickedFunction text={props.pickedText} />
      <Segments
        label="What is drawn"
        value={compare.view}
        options={VIEWS}
        onPick={(view) => updateCompare({ view })}
      />
      {!props.onlyShares && (
        <>
          <Segments
            label="Measure"
            value={compare.scale}
            options={SCALES}
            onPick={(scale) => updateCompare({ scale })}
          />
          <Totals diff={props.diff} />
        </>
      )}
      {compare.view === 'diff' && <ChangeLegend less="less in B" more="more in B" />}
      <PaneSwitch />
      {props.actions}
    </div>
  );
}

function Totals({ diff }: { diff: FlameDiff }) {
  const { weights, format } = diffScale('absolute', diff);
  const left = (diff.tree.left.total[0] ?? 0) * weights.left;
  const right = (diff.tree.right.total[0] ?? 0) * weights.right;
  return (
    <span className={toolbarStyles.total} title="The totals of A and B">
      {format(left)} → <strong>{format(right)}</strong>
      <span> · {relativeChange(left, right)}</span>
    </span>
  );
}
