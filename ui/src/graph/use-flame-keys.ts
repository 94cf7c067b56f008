import type { FlameLayout, Pointed } from '@bunsen/flame';
import { parseFrame } from '@bunsen/profile';
import { type RefObject, useEffect, useRef } from 'react';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { frameText } from './frame-facts.ts';

/** The keys of a page with a flame graph, wherever the focus is; not while somebody types. */
export function useFlameKeys(props: {
  layout: FlameLayout;
  pointed: Pointed | null;
  searchField: RefObject<HTMLInputElement | null>;
  /** Keys of the page itself. */
  more?: Record<string, () => void>;
}): void {
  const { fn } = useViewState();
  const latest = useRef({ ...props, fn });
  latest.current = { ...props, fn };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const typing = (event.target as Element).closest?.('input, select, [role="menu"], dialog');
      if (typing) return;
      const { layout, pointed, searchField, more } = latest.current;
      if (event.key === '/') searchField.current?.focus();
      else if (event.key === '0') updateViewState({ focus: '' });
      else if (event.key === 'c' && pointed) {
        void navigator.clipboard?.writeText(parseFrame(frameText(layout, pointed.node)).name);
      } else if (event.key === 'Escape') {
        updateViewState(latest.current.fn === '' ? { focus: '' } : { fn: '' });
      } else if (more?.[event.key]) more[event.key]?.();
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}
