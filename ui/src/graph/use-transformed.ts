import { layoutFlame, type PreparedFlame, transformTree } from '@bunsen/flame';
import { type CallTree, functionOfFrame, parseFrame } from '@bunsen/profile';
import { useDeferredValue, useMemo } from 'react';
import { useViewState } from '../url/use-view-state.ts';

/**
 * A flame graph after the steps of the URL; `stacks` is the same before it is turned round, where what
 * a function holds by itself can be told. Without steps both are what was given.
 */
export function useTransformed(given: PreparedFlame): { flame: PreparedFlame; stacks: CallTree } {
  const state = useViewState();
  // Compared by what they say: another change of the URL must not draw everything anew.
  const key = useDeferredValue(JSON.stringify(state.steps));
  const inverted = useDeferredValue(state.inverted);
  const straight = useMemo(() => {
    const steps = JSON.parse(key) as typeof state.steps;
    if (steps.length === 0) return given;
    const { tree } = given.layout;
    const chain = steps.map(({ kind, key: wanted }) => ({
      kind,
      marked: Uint8Array.from(tree.frames, (frame) => {
        const own = kind === 'collapse' ? parseFrame(frame).module : functionOfFrame(frame);
        return own === wanted ? 1 : 0;
      }),
    }));
    return { ...given, layout: layoutFlame(transformTree(tree, chain, false)) };
  }, [given, key]);
  return useMemo(() => {
    const stacks = straight.layout.tree;
    if (!inverted) return { flame: straight, stacks };
    const flame = { ...straight, layout: layoutFlame(transformTree(stacks, [], true)) };
    return { flame, stacks };
  }, [straight, inverted]);
}
