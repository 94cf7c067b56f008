import { FlameGraph, type FlameLayout, type Pointed } from '@bunsen/flame';
import { useEffect, useRef } from 'react';
import { useTheme } from '../theme.ts';
import styles from './flame-view.module.css';

/** React's hold on the canvas: hands it layout, zoom and emphasis, and tells what the user does. */
export function FlameView(props: {
  layout: FlameLayout;
  /** Per node, -1 to 1: what a comparison is coloured by. Changes with the layout only. */
  change?: Float32Array | null;
  /** What a screen reader says of the picture. */
  label: string;
  /** The node to zoom to; 0 for all. */
  focus: number;
  /** Per frame: 1 if it stands out; null for no emphasis. */
  marked: Uint8Array | null;
  onPoint: (pointed: Pointed | null) => void;
  onZoom: (node: number) => void;
  onMenu: (pointed: Pointed) => void;
}) {
  const { layout, focus, marked, change = null } = props;
  const host = useRef<HTMLElement>(null);
  const graph = useRef<FlameGraph | null>(null);
  const shown = useRef<FlameLayout | null>(null);
  const handlers = useRef(props);
  handlers.current = props;
  const theme = useTheme();

  useEffect(() => {
    if (!host.current) return;
    const created = new FlameGraph(host.current, {
      onPoint: (pointed) => handlers.current.onPoint(pointed),
      onZoom: (node) => handlers.current.onZoom(node),
      onMenu: (pointed) => handlers.current.onMenu(pointed),
    });
    graph.current = created;
    return () => {
      created.destroy();
      graph.current = null;
      shown.current = null;
    };
  }, []);

  useEffect(() => graph.current?.setTheme(theme), [theme]);

  useEffect(() => {
    if (shown.current !== layout) graph.current?.setLayout(layout, focus, change);
    else if (graph.current?.focus !== focus) graph.current?.zoomTo(focus);
    shown.current = layout;
  }, [layout, focus, change]);

  // After the layout, which forgets the emphasis of the one before.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another layout needs it again
  useEffect(() => graph.current?.setEmphasis(marked), [marked, layout]);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes arrow keys, as its label says
    <figure ref={host} className={styles.graph} tabIndex={0} aria-label={props.label} />
  );
}
