import type { FlameLayout, Pointed } from '@bunsen/flame';
import { useState } from 'react';

/** The node that is pointed at, and the one whose menu is open. Both go with their layout. */
export function usePointed(layout: FlameLayout): {
  pointed: Pointed | null;
  menu: Pointed | null;
  setPointed: (pointed: Pointed | null) => void;
  setMenu: (pointed: Pointed | null) => void;
} {
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const [menu, setMenu] = useState<Pointed | null>(null);
  // Nodes of another layout mean nothing in this one.
  const [pointedLayout, setPointedLayout] = useState(layout);
  if (pointedLayout !== layout) {
    setPointedLayout(layout);
    setPointed(null);
    setMenu(null);
    return { pointed: null, menu: null, setPointed, setMenu };
  }
  return { pointed, menu, setPointed, setMenu };
}
