import { type FlameLayout, pathIds } from '@bunsen/flame';
import { useCallback, useMemo } from 'react';
import { updateViewState, useViewState } from '../url/use-view-state.ts';

/** The node that the URL zooms to, 0 for all, and how to zoom to another. */
export function useZoom(layout: FlameLayout): { focus: number; zoom: (node: number) => void } {
  const { focus: id } = useViewState();
  const ids = useMemo(() => pathIds(layout), [layout]);
  const focus = useMemo(() => (id === '' ? 0 : Math.max(0, ids.find(id))), [ids, id]);
  const zoom = useCallback(
    (node: number) => updateViewState({ focus: node === 0 ? '' : ids.idOf(node) }),
    [ids],
  );
  return { focus, zoom };
}
