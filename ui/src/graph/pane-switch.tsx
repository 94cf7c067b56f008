import { Segments } from '../components/segments.tsx';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import type { Pane } from '../url/view-state.ts';

const PANES: { value: Pane; text: string }[] = [
  { value: 'both', text: 'Both' },
  { value: 'graph', text: 'Graph' },
  { value: 'table', text: 'Table' },
];

/** Graph, table, or both. */
export function PaneSwitch() {
  const { pane } = useViewState();
  return (
    <Segments
      label="Layout"
      value={pane}
      options={PANES}
      onPick={(picked) => updateViewState({ pane: picked })}
    />
  );
}
